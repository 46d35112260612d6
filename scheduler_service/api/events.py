"""EventService: what was decided, what is planned, and what callers do about it."""

import uuid
from collections.abc import Callable
from dataclasses import dataclass

import grpc
import structlog
from google.rpc.status_pb2 import Status
from redletter.common.v1.item_result_pb2 import ItemResult
from redletter.scheduler.v1 import event_pb2 as pb
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from redletter.scheduler.v1 import event_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.errors import InvalidInput, NotFound, RedletterError
from chassis.operations import store as operations
from chassis.rpc import credentials
from chassis.rpc.errors import status_of
from chassis.rpc.validation import validate
from scheduler_service.api.event_drafts import checked_draft, create_draft
from scheduler_service.api.listing import page_of
from scheduler_service.api.making import Making
from scheduler_service.api.outcomes import Outcomes, add_outcomes
from scheduler_service.api.reissuing import parsed_reissue
from scheduler_service.api.rendering_events import ended, planned
from scheduler_service.api.steering import Cancel, Steering
from scheduler_service.domain.ids import parse_event_id
from scheduler_service.store import events, planned_events, plans
from scheduler_service.store.reissues import operation_of
from scheduler_service.store.requested_events import Draft, Made

log = structlog.get_logger()

_ABSENT = Made("", created=False)


@dataclass(frozen=True)
class Peers:
    """What this service asks of delivery: outcomes at leisure, and stops within two real seconds."""

    outcomes: Outcomes
    cancel: Cancel


@dataclass(frozen=True)
class Wakers:
    """Who is told of what: `due` that something may be due now, `operation` that long work has begun."""

    due: Callable[[], None]
    operation: Callable[[], None]


class Events(service_grpc.EventServiceServicer):
    """Parses, calls, renders; every method is about events of the caller's tenant."""

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, *, key: bytes, peers: Peers, wake: Wakers
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key
        self._outcomes = peers.outcomes
        self._making = Making(engine, clock, key, wake.due)
        self._steering = Steering(engine, clock, peers.cancel, wake.due)
        self._operation_begun = wake.operation

    async def GetEvent(
        self, request: service_pb.GetEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.GetEventResponse:
        """Return one event by its id: two reads by primary key, and its outcome from delivery."""
        return service_pb.GetEventResponse(event=await self._shown(request.event_id))

    async def ListEvents(
        self, request: service_pb.ListEventsRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ListEventsResponse:
        """Return a page of events in the order of their due times."""
        tenant_id = credentials.tenant_id()
        async with self._engine.connect() as connection:
            page = await page_of(connection, self._key, tenant_id, request)
        await add_outcomes(self._outcomes, tenant_id, page.events)
        return service_pb.ListEventsResponse(events=page.events, next_page_token=page.next_page_token)

    async def CreateEvent(
        self, request: service_pb.CreateEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.CreateEventResponse:
        """Make one event of the caller's own."""
        draft = create_draft(request, self._clock.now())
        [made] = await self._making.create(credentials.tenant_id(), [draft])
        if isinstance(made, RedletterError):
            raise made
        log.info("event.created", event_id=made.event_id, created=made.created)
        event = await self._shown(made.event_id)
        return service_pb.CreateEventResponse(event=event, created=made.created)

    async def BatchCreateEvents(
        self, request: service_pb.BatchCreateEventsRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.BatchCreateEventsResponse:
        """Make up to 500 events, each answered by itself."""
        now = self._clock.now()
        answers: list[Made | RedletterError] = []
        drafts: list[Draft] = []
        for wire in request.events:
            draft = checked_draft(wire, now)
            answers.append(draft if isinstance(draft, InvalidInput) else _ABSENT)
            drafts += [] if isinstance(draft, InvalidInput) else [draft]
        made = iter(await self._making.create(credentials.tenant_id(), drafts) if drafts else [])
        answers = [answer if isinstance(answer, RedletterError) else next(made) for answer in answers]
        results = [_result(index, answer) for index, answer in enumerate(answers)]
        log.info(
            "events.created",
            created=sum(isinstance(answer, Made) and answer.created for answer in answers),
            refused=sum(isinstance(answer, RedletterError) for answer in answers),
        )
        return service_pb.BatchCreateEventsResponse(
            results=results,
            event_ids=[answer.event_id if isinstance(answer, Made) else "" for answer in answers],
        )

    async def TriggerEvent(
        self, request: service_pb.TriggerEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.TriggerEventResponse:
        """Send a rule's message to one user now."""
        act = self._making.consume if request.consume else self._making.trigger
        made = await act(credentials.tenant_id(), request)
        log.info("event.triggered", event_id=made.event_id, created=made.created, consume=request.consume)
        return service_pb.TriggerEventResponse(event=await self._shown(made.event_id))

    async def SkipEvent(
        self, request: service_pb.SkipEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.SkipEventResponse:
        """End a planned event without sending it."""
        await self._steering.skip(credentials.tenant_id(), request.event_id)
        return service_pb.SkipEventResponse(event=await self._shown(request.event_id))

    async def RescheduleEvent(
        self, request: service_pb.RescheduleEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.RescheduleEventResponse:
        """Move a planned event to another moment."""
        await self._steering.reschedule(credentials.tenant_id(), request)
        return service_pb.RescheduleEventResponse(event=await self._shown(request.event_id))

    async def CancelEvent(
        self, request: service_pb.CancelEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.CancelEventResponse:
        """Stop one event, planned or sent."""
        parse_event_id(request.event_id)
        results = await self._steering.stop(credentials.tenant_id(), [request.event_id])
        if request.event_id not in results:
            raise _no_event(request.event_id)
        result = results[request.event_id]
        is_known = result != service_pb.CANCEL_RESULT_CANCELLING
        event = await self._shown(request.event_id, ask=is_known)
        return service_pb.CancelEventResponse(result=result, event=event)

    async def BatchCancelEvents(
        self, request: service_pb.BatchCancelEventsRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.BatchCancelEventsResponse:
        """Stop up to 500 events, each answered by itself."""
        refused = {name: error for name in request.event_ids if (error := _refusal(name)) is not None}
        asked = [name for name in request.event_ids if name not in refused]
        results = await self._steering.stop(credentials.tenant_id(), asked) if asked else {}
        unknown = {name: _no_event(name) for name in asked if name not in results}
        errors: dict[str, RedletterError] = {**refused, **unknown}
        return service_pb.BatchCancelEventsResponse(
            results=[
                _result(index, errors.get(name, _ABSENT)) for index, name in enumerate(request.event_ids)
            ],
            cancel_results=[
                results.get(name, service_pb.CANCEL_RESULT_UNSPECIFIED) for name in request.event_ids
            ],
        )

    async def ReissueEvent(
        self, request: service_pb.ReissueEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ReissueEventResponse:
        """Make a new event with the message of an ended one."""
        parse_event_id(request.event_id)
        made = await self._making.reissue(credentials.tenant_id(), request)
        log.info("event.reissued", event_id=made.event_id, reissue_of=request.event_id, created=made.created)
        return service_pb.ReissueEventResponse(event=await self._shown(made.event_id))

    async def ReissueEvents(
        self, request: service_pb.ReissueEventsRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ReissueEventsResponse:
        """Count the events that a filter finds, and begin to issue them again."""
        now = self._clock.now()
        reissue = parsed_reissue(request, now)
        tenant_id = credentials.tenant_id()
        operation_id = uuid.uuid4()
        async with unit_of_work(self._engine) as connection:
            count = await events.count(connection, tenant_id, reissue.asked)
            if request.dry_run:
                return service_pb.ReissueEventsResponse(count=count)
            operation = operation_of(reissue, operation_id, tenant_id, now=now, total=count)
            await operations.insert(connection, operation)
        self._operation_begun()
        log.info("events.reissue_begun", operation_id=str(operation_id), total=count)
        return service_pb.ReissueEventsResponse(count=count, operation_id=str(operation_id))

    async def _shown(self, name: str, *, ask: bool = True) -> pb.Event:
        """Return one event, with its outcome unless delivery is known not to answer (`ask` False).

        Raises:
            NotFound: the tenant has none under this id.
        """
        tenant_id = credentials.tenant_id()
        number, cycle = parse_event_id(name)
        async with self._engine.connect() as connection:
            # The plan first: once it has moved on, the event is there.
            plan = await plans.get(connection, tenant_id, number)
            row = await events.get(connection, tenant_id, name)
            if row is None and plan is not None and plan.cycle == cycle and plan.due_time is not None:
                priorities = await planned_events.priorities(connection, tenant_id)
                return planned(plan, priorities[plan.event_type_id])
        if row is None:
            raise _no_event(name)
        event = ended(row)
        if ask:
            await add_outcomes(self._outcomes, tenant_id, [event])
        else:
            event.outcome_unavailable = True
        return event


def _no_event(name: str) -> NotFound:
    return NotFound(f"there is no event {name!r}")


def _refusal(name: str) -> InvalidInput | None:
    """Return why this is no event id, as the call for a single event would say it."""
    try:
        validate(service_pb.CancelEventRequest(event_id=name))
        parse_event_id(name)
    except InvalidInput as error:
        return error
    return None


def _result(index: int, answer: Made | RedletterError) -> ItemResult:
    status = status_of(answer) if isinstance(answer, RedletterError) else Status()
    return ItemResult(index=index, status=status)
