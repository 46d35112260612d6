"""Calls about events, as a client makes them."""

from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as pb

from tests.integration.scheduler_service.conftest import KEY, Replica
from tests.integration.scheduler_service.refusals import Refusal, refusal

SENT, PLANNED = event_pb2.Event.STATE_SENT, event_pb2.Event.STATE_PLANNED
SUPPRESSED, CANCELLED = event_pb2.Event.STATE_SUPPRESSED, event_pb2.Event.STATE_CANCELLED
EXPIRED = event_pb2.Event.STATE_EXPIRED


def asked(instance: str, user_id: str = "u1", **fields: object) -> pb.CreateEventRequest:
    """Return a request for an event with the words of `birthday`."""
    wanted = {"event_type_id": "birthday", **fields}
    return pb.CreateEventRequest(instance=instance, user_id=user_id, **wanted)


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> pb.LocalMoment:
    """Return a moment on somebody's wall."""
    return pb.LocalMoment(
        date=Date(year=year, month=month, day=day), time=TimeOfDay(hours=hour, minutes=minute)
    )


async def created(replica: Replica, request: pb.CreateEventRequest) -> pb.CreateEventResponse:
    """Make an event."""
    return await replica.events.CreateEvent(request, metadata=KEY)


async def refused(replica: Replica, request: pb.CreateEventRequest) -> Refusal:
    """Return how the request is refused."""
    return await refusal(replica.events.CreateEvent(request, metadata=KEY))


async def shown(replica: Replica, event_id: str) -> event_pb2.Event:
    """Return one event."""
    request = pb.GetEventRequest(event_id=event_id)
    return (await replica.events.GetEvent(request, metadata=KEY)).event


async def planned_event(replica: Replica, user_id: str, event_type_id: str = "birthday") -> event_pb2.Event:
    """Return the one planned event of somebody under a rule."""
    request = pb.ListEventsRequest(user_id=user_id, event_type_id=event_type_id, states=[PLANNED])
    [event] = (await replica.events.ListEvents(request, metadata=KEY)).events
    return event
