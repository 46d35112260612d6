"""The leader's second work: after a rule's timing changed, plan its people again, the nearest first.

First the plans that were due within two days, then the people whose day is near under the new timing,
then everybody in the order of their ids. Who is planned twice is planned the same.
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant, TimeDelta

from chassis import zones
from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from scheduler_service.domain.event_types import EventType, Recurrence
from scheduler_service.domain.planning import Planner
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store import event_types, recipients, replans, tenants
from scheduler_service.store.event_types import Replan
from scheduler_service.workers.planned_people import plan_each, plans_of, write

log = structlog.get_logger()

PAGE: Final = 500
NEAR: Final = timedelta(hours=48)
"""What was due, or will be, within this span is planned again before everything else."""
_DUE, _NEAR, _REST = "due", "near", "rest"
_SLACK_DAYS: Final = 5  # zones are up to a day apart, a weekend shift moves by days


@dataclass(frozen=True)
class Step:
    """One page of people, and where the walk goes on; `phase` None: it is over."""

    people: list[Recipient]
    phase: str | None
    key: str

    @property
    def cursor(self) -> str:
        """The text that is stored."""
        return f"{self.phase}:{self.key}"


class Replanner:
    """Walks the recipients of an event type whose timing changed; the cursor survives a crash."""

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, *, key: bytes, leadership: Leadership
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key
        self._leadership = leadership

    async def iterate(self) -> float | None:
        """Plan one page again; None when no rule waits."""
        if not self._leadership.leads:
            return None
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            replan = await event_types.unplanned(connection)
            if replan is None:
                return None
            rule = replan.event_type
            step = await self._step(connection, replan)
            await self._plan(connection, rule, step.people)
            done = step.phase is None
            if await event_types.progress(connection, replan, cursor=step.cursor, done=done):
                # Otherwise the operation that is open now is of a newer timing, which nobody has walked yet.
                walked = len(step.people) if replan.cursor.startswith(_REST) else 0
                await replans.progress(connection, rule, walked=walked, done=done, now=self._clock.now())
        if done:
            log.info(
                "event_type.replanned", event_type_id=rule.event_type_id, timing_version=rule.timing_version
            )
        return 0

    async def _step(self, connection: AsyncConnection, replan: Replan) -> Step:
        """Return the next page of the walk; its phase and key are where the one after it begins."""
        rule = replan.event_type
        phase, _, key = replan.cursor.partition(":")
        if phase == _NEAR:
            return await self._near(connection, rule, after=key)
        if phase == _REST:
            people = await recipients.page(connection, rule.tenant_id, after=key, size=PAGE)
            more = len(people) == PAGE
            return Step(people, _REST if more else None, people[-1].user_id if more else "")
        horizon = self._clock.now() + TimeDelta(NEAR)
        found, last = await replans.due_soon(connection, rule, horizon=horizon, after=key, size=PAGE)
        people = list((await recipients.of(connection, rule.tenant_id, sorted(set(found)))).values())
        return Step(people, _DUE if last else _NEAR, last)

    async def _near(self, connection: AsyncConnection, rule: EventType, *, after: str) -> Step:
        days = near_days(rule, self._clock.now())
        if days is None:
            return Step([], _REST, "")
        people = await replans.whose_day_is(connection, rule, days=days, after=after, size=PAGE)
        more = len(people) == PAGE
        return Step(people, _NEAR if more else _REST, people[-1].user_id if more else "")

    async def _plan(self, connection: AsyncConnection, rule: EventType, people: list[Recipient]) -> None:
        if not people:
            return
        defaults = await tenants.load(connection, [rule.tenant_id])
        existing = await plans_of(connection, self._key, [(r.tenant_id, r.user_id) for r in people])
        of_rule = {
            person: {name: plan for name, plan in own.items() if plan.event_type_id == rule.event_type_id}
            for person, own in existing.items()
        }
        changes, _ = plan_each(
            Planner(self._key, self._clock.now(), zones.version()),
            people,
            rules={rule.tenant_id: (rule,)},
            defaults=defaults,
            existing=of_rule,
        )
        await write(connection, changes)


def near_days(rule: EventType, now: Instant) -> list[int] | None:
    """Return month * 100 + day of the occasions that may be due within two days; None: of any may.

    Wide enough for every zone, a weekend shift and the leap day rules.
    """
    if rule.recurrence not in (Recurrence.YEARLY, Recurrence.ONCE):
        return None
    today = now.to_tz("UTC").date().add(days=-rule.day_offset)
    days = [today.add(days=offset) for offset in range(-_SLACK_DAYS, NEAR.days + _SLACK_DAYS + 1)]
    named = {day.month * 100 + day.day for day in days}
    if named & {228, 301}:
        named.add(229)
    return sorted(named)
