"""Stops are read five times a second; a replica that could not for a second does not know what it may send."""

import asyncio

from tests.integration.delivery_service.conftest import TENANT_ID, State, running
from tests.receiver import Behaviour, Receiver


async def test_what_waited_meanwhile_asks_again(database_url: str, receiver: Receiver) -> None:
    """A deletion answered by another replica while stops cannot be read: what waits here never leaves."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    async with (
        running(database_url, lane_concurrency=1) as world,
        running(database_url, serve=False) as other,
    ):
        await world.endpoint(receiver.url())
        await world.accept(*[world.event() for _ in range(3)])
        await receiver.wait_for(1)
        watch, lease = world.inside.stop_watch, world.inside.lease
        await watch.stop()

        async def in_doubt() -> bool:
            return not watch.fresh and not lease.valid

        await world.until(in_doubt, seconds=3)
        await other.inside.intake.cancel(
            tenant_id=TENANT_ID,
            event_ids=[],
            user_id="u1",
            decided_before=world.clock.now(),
            reason="deleted",
        )
        hold.set()
        await world.ended(1)
        await lease.renew()  # a lease alone is not enough
        assert receiver.count == 1
        await watch.start()
        ended = await world.ended(3)
    assert sorted(one.state for one in ended) == sorted(
        [State.STATE_DELIVERED, State.STATE_CANCELLED, State.STATE_CANCELLED]
    )
    assert receiver.count == 1
