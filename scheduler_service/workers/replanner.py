"""The leader's second work: after a rule's timing changed, plan its people again, page by page."""

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis import zones
from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.leadership import Leadership
from scheduler_service.domain.ids import user_part
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store import event_types, plans, recipients, tenants
from scheduler_service.store.event_types import Replan
from scheduler_service.workers.people import write

log = structlog.get_logger()

PAGE = 500


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
            people = await recipients.page(connection, rule.tenant_id, after=replan.cursor, size=PAGE)
            await self._plan(connection, replan, people)
            done = len(people) < PAGE
            cursor = people[-1].user_id if people else replan.cursor
            await event_types.progress(connection, replan, cursor=cursor, done=done)
        if done:
            log.info(
                "event_type.replanned", event_type_id=rule.event_type_id, timing_version=rule.timing_version
            )
        return 0

    async def _plan(self, connection: AsyncConnection, replan: Replan, people: list[Recipient]) -> None:
        rule = replan.event_type
        defaults = (await tenants.load(connection, [rule.tenant_id]))[rule.tenant_id]
        kind = rule.occasion_kind
        concerned = [r for r in people if any(o.kind == kind for o in r.occasions)]
        if not concerned:
            return
        parts = [user_part(self._key, r.tenant_id, r.user_id) for r in concerned]
        found: dict[str, dict[bytes, Plan]] = {}
        for plan in await plans.of_users(connection, parts):
            if plan.event_type_id == rule.event_type_id:
                found.setdefault(plan.user_id, {})[plan.plan_id] = plan
        planner = Planner(self._key, self._clock.now(), zones.version())
        changes = Changes()
        for person in concerned:
            planner.plan_user(
                person,
                (rule,),
                defaults=defaults,
                existing=found.get(person.user_id, {}),
                changes=changes,
            )
        await write(connection, changes)
