"""The leader's third work: when another release of the zone data is installed, say what it would move.

Open plans keep their instants until somebody approves the diff; plans that are made meanwhile, for
the next cycle or after an edit, are made with the installed release.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

import structlog
from prometheus_client import Gauge
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis import zones
from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store import event_types, recipients, tenants, tzdata
from scheduler_service.store.tzdata import Moved, Progress, State
from scheduler_service.workers.planned_people import plan_each, plans_of, write

log = structlog.get_logger()

PAGE: Final = 200
INTERVAL_SECONDS: Final = 2.0

PENDING = Gauge(
    "redletter_scheduler_tzdata_pending", "1 while a plan diff of new zone data waits for approval."
)

Person = tuple[str, str]


class Tzdata:
    """Compares the open plans with the installed release, and moves them once that is approved."""

    def __init__(
        self,
        engine: AsyncEngine,
        clock: BusinessClock,
        *,
        key: bytes,
        leadership: Leadership,
        automatic: bool,
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key
        self._leadership = leadership
        self._automatic = automatic

    async def iterate(self) -> float | None:
        """Take one step; 0 when there is another one to take."""
        if not self._leadership.leads:
            PENDING.set(0)
            return None
        async with unit_of_work(self._engine) as connection:
            await self._leadership.fence(connection)
            progress = await tzdata.get(connection, lock=True)
            following = await self._step(connection, progress)
            if following is not progress:
                await tzdata.put(connection, following)
        PENDING.set(following.state is State.WAITING)
        if following.state is not progress.state:
            log.info("tzdata.compared", state=str(following.state), version=following.pending_version)
        return 0 if following.state in (State.COMPARING, State.APPROVED) else None

    async def _step(self, connection: AsyncConnection, progress: Progress) -> Progress:
        installed = zones.version()
        if not progress.version:
            found = await tzdata.other_version(connection, installed)
            return replace(progress, version=found or installed)
        if (progress.pending_version or progress.version) != installed:
            return await self._begin(connection, progress, installed)
        match progress.state:
            case State.COMPARING:
                return await self._compare(connection, progress)
            case State.WAITING if self._automatic:
                return replace(progress, state=State.APPROVED)
            case State.APPROVED:
                return await self._move(connection, progress)
            case _:
                return progress

    async def _begin(self, connection: AsyncConnection, progress: Progress, installed: str) -> Progress:
        """Compare from the start; back at an older release, with what was made with the newer one."""
        await tzdata.clear(connection)
        before = progress.version if progress.version != installed else progress.pending_version
        return Progress(before, installed, State.COMPARING, b"", 0)

    async def _compare(self, connection: AsyncConnection, progress: Progress) -> Progress:
        page = await tzdata.page(connection, after=progress.position, size=PAGE)
        people = [(tenant, user) for _, tenant, user, made in page if made != progress.pending_version]
        existing, changes, failed = await self._planned_anew(connection, people)
        planned = {plan.plan_id: plan for plan in changes.upserts}
        same, moved = [], []
        for plan in existing.values():
            if plan.due_time is None or plan.tzdata_version == progress.pending_version:
                continue
            if (plan.tenant_id, plan.user_id) in failed:
                continue
            after = planned.get(plan.plan_id, plan)
            if _is_same(plan, after):
                same.append(plan.plan_id)
            else:
                moved.append(Moved(plan, after.due_time))
        await tzdata.stamp(connection, same, progress.pending_version)
        await tzdata.note(connection, moved)
        checked = progress.checked + len(page)
        if len(page) == PAGE:
            return replace(progress, position=page[-1][0], checked=checked)
        waiting = bool(await tzdata.zones(connection))
        state = State.WAITING if waiting and not self._automatic else State.APPROVED
        return replace(progress, state=state, checked=checked)

    async def _move(self, connection: AsyncConnection, progress: Progress) -> Progress:
        page = await tzdata.noted(connection, size=PAGE)
        if not page:
            log.info("tzdata.approved", version=progress.pending_version)
            return Progress(progress.pending_version, "", State.CURRENT, b"", 0)
        _, changes, _ = await self._planned_anew(connection, [(tenant, user) for _, tenant, user in page])
        await write(connection, changes)
        await tzdata.done(connection, [plan_id for plan_id, _, _ in page])
        return progress

    async def _planned_anew(
        self, connection: AsyncConnection, people: Iterable[Person]
    ) -> tuple[dict[bytes, Plan], Changes, set[Person]]:
        """Return these people's plans, locked, what makes them those of the installed release, and whose
        plans cannot be made with it."""
        wanted: dict[str, list[str]] = {}
        for tenant_id, user_id in dict.fromkeys(people):
            wanted.setdefault(tenant_id, []).append(user_id)
        keys = [(tenant, user) for tenant, users in wanted.items() for user in users]
        existing = await plans_of(connection, self._key, keys)
        found = {tenant: await recipients.of(connection, tenant, users) for tenant, users in wanted.items()}
        changes, failed = await self._plan(
            connection, [person for of_tenant in found.values() for person in of_tenant.values()], existing
        )
        return {name: plan for own in existing.values() for name, plan in own.items()}, changes, failed

    async def _plan(
        self,
        connection: AsyncConnection,
        people: list[Recipient],
        existing: Mapping[Person, Mapping[bytes, Plan]],
    ) -> tuple[Changes, set[Person]]:
        defaults = await tenants.load(connection, {person.tenant_id for person in people})
        rules = await event_types.of_tenants(connection, defaults)
        planner = Planner(self._key, self._clock.now(), zones.version())
        changes, failed = plan_each(planner, people, rules=rules, defaults=defaults, existing=existing)
        return changes, set(failed)


def _is_same(plan: Plan, after: Plan) -> bool:
    """True when the other release moves nothing; another version of the rule is the replanner's to follow."""
    if plan.event_type_version != after.event_type_version:
        return True
    moment = (plan.cycle, plan.nominal_due_time, plan.deliver_by)
    if moment != (after.cycle, after.nominal_due_time, after.deliver_by):
        return False
    # A decision has deferred it to the end of quiet hours, which planning takes back.
    deferred = Shift.QUIET_HOURS in plan.shifts and Shift.QUIET_HOURS not in after.shifts
    return deferred or plan.due_time == after.due_time
