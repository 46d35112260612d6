"""What the leader counts for everybody: due, to come, waiting."""

from types import SimpleNamespace
from typing import cast

from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock
from chassis.leadership import Leadership
from scheduler_service.workers.gauges import Gauges
from tests.integration.scheduler_service.conftest import OTHER_TENANT, TENANT
from tests.integration.scheduler_service.test_fair_claims import HALF_PAST, engine, fill

__all__ = ["engine"]


def said() -> tuple[float | None, ...]:
    """Return what this process says of plans that are due, the oldest of them, and what is to come."""
    names = ("backlog_plans", "backlog_age_seconds", "forecast_plans")
    return tuple(REGISTRY.get_sample_value(f"redletter_scheduler_{name}") for name in names)


async def test_the_leader_says_what_is_due_and_what_comes_within_ten_minutes(engine: AsyncEngine) -> None:
    """Two tenants' are added up; what is due later is neither; in time lapse ten minutes are real ones; a follower says 0."""
    await fill(engine, TENANT, 3, HALF_PAST.subtract(seconds=40))
    await fill(engine, TENANT, 5, HALF_PAST.add(seconds=1))
    await fill(engine, OTHER_TENANT, 7, HALF_PAST.add(seconds=600))
    await fill(engine, OTHER_TENANT, 11, HALF_PAST.add(seconds=601))
    clock = SimpleNamespace(now=lambda: HALF_PAST, speed=1.0)
    leadership = SimpleNamespace(leads=True)
    gauges = Gauges(engine, cast("BusinessClock", clock), cast("Leadership", leadership))
    await gauges.iterate()
    assert said() == (3, 40, 12)
    clock.speed = 2.0
    await gauges.iterate()
    assert said() == (3, 40, 23)
    leadership.leads = False
    await gauges.iterate()
    assert said() == (0, 0, 0)
