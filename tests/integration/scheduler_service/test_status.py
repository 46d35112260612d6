"""What the scheduler says about itself."""

from redletter.scheduler.v1 import scheduler_admin_service_pb2 as admin_pb2

from tests.integration.scheduler_service.conftest import OPERATOR, World, until, utc


async def test_the_number_of_open_plans_is_exact_while_it_is_small(world: World) -> None:
    """Three people are three open plans at once, not what PostgreSQL's statistics will say later."""
    start = utc("2028-03-02T00:00:00+00:00")
    world.feed.put_tenant(start)
    for number in range(3):
        world.feed.put_user(f"u{number}", "Europe/Lisbon", month=7, day=1, enrolled=start)
    replica = await world.start(start)
    await until(lambda: not world.feed.changes)
    request = admin_pb2.GetSchedulerStatusRequest()
    status = (await replica.admin.GetSchedulerStatus(request, metadata=OPERATOR)).status
    assert (status.plans_open, status.backlog) == (3, 0)
