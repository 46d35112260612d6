"""Calls about the schedule, as a tenant makes them."""

from typing import Any

from google.type.date_pb2 import Date
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import schedule_service_pb2 as pb
from redletter.scheduler.v1 import schedule_service_pb2_grpc as service_grpc

from tests.integration.scheduler_service.conftest import KEY, Replica

PLANNED, SENT = event_pb2.Event.STATE_PLANNED, event_pb2.Event.STATE_SENT
SUPPRESSED, EXPIRED = event_pb2.Event.STATE_SUPPRESSED, event_pb2.Event.STATE_EXPIRED


def stub(replica: Replica) -> service_grpc.ScheduleServiceStub:
    """Return ScheduleService of a replica."""
    return service_grpc.ScheduleServiceStub(replica.channel)


async def explained(
    replica: Replica, user_id: str = "", event_type_id: str = "birthday", **fields: Any
) -> pb.Explanation:
    """Explain a turn of somebody's, or an event by its id."""
    if "event_id" in fields:
        request = pb.ExplainScheduleRequest(event_id=str(fields["event_id"]))
    else:
        request = pb.ExplainScheduleRequest(user_id=user_id, event_type_id=event_type_id, **fields)
    return (await stub(replica).ExplainSchedule(request, metadata=KEY)).explanation


async def previewed(replica: Replica, user_id: str, **fields: Any) -> list[event_pb2.Event]:
    """Return the next events of somebody."""
    request = pb.PreviewScheduleRequest(user_id=user_id, **fields)
    return list((await stub(replica).PreviewSchedule(request, metadata=KEY)).events)


async def forecast(replica: Replica, **fields: Any) -> pb.ForecastScheduleResponse:
    """Count what falls due in a window."""
    request = pb.ForecastScheduleRequest(**fields)
    answer: pb.ForecastScheduleResponse = await stub(replica).ForecastSchedule(request, metadata=KEY)
    return answer


def day(year: int, month: int, number: int) -> Date:
    """Return a date on the wire."""
    return Date(year=year, month=month, day=number)


def shifts(explanation: pb.Explanation) -> list[str]:
    """Return what moved a turn, in order."""
    return [event_pb2.Shift.Name(step.shift).removeprefix("SHIFT_") for step in explanation.steps]
