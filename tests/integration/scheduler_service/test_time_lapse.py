"""A year in seconds: business time stands until the anchor, then runs at its speed."""

import time

from whenever import Instant

from tests.integration.scheduler_service.conftest import World, until, utc


async def test_nothing_leaves_before_the_anchor_and_then_everything_at_speed(world: World) -> None:
    """Two people a day apart leave a second apart at a day a second, none before its real instant."""
    start = utc("2028-03-02T08:59:59+00:00")
    anchor = Instant.now().add(seconds=1.2)
    world.feed.put_tenant(start)
    world.feed.put_user("today", "UTC", month=3, day=2, enrolled=start)
    world.feed.put_user("tomorrow", "UTC", month=3, day=3, enrolled=start)
    replica = await world.start(start, anchor=anchor, speed=86_400)
    assert replica.clock.now() == start
    begins = anchor.timestamp(unit="nanosecond") / 1e9
    await until(lambda: world.sent_to("tomorrow"))
    assert time.time() >= begins + 1
    arrived = {e.user_id: world.intake.arrived[e.event_id] - begins for e in world.intake.accepted.values()}
    assert 0 <= arrived["today"] < 1
    assert 1 <= arrived["tomorrow"] < 2
