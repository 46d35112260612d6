"""Events that callers change by hand: skipped, rescheduled, cancelled."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import grpc
import structlog
from prometheus_client import Counter
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant, TimeDelta

from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.errors import IllegalTransition, InvalidInput, NotFound
from chassis.transactions import settled
from chassis.wire import instant
from scheduler_service.api.event_drafts import local_moment
from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.ids import parse_event_id
from scheduler_service.domain.moments import due_moment
from scheduler_service.domain.plan_records import Plan
from scheduler_service.domain.recipients import zone_of
from scheduler_service.store import cancellations, events, plan_edits
from scheduler_service.store.cancellations import Stop
from scheduler_service.store.plan_edits import Surroundings
from scheduler_service.store.requested_events import due_instant
from scheduler_service.workers.canceller import cancel_request

log = structlog.get_logger()

EDITED = Counter(
    "redletter_scheduler_events_edited_total",
    "Events that callers changed by hand, by how: skip, reschedule, cancel (planned), stop (sent).",
    ["action"],
)
STOP_LEASE_SECONDS: Final = 3.0
"""For so long the canceller leaves a stop to the call that stored it, which asks delivery for 2 s."""

Cancel = Callable[[intake_pb2.CancelEventsRequest], Awaitable[intake_pb2.CancelEventsResponse]]
Results = dict[str, "service_pb.CancelResult"]


@dataclass(frozen=True)
class Cancelled:
    """What a cancellation has achieved so far, by event; what delivery has yet to be told; how many were planned."""

    results: Results
    stops: list[Stop]
    planned: int


@dataclass(frozen=True)
class Steering:
    """Locks plans, compares, writes; `moved` is told that something may be due."""

    engine: AsyncEngine
    clock: BusinessClock
    cancel: Cancel
    moved: Callable[[], None]

    async def skip(self, tenant_id: str, name: str) -> None:
        """End a planned event as SUPPRESSED(SKIPPED) and open the next cycle.

        Raises:
            NotFound: there is no such event.
            IllegalTransition: it is decided (reason ALREADY_DECIDED).
        """

        async def work(connection: AsyncConnection) -> None:
            plan, around = await self._open(connection, tenant_id, name)
            now = self.clock.now()
            await plan_edits.end(
                connection, [plan], around, state="SUPPRESSED", reason=Reason.SKIPPED, now=now
            )

        await settled(self.engine, work)
        EDITED.labels("skip").inc()
        log.info("event.skipped", event_id=name)

    async def reschedule(self, tenant_id: str, request: service_pb.RescheduleEventRequest) -> None:
        """Let a planned event of this cycle be due at another moment.

        Raises:
            NotFound: there is no such event.
            IllegalTransition: it is decided (reason ALREADY_DECIDED).
            InvalidInput: no such date or time, or one too far ahead.
        """

        async def work(connection: AsyncConnection) -> None:
            plan, around = await self._open(connection, tenant_id, request.event_id)
            now = self.clock.now()
            due_time = _moment_of(request, plan, around, now)
            await plan_edits.move(connection, plan, around, due_time=due_time, now=now)

        await settled(self.engine, work)
        self.moved()
        EDITED.labels("reschedule").inc()
        log.info("event.rescheduled", event_id=request.event_id)

    async def stop(self, tenant_id: str, names: Sequence[str]) -> Results:
        """Cancel these events, whatever their state; unknown ones are missing in the answer.

        Once this returns the request is stored: what delivery could not be told is repeated.
        """

        async def work(connection: AsyncConnection) -> Cancelled:
            return await self._stop(connection, tenant_id, names)

        cancelled = await settled(self.engine, work)
        results = {**cancelled.results, **await self._tell(cancelled.stops)}
        EDITED.labels("cancel").inc(cancelled.planned)
        EDITED.labels("stop").inc(len(cancelled.stops))
        log.info(
            "events.cancelled",
            planned=cancelled.planned,
            sent=len(cancelled.stops),
            unanswered=sum(r == service_pb.CANCEL_RESULT_CANCELLING for r in results.values()),
        )
        return results

    async def _open(
        self, connection: AsyncConnection, tenant_id: str, name: str
    ) -> tuple[Plan, Surroundings]:
        number, cycle = parse_event_id(name)
        plan = (await plan_edits.lock(connection, tenant_id, [number])).get(number)
        row = await events.get(connection, tenant_id, name)
        if row is not None:
            why = f"{row['state']}({row['reason']})" if row["reason"] else row["state"]
            raise IllegalTransition(f"event {name} is decided: {why}", reason="ALREADY_DECIDED")
        if plan is None or not _is_open(plan, cycle):
            raise NotFound(f"there is no event {name!r}")
        return plan, await plan_edits.surroundings(connection, tenant_id, [plan])

    async def _stop(self, connection: AsyncConnection, tenant_id: str, names: Sequence[str]) -> Cancelled:
        cycles = {name: parse_event_id(name) for name in names}
        held = await plan_edits.lock(connection, tenant_id, [number for number, _ in cycles.values()])
        rows = await events.of_ids(connection, tenant_id, names)
        now = self.clock.now()
        still_open = {
            name: held[number]
            for name, (number, cycle) in cycles.items()
            if name not in rows and number in held and _is_open(held[number], cycle)
        }
        if still_open:
            around = await plan_edits.surroundings(connection, tenant_id, list(still_open.values()))
            await plan_edits.end(
                connection,
                list(still_open.values()),
                around,
                state="CANCELLED",
                reason=Reason.CANCELLED,
                now=now,
            )
        stops = await self._note_stops(connection, tenant_id, rows, now)
        results = dict.fromkeys(still_open, service_pb.CANCEL_RESULT_CANCELLED)
        results |= {name: _ended_before(row) for name, row in rows.items()}
        return Cancelled(results, stops, len(still_open))

    async def _note_stops(
        self,
        connection: AsyncConnection,
        tenant_id: str,
        rows: Mapping[str, Mapping[str, Any]],
        now: Instant,
    ) -> list[Stop]:
        """Store that what was sent and is still worth sending has to stop."""
        sent = [
            row for row in rows.values() if row["state"] == "SENT" and row["deliver_by"] > now.to_stdlib()
        ]
        if not sent:
            return []
        # After its decision, by whosever clock; an id is decided once, so this reaches nothing else.
        latest = max(Instant(row["decide_time"]) for row in sent)
        before = max(now, latest) + TimeDelta(milliseconds=1)
        stops = [Stop(tenant_id, row["user_id"], row["event_id"], before, "cancelled") for row in sent]
        await cancellations.insert_events(
            connection,
            [(stop.tenant_id, stop.user_id, stop.event_id) for stop in stops],
            now=before,
            reason="cancelled",
            lease=STOP_LEASE_SECONDS,
        )
        return stops

    async def _tell(self, stops: Sequence[Stop]) -> Results:
        if not stops:
            return {}
        results: Results = {stop.event_id: service_pb.CANCEL_RESULT_CANCELLING for stop in stops}
        try:
            answer = await self.cancel(cancel_request(stops))
        except grpc.aio.AioRpcError as error:
            log.warning("cancellation.unanswered", code=error.code().name)
            return results
        async with unit_of_work(self.engine) as connection:
            await cancellations.delete(connection, stops)
        stopped, late = service_pb.CANCEL_RESULT_CANCELLED, service_pb.CANCEL_RESULT_TOO_LATE
        results |= dict.fromkeys(answer.cancelled_event_ids, stopped)
        results |= dict.fromkeys([*answer.too_late_event_ids, *answer.on_the_wire], late)
        return results


def _is_open(plan: Plan, cycle: str) -> bool:
    return plan.cycle == cycle and plan.due_time is not None


def _ended_before(row: Mapping[str, Any]) -> "service_pb.CancelResult":
    """Return what can be said without delivery: one that was cancelled is, everything else is over."""
    if row["state"] == "CANCELLED":
        return service_pb.CANCEL_RESULT_CANCELLED
    return service_pb.CANCEL_RESULT_TOO_LATE


def _moment_of(
    request: service_pb.RescheduleEventRequest, plan: Plan, around: Surroundings, now: Instant
) -> Instant:
    if request.WhichOneof("due") == "due_time":
        return due_instant(instant(request.due_time, field="due_time"), now)
    on, at = local_moment(request.local_time)
    person = around.people.get(plan.user_id)
    zone = around.defaults.time_zone if person is None else zone_of(person, around.defaults)
    rule = around.rules[plan.event_type_id]
    moment = due_moment(on, at, zone, rule.gap, rule.fold, rule.skipped_date)
    if moment.time < now:
        local = on.at(at).format_iso()
        raise InvalidInput.at(
            "local_time",
            f"{local} is over in {zone}",
            value=local,
            allowed="a local time to come, or due_time for now",
        )
    return due_instant(moment.time, now, field="local_time")
