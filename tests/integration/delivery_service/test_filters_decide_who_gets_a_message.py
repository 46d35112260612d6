"""Event-type filters and the inbox mode at accept."""

import random
from collections import defaultdict

from redletter.delivery.v1 import delivery_pb2
from redletter.delivery.v1 import endpoint_service_pb2 as wire
from sqlalchemy import text

from delivery_service.domain.event_type_filters import require_filters, wanted
from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant, running
from tests.receiver import Receiver

INBOX = "inbox"


async def endpoint(world: World, endpoint_id: str, *filters: str, url: str = "https://example.com/") -> None:
    """Create an endpoint with filters."""
    as_tenant()
    request = wire.CreateEndpointRequest(endpoint_id=endpoint_id, url=url, event_type_filters=filters)
    await world.endpoints.CreateEndpoint(request, None)


async def everything_to_the_inbox(world: World) -> None:
    """Set the tenant's inbox mode to ALL."""
    async with world.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO tenant_settings (tenant_id, inbox_mode, update_time) VALUES (:tenant, 2, now())"
            ),
            {"tenant": TENANT_ID},
        )


async def addressed(world: World) -> dict[str, set[str]]:
    """Return who has a delivery, by event."""
    found: dict[str, set[str]] = defaultdict(set)
    for row in await world.rows("SELECT event_id, endpoint_id FROM queue"):
        found[row.event_id].add(row.endpoint_id)
    return found


async def test_a_message_goes_to_whoever_wants_its_event_type(database_url: str) -> None:
    """By name, by pattern, by no filter at all; what nobody wants is in the inbox."""
    async with running(database_url, serve=False) as world:
        await endpoint(world, "birthdays", "birthday")
        await endpoint(world, "reminders", "reminder_*", "*-last")
        await endpoint(world, "foreign", "birthday")
        events = {
            name: world.event(event_type_id=name)
            for name in ("birthday", "reminder_1", "reminder", "call-last", "reminder_1-last")
        }
        await world.accept(*events.values())
        found = await addressed(world)
    assert {name: found[event.event_id] for name, event in events.items()} == {
        "birthday": {"birthdays", "foreign"},
        "reminder_1": {"reminders"},
        "reminder": {INBOX},
        "call-last": {"reminders"},
        "reminder_1-last": {"reminders"},
    }


async def test_the_statement_matches_as_the_domain_does(database_url: str) -> None:
    """Sixty random endpoints and eighty random event types: PostgreSQL and Python agree on every pair."""
    draw = random.Random(20270228)
    letters = "ab_-"

    def event_type() -> str:
        return draw.choice("ab") + "".join(draw.choices(letters, k=draw.randrange(6)))

    def pattern() -> str:
        while True:
            made = draw.choice("ab*") + "".join(draw.choices(letters + "*", k=draw.randrange(6)))
            if "**" not in made and made.count("*") <= 3:
                return made

    filters = {f"e{n}": sorted({pattern() for _ in range(draw.randrange(4))}) for n in range(60)}
    async with running(database_url, serve=False) as world:
        for name, one in filters.items():
            await endpoint(world, name, *require_filters(one))
        events = [world.event(event_type_id=event_type()) for _ in range(80)]
        await world.accept(*events)
        found = await addressed(world)
    for event in events:
        expected = {name for name, one in filters.items() if wanted(one, event.event_type_id)}
        assert found[event.event_id] == (expected or {INBOX}), event.event_type_id


async def test_in_mode_all_the_inbox_has_everything_too(database_url: str) -> None:
    """What endpoints get and what nobody wants: one inbox row each, unowned, from the acceptance on."""
    async with running(database_url, serve=False) as world:
        await everything_to_the_inbox(world)
        await endpoint(world, "birthdays", "birthday")
        wanted_one, unwanted = world.event(), world.event(event_type_id="other")
        foreign = world.event(tenant_id="other")
        await world.accept(wanted_one, unwanted, foreign)
        await world.accept(wanted_one, unwanted, foreign)
        found = await addressed(world)
        owned = await world.rows("SELECT 1 FROM queue WHERE endpoint_id = 'inbox' AND owner IS NOT NULL")
    assert found == {
        wanted_one.event_id: {"birthdays", INBOX},
        unwanted.event_id: {INBOX},
        foreign.event_id: {INBOX},
    }
    assert not owned


async def test_an_event_for_one_endpoint_asks_neither_filters_nor_the_inbox(database_url: str) -> None:
    """It goes there only, also in mode ALL, also when the filters say no, beside events that do ask."""
    async with running(database_url, serve=False) as world:
        await everything_to_the_inbox(world)
        await endpoint(world, "birthdays", "birthday")
        await endpoint(world, "others", "other")
        aimed = world.event(endpoint_id="others")
        lost = world.event(endpoint_id="nobody")
        free = world.event()
        await world.accept(aimed, lost, free)
        found = await addressed(world)
    assert found == {
        aimed.event_id: {"others"},
        lost.event_id: {INBOX},
        free.event_id: {"birthdays", INBOX},
    }


async def test_changed_filters_count_from_the_next_message_on(world: World, receiver: Receiver) -> None:
    """What was addressed before stays addressed; what comes after asks the new filters."""
    await endpoint(world, "hook", "birthday", url=receiver.url())
    first, second = world.event(), world.event()
    await world.accept(first)
    changed = wire.UpdateEndpointRequest()
    changed.endpoint.endpoint_id = "hook"
    changed.endpoint.event_type_filters.append("anniversary")
    changed.update_mask.paths.append("event_type_filters")
    await world.endpoints.UpdateEndpoint(changed, None)
    await world.accept(second)
    [received] = await world.ended()
    assert (received.event_id, received.state) == (first.event_id, delivery_pb2.Delivery.STATE_DELIVERED)
    assert (await addressed(world))[second.event_id] == {INBOX}
