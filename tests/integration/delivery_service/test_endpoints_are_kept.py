"""CreateEndpoint, GetEndpoint, ListEndpoints."""

from datetime import timedelta

import pytest
from redletter.delivery.v1 import delivery_service_pb2, endpoint_pb2, endpoint_service_pb2

from chassis.errors import AlreadyExists, InvalidInput, NotFound
from tests.integration.delivery_service.conftest import World, as_tenant


async def test_a_created_endpoint_can_be_read_without_its_secret(world: World) -> None:
    """The secret is `whsec_` and shown once; everything else is answered again."""
    secret = await world.endpoint("https://example.com/hook")
    assert secret.startswith("whsec_")
    request = endpoint_service_pb2.GetEndpointRequest(endpoint_id="hook")
    found = (await world.endpoints.GetEndpoint(request, None)).endpoint
    assert (found.url, found.state, found.timeout.seconds) == (
        "https://example.com/hook",
        endpoint_pb2.Endpoint.STATE_ENABLED,
        15,
    )


async def test_an_id_that_is_taken_is_refused(world: World) -> None:
    """The same id again is ALREADY_EXISTS even when all else is equal; another tenant may have it; `inbox` nobody."""
    await world.endpoint("https://example.com/hook")
    with pytest.raises(AlreadyExists, match="hook"):
        await world.endpoint("https://example.com/hook")
    await world.endpoint("https://example.com/hook", tenant="other")
    with pytest.raises(InvalidInput, match="inbox"):
        await world.endpoint("https://example.com/hook", "inbox")
    as_tenant("third")
    with pytest.raises(NotFound, match="hook"):
        await world.endpoints.GetEndpoint(endpoint_service_pb2.GetEndpointRequest(endpoint_id="hook"), None)


async def test_endpoints_are_listed_in_pages(world: World) -> None:
    """Three endpoints come in two pages, by id, the tenant's own only."""
    for name in ("c", "a", "b"):
        await world.endpoint("https://example.com/", name)
    await world.endpoint("https://example.com/", "foreign", tenant="other")
    as_tenant()
    request = endpoint_service_pb2.ListEndpointsRequest(page_size=2)
    first = await world.endpoints.ListEndpoints(request, None)
    request.page_token = first.next_page_token
    second = await world.endpoints.ListEndpoints(request, None)
    assert [one.endpoint_id for one in (*first.endpoints, *second.endpoints)] == ["a", "b", "c"]
    assert not second.next_page_token


async def test_deliveries_are_listed_in_pages(world: World) -> None:
    """Pending and ended deliveries together, three a page: each once, pending ones first."""
    await world.endpoint("http://127.0.0.1:1/hook")
    expired = [world.event(within=timedelta(seconds=-1)) for _ in range(4)]
    await world.accept(*expired)
    await world.ended(4)
    seen = []
    token = ""
    while True:
        as_tenant()
        request = delivery_service_pb2.ListDeliveriesRequest(page_size=3, page_token=token)
        page = await world.deliveries.ListDeliveries(request, None)
        seen += [(one.endpoint_id, one.event_id) for one in page.deliveries]
        token = page.next_page_token
        if not token:
            break
    ids = {event.event_id for event in expired}
    assert [endpoint for endpoint, _ in seen] == ["inbox"] * 4 + ["hook"] * 4
    assert {name for _, name in seen[:4]} == ids == {name for _, name in seen[4:]}
