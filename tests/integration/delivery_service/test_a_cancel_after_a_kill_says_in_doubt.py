"""A delivery that a killed replica held and that is stopped before another attempt: its receiver may have it."""

from datetime import UTC, datetime

import pytest
from redletter.delivery.v1 import delivery_pb2
from sqlalchemy import text

from chassis.database import unit_of_work
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.store import outcomes, queue
from delivery_service.store.outcomes import Outcome
from tests.integration.delivery_service.conftest import TENANT_ID, State, World, running
from tests.integration.delivery_service.redelivering import DAY
from tests.integration.delivery_service.test_a_delivery_is_redelivered import cancel, outcome

DEAD_REPLICA, SUCCESSOR = 7, 8


async def killed(world: World, *, in_doubt: bool = True) -> str:
    """Let a replica hold a delivery and be killed; return the event."""
    await world.endpoint("http://127.0.0.1:1/hook")
    event = world.event()
    await world.accept(event)
    async with unit_of_work(world.engine) as connection:
        await connection.execute(text("UPDATE queue SET owner = :owner"), {"owner": DEAD_REPLICA})
        await queue.release_all(connection, [DEAD_REPLICA], in_doubt=in_doubt)
    return str(event.event_id)


def unsent(event_id: str, cause: DeliveryCause, attempts: int = 0) -> Outcome:
    """Return the end of a delivery that was stopped while its new owner held it."""
    nothing = (None, 0, 0, -1, -1, -1, 0, b"", "", "")
    at = datetime(2027, 2, 28, tzinfo=UTC)
    return Outcome(event_id, "hook", 1, DAY, DeliveryState.CANCELLED, cause, attempts, at, *nothing)


@pytest.mark.parametrize("in_doubt", [True, False])
async def test_ended_by_the_stop_itself(database_url: str, in_doubt: bool) -> None:
    """While nobody holds it: CANCELLED with the cause IN_DOUBT; handed back in order it is CANCELLED only."""
    async with running(database_url, serve=False) as world:
        event_id = await killed(world, in_doubt=in_doubt)
        event = world.event(event_id, decided=world.clock.now().subtract(hours=1))
        await cancel(world, event, by_user=False)
        [ended] = await world.listed()
        expected = delivery_pb2.DELIVERY_CAUSE_IN_DOUBT if in_doubt else delivery_pb2.DELIVERY_CAUSE_CANCELLED
        assert (ended.state, ended.cause) == (State.STATE_CANCELLED, expected)
        assert await outcome(world, event) == "CANCELLED"


async def test_ended_by_its_next_owner(database_url: str) -> None:
    """The replica that took it over and withdraws it unsent says the same."""
    async with running(database_url, serve=False) as world:
        event_id = await killed(world)
        async with unit_of_work(world.engine) as connection:
            await connection.execute(text("UPDATE queue SET owner = :owner"), {"owner": SUCCESSOR})
        await outcomes.record(world.engine, [unsent(event_id, DeliveryCause.CANCELLED)], owner=SUCCESSOR)
        [row] = await world.rows("SELECT state, cause FROM deliveries WHERE tenant_id = :t", t=TENANT_ID)
        assert tuple(row) == (DeliveryState.CANCELLED, DeliveryCause.IN_DOUBT)


async def test_while_it_waits_it_says_so(database_url: str) -> None:
    """Pending with the cause IN_DOUBT, until another attempt has a cause of its own."""
    async with running(database_url, serve=False) as world:
        await killed(world)
        [pending] = await world.listed()
        assert (pending.state, pending.cause) == (State.STATE_PENDING, delivery_pb2.DELIVERY_CAUSE_IN_DOUBT)
