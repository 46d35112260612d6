"""Events come in, and stops: stored first, then this replica's memory follows."""

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.traces import tracer
from delivery_service.domain.deliveries import INBOX, LaneKey, QueuedDelivery
from delivery_service.domain.event_outcomes import Standing
from delivery_service.domain.stops import RecentStops, Stop
from delivery_service.store import endpoints, messages, stops
from delivery_service.store.messages import Addressed, Offered
from delivery_service.store.partitions import Partitions
from delivery_service.store.stops import Cancelled
from delivery_service.workers.lanes import Lanes
from delivery_service.workers.replica_lease import ReplicaLease
from delivery_service.workers.retention import made_late
from delivery_service.workers.stop_watch import StopWatch

log = structlog.get_logger()

SMALL: Final = 50
"""So many events of a hand-over are stored beside the larger ones."""
SMALL_TURNS: Final = 2


class Intake:
    """Accepts events and stops; what it accepted goes to this replica's lanes as far as they have room.

    `arrived` is called with the tenants whose inboxes got something.
    """

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        lease: ReplicaLease,
        watch: StopWatch,
        recent: RecentStops,
        lanes: Lanes,
        *,
        concurrency: int,
        arrived: Callable[[Iterable[str]], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._lease = lease
        self._watch = watch
        self._recent = recent
        self._lanes = lanes
        self._arrived = arrived
        self._partitions = Partitions(engine, made=made_late)
        # The other loops need connections as well, the one that looks for stops above all.
        self._turns = asyncio.Semaphore(concurrency)
        # A tenant with ten events does not queue behind one with a million.
        self._small_turns = asyncio.Semaphore(SMALL_TURNS)

    async def accept(self, handover_id: str, offered: Sequence[Offered]) -> list[Addressed]:
        """Store events and address them, in one transaction.

        Runs to its end even when the caller hangs up: what PostgreSQL has must reach the lanes.
        """
        return await asyncio.shield(asyncio.ensure_future(self._accept(handover_id, offered)))

    async def cancel(
        self, *, tenant_id: str, event_ids: list[str], user_id: str, decided_before: Instant, reason: str
    ) -> Cancelled:
        """Stop events: from the answer on this replica sends none of them, the others none after 200 ms."""
        now = time.monotonic()
        for event_id in event_ids or [""]:
            self._recent.add(Stop(tenant_id, event_id, user_id, decided_before), monotonic=now)
        unsettled = self._lanes.unsettled(tenant_id, event_ids=event_ids, user_id=user_id)
        cancelled = await stops.cancel(
            self._engine,
            tenant_id=tenant_id,
            event_ids=event_ids,
            user_id=user_id,
            decided_before=decided_before,
            now=self._clock.now(),
            reason=reason,
            owner=self._lease.number,
            in_flight=unsettled,
        )
        log.info(
            "events.stopped",
            reason=reason,
            ended=cancelled.ended,
            **{
                standing.name.lower(): list(cancelled.standing.values()).count(standing)
                for standing in Standing
            },
        )
        return cancelled

    async def _accept(self, handover_id: str, offered: Sequence[Offered]) -> list[Addressed]:
        async with self._small_turns if len(offered) <= SMALL else self._turns:
            return await self._store(handover_id, offered)

    async def _store(self, handover_id: str, offered: Sequence[Offered]) -> list[Addressed]:
        with tracer.start_as_current_span("events.accept") as span:
            term = self._lease.term
            owner = self._lease.number if self._watch.ready and self._lanes.room >= len(offered) else None
            accepted = await messages.accept(
                self._engine,
                self._partitions,
                offered,
                now=self._clock.now(),
                real_now=self._clock.real(),
                owner=owner,
                full_lanes=self._lanes.full(),
            )
            span.set_attribute("redletter.events", len(offered))
        held = [delivery for delivery in accepted if delivery.held]
        self._leave(offered, accepted)
        if held and term == self._lease.term:
            await self._offer(offered, held)
        waiting = {delivery.event_id for delivery in accepted if delivery.endpoint_id == INBOX}
        if waiting:
            self._arrived({event[2] for event in offered if event[0] in waiting})
        log.info(
            "events.accepted",
            handover_id=handover_id,
            offered=len(offered),
            deliveries=len(accepted),
            held=len(held),
        )
        return accepted

    def _leave(self, offered: Sequence[Offered], accepted: Sequence[Addressed]) -> None:
        left = [made for made in accepted if not (made.held or made.stopped or made.endpoint_id == INBOX)]
        if left:
            tenants = {event[0]: event[2] for event in offered}
            self._lanes.left({LaneKey(tenants[made.event_id], made.endpoint_id) for made in left})

    async def _offer(self, offered: Sequence[Offered], held: Sequence[Addressed]) -> None:
        events = {event[0]: event for event in offered}
        keys = {LaneKey(events[made.event_id][2], made.endpoint_id) for made in held}
        unknown = self._lanes.unknown(keys)
        if unknown:
            async with self._engine.connect() as connection:
                self._lanes.open(unknown, await endpoints.targets(connection, unknown))
        self._lanes.offer((made.endpoint_id, _row(events[made.event_id])) for made in held)


def _row(event: Offered) -> QueuedDelivery:
    event_id, occurrence_date, tenant_id, user_id, _, due, decided, deliver_by, _, body, _, traceparent, _ = (
        event
    )
    return QueuedDelivery(
        event_id,
        1,
        occurrence_date,
        0,
        tenant_id,
        user_id,
        Instant(due),
        Instant(decided),
        Instant(deliver_by),
        traceparent,
        body,
    )
