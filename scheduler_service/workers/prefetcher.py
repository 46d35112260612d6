"""Reads the plans of the next seconds and renders them ahead, so that the due instant only decides."""

from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import TimeDelta

from chassis import zones
from chassis.clocks import BusinessClock
from scheduler_service.coordination.shards import Shards
from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import event_id
from scheduler_service.domain.plans import Plan, next_plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.rendering.messages import Rendered, RenderError, TooLarge, render
from scheduler_service.rendering.templates import Cache
from scheduler_service.store import plans
from scheduler_service.workers.rules import Rules
from scheduler_service.workers.window import CAPACITY, Ready, Window

log = structlog.get_logger()

AHEAD_SECONDS: Final = 2.5  # real seconds; in time lapse they are as many business seconds times the speed
CHUNK: Final = 500
INTERVAL_SECONDS: Final = 0.5

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
        filled: Callable[[], None],
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._shards = shards
        self._window = window
        self._rules = rules
        self._templates = templates
        self._filled = filled

    async def iterate(self) -> float | None:
        """Look once at what is due soon and read what is not in the window yet."""
        held = self._shards.held()
        self._window.retain(held)
        WINDOW.set(len(self._window))
        if not held or self._window.space <= 0:
            return None
        horizon = self._clock.now() + TimeDelta(seconds=AHEAD_SECONDS * self._clock.speed)
        async with self._engine.connect() as connection:
            keys = await plans.due_keys(connection, held, horizon=horizon, size=CAPACITY)
        missing = [key for key, version in keys if not self._window.holds(key, version)]
        for start in range(0, min(len(missing), self._window.space), CHUNK):
            await self._read(missing[start : start + CHUNK])
            self._filled()
        return None

    async def _read(self, plan_ids: list[bytes]) -> None:
        async with self._engine.connect() as connection:
            rows = await plans.prefetch(connection, plan_ids)
            await self._rules.load(connection, {plan.tenant_id for plan, _ in rows})
        for plan, recipient in rows:
            event_type = self._rules.event_type(plan.tenant_id, plan.event_type_id)
            defaults = self._rules.defaults(plan.tenant_id)
            if event_type is not None and defaults is not None:
                self._window.put(make_ready(self._templates, plan, recipient, event_type, defaults))


def make_ready(
    templates: Cache,
    plan: Plan,
    recipient: Recipient | None,
    event_type: EventType,
    defaults: TenantDefaults,
) -> Ready:
    """Return the plan with its message; what cannot be rendered carries the reason instead."""
    assert plan.cycle is not None
    name = event_id(plan.plan_id, plan.cycle)
    rendered: Rendered | None = None
    failure: Reason | None = None
    if recipient is not None:
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
    return Ready(plan, following, recipient, event_type, defaults, name, rendered, failure)
