"""Reads the plans of the next seconds and renders them ahead, so that the due instant only decides."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis import zones
from chassis.clocks import BusinessClock
from scheduler_service.coordination.shards import Shards
from scheduler_service.domain.decisions import LATE_AFTER, Reason
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import event_id
from scheduler_service.domain.plans import Plan, next_plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.rendering.messages import Rendered, RenderError, TooLarge, render
from scheduler_service.rendering.templates import Cache
from scheduler_service.store import plans
from scheduler_service.workers.controls import Controls
from scheduler_service.workers.rules import Rules
from scheduler_service.workers.shares import Shares, spans
from scheduler_service.workers.window import Ready, Window
from scheduler_service.workers.work_notes import Chunk, WorkNotes

log = structlog.get_logger()

AHEAD_SECONDS: Final = 2.5  # real seconds; in time lapse they are as many business seconds times the speed
CHUNK: Final = 500
INTERVAL_SECONDS: Final = 0.5
LOOK_SIZE: Final = 12_000
"""More than this replica decides until it looks again, and half of what the window may hold."""
READING_SECONDS: Final = 0.5
"""After so long it looks anew: while one tenant's plans are read, another's come near."""
BREATH: Final = 50
"""So many are rendered in one go; then what is due meanwhile is decided."""
IDLE_SHARE: Final = 10
"""Looking takes about a tenth of the time at most, however many tenants there are."""
LONGEST_SECONDS: Final = 1.0
"""But what comes near is seen in time."""

WINDOW = Gauge("redletter_scheduler_window_plans", "Plans that are read and rendered ahead in this replica.")


class Prefetcher:
    """Keeps the window filled with what is due within the next 2.5 real seconds."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        shards: Shards,
        window: Window,
        rules: Rules,
        templates: Cache,
        controls: Controls,
        notes: WorkNotes,
        filled: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._shards = shards
        self._window = window
        self._rules = rules
        self._templates = templates
        self._controls = controls
        self._notes = notes
        self._filled = filled
        self._shares = Shares(LOOK_SIZE)

    async def iterate(self) -> float | None:
        """Look once at what is due soon and read what is not in the window yet; 0 when more is left."""
        held = self._shards.held()
        self._window.retain(held)
        WINDOW.set(len(self._window))
        began = time.monotonic()
        if not held:
            return None
        await self._notes.take_over(held)
        missing = await self._look(held)
        looked = time.monotonic()
        chunks = self._notes.chunks(missing, size=CHUNK)
        try:
            for chunk in chunks:
                if time.monotonic() - looked > READING_SECONDS:
                    return 0
                await self._read(chunk)
                self._filled()
        finally:
            if chunks:
                await self._notes.end()
        return min(LONGEST_SECONDS, max(INTERVAL_SECONDS, IDLE_SHARE * (looked - began)))

    async def _look(self, held: tuple[int, ...]) -> list[bytes]:
        """Return what should be in the window and is not; what should not be there makes room for it."""
        now = self._clock.now()
        ahead = AHEAD_SECONDS * self._clock.speed
        settled, horizon = now.subtract(seconds=ahead), now.add(seconds=ahead)
        async with self._engine.connect() as connection:
            await self._controls.load(connection)
            wanted = spans(now, horizon, self._controls.guard)
            due = await self._shares.read(connection, held, wanted, settled=settled, horizon=horizon)
        missing = [plan_id for _, _, plan_id, version, _ in due if not self._window.holds(plan_id, version)]
        if len(missing) > self._window.space:
            self._window.make_room(len(missing), wanted={plan_id for _, _, plan_id, *_ in due})
        return missing

    async def _read(self, chunk: Chunk) -> None:
        await self._notes.begin(chunk)
        async with self._engine.connect() as connection:
            rows = await plans.prefetch(connection, chunk.plan_ids)
            await self._rules.load(connection, {plan.tenant_id for plan, _ in rows})
        now, horizon = self._clock.now(), self._horizon()
        for number, (plan, recipient) in enumerate(rows):
            if number % BREATH == 0:
                await asyncio.sleep(0)
            if plan.due_time is None or plan.due_time > horizon:
                continue  # decided or moved since it was looked at
            event_type = self._rules.event_type(plan.tenant_id, plan.event_type_id)
            defaults = self._rules.defaults(plan.tenant_id)
            if event_type is not None and defaults is not None:
                ready = make_ready(
                    self._templates,
                    plan,
                    recipient,
                    event_type,
                    defaults,
                    refused=self._refused(plan),
                    late=_is_late(plan, now),
                )
                self._window.put(ready)
        self._notes.survived(chunk)

    def _horizon(self) -> Instant:
        return self._clock.now().add(seconds=AHEAD_SECONDS * self._clock.speed)

    def _refused(self, plan: Plan) -> Reason | None:
        """Return why this plan is not rendered at all."""
        guard = self._controls.guard
        assert plan.due_time is not None
        if guard is not None and guard.expires and guard.since <= plan.due_time < guard.until:
            return Reason.HELD_BACK
        return Reason.POISON if self._notes.is_quarantined(plan.plan_id) else None


def _is_late(plan: Plan, now: Instant) -> bool:
    return plan.due_time is not None and now - plan.due_time > LATE_AFTER


def make_ready(
    templates: Cache,
    plan: Plan,
    recipient: Recipient | None,
    event_type: EventType,
    defaults: TenantDefaults,
    *,
    refused: Reason | None = None,
    late: bool = False,
) -> Ready:
    """Return the plan with its message; what cannot or may not be rendered carries the reason instead."""
    assert plan.cycle is not None
    name = event_id(plan.plan_id, plan.cycle)
    rendered: Rendered | None = None
    failure = refused
    if recipient is not None and refused is None:
        try:
            rendered = render(
                templates, plan, name, recipient=recipient, event_type=event_type, defaults=defaults
            )
        except RenderError:
            failure = Reason.RENDER
        except TooLarge:
            failure = Reason.TOO_LARGE
        except Exception as error:  # noqa: BLE001 - one person's message must not stop everybody's
            log.error("event.unrenderable", event_id=name, error=type(error).__name__)  # noqa: TRY400
            failure = Reason.RENDER
    following = next_plan(
        plan,
        recipient,
        event_type=event_type,
        defaults=defaults,
        sent=True,
        tzdata_version=zones.version(),
    )
    return Ready(plan, following, recipient, event_type, defaults, name, rendered, failure, late)
