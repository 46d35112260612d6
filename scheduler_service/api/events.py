"""EventService: what was decided, and what is planned."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import structlog
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.scheduler.v1 import event_pb2 as pb
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from redletter.scheduler.v1 import event_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Date

from chassis import pages
from chassis.errors import NotFound
from chassis.rpc import credentials
from chassis.wire import date, instant, timestamp
from scheduler_service.domain.ids import event_id, parse_event_id, user_part
from scheduler_service.domain.plans import Plan
from scheduler_service.store import events, plans
from scheduler_service.store.plans import Window

log = structlog.get_logger()

Outcomes = Callable[[intake_pb2.BatchGetOutcomesRequest], Awaitable[intake_pb2.BatchGetOutcomesResponse]]

_BEGINNING = datetime(1, 1, 2, tzinfo=UTC)
_END = datetime(9999, 12, 30, tzinfo=UTC)
_ENDED = ("SENT", "SUPPRESSED", "EXPIRED", "CANCELLED", "FAILED")


@dataclass(frozen=True)
class Position:
    """Where a page begins: after this (due_time, event_id)."""

    due_time: datetime
    event_id: str

    @property
    def plan_id(self) -> bytes:
        """The plan id of the event: plans sort by it as events do by their ids."""
        return parse_event_id(self.event_id)[0] if self.event_id else b""


class Events(service_grpc.EventServiceServicer):
    """Reads ended events and open plans as one list."""

    def __init__(self, engine: AsyncEngine, *, key: bytes, outcomes: Outcomes) -> None:
        self._engine = engine
        self._key = key
        self._outcomes = outcomes

    async def GetEvent(
        self, request: service_pb.GetEventRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.GetEventResponse:
        """Return one event by its id: two reads by primary key, and its outcome from delivery."""
        tenant_id = credentials.tenant_id()
        plan_id, cycle = parse_event_id(request.event_id)
        async with self._engine.connect() as connection:
            row = await events.get(connection, tenant_id, request.event_id)
            plan = None if row else await plans.get(connection, tenant_id, plan_id)
        if row is not None:
            event = _ended(row)
            await self._add_outcomes(tenant_id, [event])
        elif plan is not None and plan.cycle == cycle and plan.due_time is not None:
            event = _planned(plan)
        else:
            raise NotFound(f"there is no event {request.event_id!r}")
        return service_pb.GetEventResponse(event=event)

    async def ListEvents(
        self, request: service_pb.ListEventsRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ListEventsResponse:
        """Return a page of events in the order of their due times."""
        tenant_id = credentials.tenant_id()
        window = Window(
            _time(request, "due_after", _BEGINNING), _time(request, "due_before", _END), request.event_type_id
        )
        bound = [
            tenant_id,
            request.user_id,
            request.event_type_id,
            list(request.states),
            window.due_after.isoformat(),
            window.due_before.isoformat(),
        ]
        key = pages.decode(request.page_token, bound)
        after = (
            Position(datetime.fromisoformat(str(key[0])), str(key[1])) if key else Position(_BEGINNING, "")
        )
        size = pages.page_size(request.page_size)
        async with self._engine.connect() as connection:
            found = await self._page(
                connection, tenant_id, request, window=window, after=after, size=size + 1
            )
        shown = [event for _, event in found[:size]]
        await self._add_outcomes(tenant_id, [e for e in shown if e.state == pb.Event.STATE_SENT])
        token = ""
        if len(found) > size:
            last = found[size - 1]
            token = pages.encode([last[0].isoformat(), last[1].event_id], bound)
        return service_pb.ListEventsResponse(events=shown, next_page_token=token)

    async def _page(
        self,
        connection: AsyncConnection,
        tenant_id: str,
        request: service_pb.ListEventsRequest,
        *,
        window: Window,
        after: Position,
        size: int,
    ) -> list[tuple[datetime, pb.Event]]:
        wanted = {pb.Event.State.Name(state).removeprefix("STATE_") for state in request.states}
        found: list[tuple[datetime, pb.Event]] = []
        if not wanted or wanted - {"PLANNED"}:
            rows = await events.page(
                connection,
                tenant_id,
                user_id=request.user_id,
                after=(after.due_time, after.event_id),
                window=window,
                states=[state for state in _ENDED if not wanted or state in wanted],
                size=size,
            )
            found += [(row["due_time"], _ended(row)) for row in rows]
        if not wanted or "PLANNED" in wanted:
            open_plans = await self._plans(
                connection, tenant_id, request.user_id, after=after, window=window, size=size
            )
            found += [(p.due_time.to_stdlib(), _planned(p)) for p in open_plans if p.due_time is not None]
        return sorted(found, key=lambda entry: (entry[0], entry[1].event_id))[:size]

    async def _plans(
        self,
        connection: AsyncConnection,
        tenant_id: str,
        user_id: str,
        *,
        after: Position,
        window: Window,
        size: int,
    ) -> Sequence[Plan]:
        if not user_id:
            key = (after.due_time, after.plan_id)
            return await plans.open_page(connection, tenant_id, after=key, window=window, size=size)
        found = await plans.of_user(connection, user_part(self._key, tenant_id, user_id))
        return [plan for plan in found if _is_in(plan, window, after)]

    async def _add_outcomes(self, tenant_id: str, found: Sequence[pb.Event]) -> None:
        sent = [event for event in found if event.state == pb.Event.STATE_SENT]
        if not sent:
            return
        request = intake_pb2.BatchGetOutcomesRequest(
            tenant_id=tenant_id,
            events=[
                intake_pb2.OutcomeQuery(event_id=e.event_id, occurrence_date=e.occurrence_date) for e in sent
            ],
        )
        try:
            answer = await self._outcomes(request)
        except grpc.aio.AioRpcError as error:
            log.warning("outcomes.unavailable", code=error.code().name)
            for event in sent:
                event.outcome_unavailable = True
            return
        known = {outcome.event_id: outcome for outcome in answer.outcomes}
        for event in sent:
            outcome = known.get(event.event_id)
            # Delivery has not answered for it yet: the hand-over is still on its way.
            event.outcome = outcome_pb2.OUTCOME_OPEN
            if outcome is not None and outcome.outcome != outcome_pb2.OUTCOME_NONE:
                event.outcome = outcome.outcome
                if outcome.HasField("receive_time"):
                    event.receive_time.CopyFrom(outcome.receive_time)


def _time(request: service_pb.ListEventsRequest, name: str, default: datetime) -> datetime:
    return instant(getattr(request, name), field=name).to_stdlib() if request.HasField(name) else default


def _is_in(plan: Plan, window: Window, after: Position) -> bool:
    if plan.due_time is None or plan.cycle is None:
        return False
    if window.event_type_id and plan.event_type_id != window.event_type_id:
        return False
    due = plan.due_time.to_stdlib()
    position = (due, event_id(plan.plan_id, plan.cycle))
    return window.due_after < due < window.due_before and position > (after.due_time, after.event_id)


def _planned(plan: Plan) -> pb.Event:
    assert plan.cycle is not None
    assert plan.nominal_due_time is not None
    assert plan.due_time is not None
    assert plan.deliver_by is not None
    return pb.Event(
        event_id=event_id(plan.plan_id, plan.cycle),
        user_id=plan.user_id,
        event_type_id=plan.event_type_id,
        occasion_id=plan.occasion_id,
        instance=plan.instance,
        cycle=plan.cycle,
        occurrence_date=date(plan.occurrence_date),
        state=pb.Event.STATE_PLANNED,
        nominal_due_time=timestamp(plan.nominal_due_time),
        due_time=timestamp(plan.due_time),
        deliver_by=timestamp(plan.deliver_by),
    )


def _ended(row: Mapping[str, Any]) -> pb.Event:
    reason = f"EVENT_REASON_{row['reason'] or 'UNSPECIFIED'}"
    return pb.Event(
        event_id=row["event_id"],
        user_id=row["user_id"],
        event_type_id=row["event_type_id"],
        occasion_id=row["occasion_id"],
        instance=row["instance"],
        cycle=row["cycle"],
        occurrence_date=date(Date(row["occurrence_date"])),
        state=f"STATE_{row['state']}",
        reason=reason,
        nominal_due_time=timestamp(row["nominal_due_time"]),
        due_time=timestamp(row["due_time"]),
        deliver_by=timestamp(row["deliver_by"]),
        decide_time=timestamp(row["decide_time"]),
        decision=pb.Decision(
            event_type_version=row["event_type_version"],
            recipient_version=row["recipient_version"],
            tzdata_version=row["tzdata_version"],
            time_zone=row["time_zone"],
            utc_offset=_offset(row["utc_offset_seconds"]),
            shifts=[f"SHIFT_{name}" for name in row["shifts"].split(",") if name],
        ),
        late=row["late"],
        priority=row["priority"],
    )


def _offset(seconds: int) -> str:
    sign = "-" if seconds < 0 else "+"
    hours, rest = divmod(abs(seconds), 3600)
    minutes, left = divmod(rest, 60)
    return f"{sign}{hours:02d}:{minutes:02d}" + (f":{left:02d}" if left else "")
