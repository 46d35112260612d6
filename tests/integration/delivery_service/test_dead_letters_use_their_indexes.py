"""The plans of dead letters at size: what a page or a group costs does not depend on how many there are."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from delivery_service.domain.deliveries import DeliveryCause, DeliveryState
from delivery_service.domain.settlements import Settlement
from delivery_service.store import dead_letters, redeliveries
from delivery_service.store.dead_letters import settling
from delivery_service.store.delivery_filters import LAST, Filter, page_statement, parameters_of
from tests.integration.delivery_service.conftest import TENANT_ID, World, running
from tests.integration.delivery_service.redelivering import DAY, Cause, State, fill
from tests.integration.delivery_service.test_the_ledger_reads_one_month import plan_of, touched

MANY = 30_000


@pytest.fixture(params=[True, False], ids=["after-analyze", "before-analyze"])
async def full(request: pytest.FixtureRequest, database_url: str) -> AsyncIterator[World]:
    """A store with many dead letters of one endpoint, few of another, and as many received deliveries.

    Before ANALYZE is how a month is that has just begun: the planner then knows nothing of it.
    """
    async with running(database_url, serve=False) as world:
        await fill(world, MANY)
        await fill(world, MANY, name="bbbbbb", state=State.STATE_DELIVERED, cause=0)
        await fill(world, 40, name="cccccc", endpoint="other", cause=Cause.DELIVERY_CAUSE_TIMEOUT)
        if request.param:
            async with world.engine.begin() as connection:
                await connection.execute(text("ANALYZE messages, deliveries"))
        yield world


async def cost(world: World, statement: str, parameters: dict[str, Any]) -> float:
    """Run a statement; return the rows it looked at. Every table is read by an index."""
    plan = await plan_of(world, statement, parameters)
    read = [node for node in plan if node["Actual Loops"]]
    assert all("Index" in node["Node Type"] for node in read), [node["Node Type"] for node in read]
    return touched(read)


@pytest.mark.parametrize(
    "asked",
    [
        Filter(),
        Filter(endpoint_id="other"),
        Filter(endpoint_id="hook", causes=(DeliveryCause.HTTP_STATUS,)),
    ],
    ids=["all", "one-endpoint-with-few", "one-endpoint-and-cause"],
)
@pytest.mark.parametrize("newest", [True, False])
async def test_a_page(full: World, asked: Filter, newest: bool) -> None:
    """It reads its own rows and their messages, in either direction."""
    parameters = {**parameters_of(TENANT_ID, asked), "size": 100, "examined": 100}
    if newest:
        parameters |= parameters_of(TENANT_ID, asked, after=LAST)
    assert await cost(full, page_statement(asked, newest=newest), parameters) < 500


async def test_a_page_by_user_is_bounded(full: World) -> None:
    """It looks at so many dead letters and their messages, however many there are."""
    asked = Filter(user_id="nobody")
    parameters = {**parameters_of(TENANT_ID, asked), "size": 100, "examined": 1000}
    assert await cost(full, page_statement(asked, newest=False), parameters) <= 2100


async def test_what_was_delivered_by_its_end(full: World) -> None:
    """A page of received ones is read by the index of ends."""
    asked = Filter(states=(DeliveryState.DELIVERED,))
    parameters = {**parameters_of(TENANT_ID, asked), "size": 100, "examined": 1000}
    assert await cost(full, page_statement(asked, newest=False), parameters) <= 2100


async def test_groups_are_probed_and_counted_to_the_bound(
    full: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Finding the groups and their ends takes a few probes each; counting stops at the bound."""
    monkeypatch.setattr(dead_letters, "MOST_COUNTED", 1000)
    parameters = {
        "tenant_id": TENANT_ID,
        "endpoint_id": "",
        "after_endpoint": "",
        "after_cause": 0,
        "size": 100,
    }
    assert await cost(full, dead_letters.groups_statement(of_endpoint=False), parameters) < 1000 + 40 + 20


async def test_a_page_is_judged_queued_and_settled_where_it_lies(full: World) -> None:
    """Beginning fifty rounds among many reads these fifty, their messages, and nothing else."""
    ids = [f"evt_aaaaaa{n:020}_2027" for n in range(1, 51)]
    told = settling(
        TENANT_ID,
        [(name, "hook", 1, DAY) for name in ids],
        Settlement.REDELIVERED,
        now=full.clock.now(),
        reason="",
    )
    at = full.clock.now().to_stdlib()
    named = {
        "tenant_id": TENANT_ID,
        "event_id": ids,
        "endpoint_id": ["hook"] * 50,
        "on_date": [DAY] * 50,
        "dates": [DAY],
    }
    begun = {**named, "round": [2] * 50, "deliver_by": [at] * 50, "now": at, "real_now": at}
    for statement, parameters in (
        (redeliveries.CANDIDATES, named),
        (redeliveries.BEGIN, begun),
        (dead_letters.SETTLE, told),
    ):
        plan = await plan_of(full, statement, parameters)
        read = [node for node in plan if node["Actual Loops"] and node["Node Type"] != "ModifyTable"]
        assert touched(read) <= 200, statement
