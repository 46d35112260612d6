"""UpdateEndpoint, EnableEndpoint, DisableEndpoint, DeleteEndpoint: what they store and what they refuse."""

import asyncio
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.delivery.v1 import delivery_pb2, endpoint_pb2
from redletter.delivery.v1 import endpoint_service_pb2 as wire
from sqlalchemy import text

from chassis.errors import IllegalTransition, InvalidInput, NotFound, RedletterError, StaleVersion
from tests.integration.delivery_service.conftest import World, as_tenant
from tests.unit.delivery_service.client_pairs import pair

Pb = endpoint_pb2.Endpoint


async def create(world: World, **fields: Any) -> endpoint_pb2.Endpoint:
    """Create the endpoint `hook` of the test's tenant."""
    as_tenant()
    request = wire.CreateEndpointRequest(endpoint_id="hook", **{"url": "https://example.com/hook", **fields})
    return (await world.endpoints.CreateEndpoint(request, None)).endpoint


async def get(world: World) -> endpoint_pb2.Endpoint:
    """Read the endpoint `hook`."""
    as_tenant()
    return (await world.endpoints.GetEndpoint(wire.GetEndpointRequest(endpoint_id="hook"), None)).endpoint


async def update(world: World, *paths: str, **fields: Any) -> endpoint_pb2.Endpoint:
    """Change the endpoint `hook`."""
    as_tenant()
    request = wire.UpdateEndpointRequest(
        endpoint=Pb(endpoint_id="hook", **fields), update_mask=FieldMask(paths=paths)
    )
    return (await world.endpoints.UpdateEndpoint(request, None)).endpoint


def everything() -> dict[str, Any]:
    """Return a value for each field that a caller may set."""
    certificate, key = pair()
    return {
        "url": "https://example.com/other",
        "description": "ours",
        "timeout": Duration(seconds=3),
        "event_type_filters": ["birthday", "reminder_*"],
        "headers": {"authorization": "Bearer sesame", "x-route": "eu"},
        "metadata": {"team": "crm"},
        "max_rate": 12.5,
        "max_concurrency": 7,
        "retry_policy": endpoint_pb2.RetryPolicy(
            first_delay=Duration(nanos=20_000_000),
            longest_delay=Duration(seconds=60),
            max_attempts=5,
            retry_statuses=[404, 409],
            fail_statuses=[503],
            fail_causes=[delivery_pb2.DELIVERY_CAUSE_TLS],
            keep_on_gone=True,
        ),
        "breaker_policy": endpoint_pb2.BreakerPolicy(
            disabled=True,
            failure_rate=0.25,
            minimum_attempts=3,
            window=Duration(seconds=10),
            first_open=Duration(seconds=1),
            longest_open=Duration(seconds=9),
            successes=4,
        ),
        "client_certificate": endpoint_pb2.ClientCertificate(certificate=certificate, key=key),
    }


async def test_everything_given_at_creation_is_answered_but_the_key(world: World) -> None:
    """All fields come back from the store as they were given; the client key never."""
    given = everything()
    created = await create(world, **given)
    assert created == await get(world)
    for name in given.keys() - {"client_certificate"}:
        assert getattr(created, name) == getattr(Pb(**{name: given[name]}), name), name
    shown = created.client_certificate
    assert (shown.certificate, shown.key) == (given["client_certificate"].certificate, "")
    assert shown.expire_time.seconds > 0


async def test_what_the_mask_does_not_name_stays(world: World) -> None:
    """One field after the other is set by its path, the others keep their values; cleared, all are as at first."""
    plain = await create(world)
    given = everything()
    for name, value in given.items():
        before = await get(world)
        after = await update(world, name, **{name: value})
        assert after == await get(world)
        assert (after.etag != before.etag, after.HasField("update_time")) == (True, True)
        for other in given.keys() - {name}:
            assert getattr(after, other) == getattr(before, other), (name, other)
    await update(world, *(given.keys() - {"url"}))
    cleared = await update(world, "url", url=plain.url)
    for volatile in ("etag", "update_time"):
        cleared.ClearField(volatile)  # type: ignore[arg-type]
        plain.ClearField(volatile)  # type: ignore[arg-type]
    assert cleared == plain


async def test_one_field_of_a_policy_is_changed_alone(world: World) -> None:
    """`retry_policy.max_attempts` and `breaker_policy.window` leave the rest of their policies."""
    await create(world, **everything())
    after = await update(
        world,
        "retry_policy.max_attempts",
        "breaker_policy.window",
        retry_policy=endpoint_pb2.RetryPolicy(max_attempts=9),
    )
    assert (after.retry_policy.max_attempts, list(after.retry_policy.retry_statuses)) == (9, [404, 409])
    assert (after.breaker_policy.window.seconds, after.breaker_policy.successes) == (30, 4)


async def test_a_change_to_the_same_values_changes_nothing(world: World) -> None:
    """The etag and the update time stay."""
    before = await create(world, description="ours")
    assert await update(world, "description", "timeout", description="ours") == before


async def test_a_stale_etag_is_refused_and_nothing_is_written(world: World) -> None:
    """An update and a deletion with an older etag are STALE_ETAG; with the present one they pass."""
    before = await create(world)
    after = await update(world, "description", description="ours", etag=before.etag)
    with pytest.raises(StaleVersion, match=after.etag):
        await update(world, "description", description="mine", etag=before.etag)
    with pytest.raises(StaleVersion):
        await world.endpoints.DeleteEndpoint(
            wire.DeleteEndpointRequest(endpoint_id="hook", etag=before.etag), None
        )
    assert await get(world) == after
    await world.endpoints.DeleteEndpoint(
        wire.DeleteEndpointRequest(endpoint_id="hook", etag=after.etag), None
    )
    with pytest.raises(NotFound):
        await get(world)


async def test_of_updates_at_once_with_one_etag_exactly_one_is_made(world: World) -> None:
    """Eight writers that read the same state: one wins, seven are told to read again."""
    before = await create(world)
    made = await asyncio.gather(
        *(update(world, "description", description=f"d{n}", etag=before.etag) for n in range(8)),
        return_exceptions=True,
    )
    won = [one for one in made if isinstance(one, Pb)]
    assert [type(one) for one in made if not isinstance(one, Pb)] == [StaleVersion] * 7
    assert [one.description for one in won] == [(await get(world)).description]


async def test_updates_at_once_of_different_fields_are_all_made(world: World) -> None:
    """Without etags nobody's change is lost: each is made on top of the others."""
    await create(world)
    await asyncio.gather(
        update(world, "description", description="ours"),
        update(world, "max_rate", max_rate=3.0),
        update(world, "retry_policy.max_attempts", retry_policy=endpoint_pb2.RetryPolicy(max_attempts=2)),
        update(world, "retry_policy.keep_on_gone", retry_policy=endpoint_pb2.RetryPolicy(keep_on_gone=True)),
    )
    after = await get(world)
    assert (after.description, after.max_rate) == ("ours", 3.0)
    assert (after.retry_policy.max_attempts, after.retry_policy.keep_on_gone) == (2, True)


@pytest.mark.parametrize(
    ("paths", "fields", "place"),
    [
        (["state"], {}, "update_mask"),
        (["retry_policy.nothing"], {}, "update_mask"),
        (["url"], {}, "endpoint.url"),
        (["url"], {"url": "https://10.0.0.1/"}, "endpoint.url"),
        (["event_type_filters"], {"event_type_filters": ["Order.*"]}, "endpoint.event_type_filters[0]"),
        (["headers"], {"headers": {"Host": "a"}}, "endpoint.headers[Host]"),
        (
            ["retry_policy.longest_delay"],
            {"retry_policy": endpoint_pb2.RetryPolicy(longest_delay=Duration(nanos=10_000_000))},
            "endpoint.retry_policy.longest_delay",
        ),
        (
            ["client_certificate"],
            {"client_certificate": endpoint_pb2.ClientCertificate(certificate=pair()[0], key=pair()[1])},
            "endpoint.client_certificate.key",
        ),
    ],
)
async def test_a_refused_update_names_its_field_and_writes_nothing(
    world: World, paths: list[str], fields: dict[str, Any], place: str
) -> None:
    """A change with one refused field makes none of the others either."""
    before = await create(world, retry_policy=endpoint_pb2.RetryPolicy(first_delay=Duration(seconds=1)))
    with pytest.raises(InvalidInput) as refused:
        await update(world, "description", *paths, description="ours", **fields)
    assert [violation.field for violation in refused.value.violations] == [place]
    assert await get(world) == before


async def test_a_refused_creation_makes_nothing(world: World) -> None:
    """The field is named as the request has it, and the id stays free."""
    with pytest.raises(InvalidInput) as refused:
        await create(world, headers={"webhook-id": "1"})
    assert [violation.field for violation in refused.value.violations] == ["headers[webhook-id]"]
    await create(world)


async def test_a_tenant_has_at_most_a_thousand_endpoints(world: World) -> None:
    """The next one is refused with the number; another tenant is not concerned."""
    await create(world)
    async with world.engine.begin() as connection:
        await connection.execute(
            text("""
                INSERT INTO endpoints (tenant_id, endpoint_id, url, description, state, timeout, version,
                    create_time, update_time)
                SELECT tenant_id, 'e' || n, url, '', state, timeout, 1, create_time, update_time
                FROM endpoints, generate_series(1, 999) n
            """)
        )
    with pytest.raises(IllegalTransition, match="there are 1000 endpoints"):
        await world.endpoint("https://example.com/", "another")
    await world.endpoint("https://example.com/", "another", tenant="other")


async def test_disabling_keeps_the_first_reason_until_it_is_enabled(world: World) -> None:
    """Reason, note and time are answered; a second call changes nothing; enabling forgets them."""
    await create(world)
    disabled = await disable(world, "moving house")
    assert (disabled.state, disabled.disable_reason, disabled.disable_note) == (
        Pb.STATE_DISABLED,
        Pb.DISABLE_REASON_BY_CALLER,
        "moving house",
    )
    assert disabled.HasField("disable_time")
    assert await disable(world, "again") == disabled
    request = wire.EnableEndpointRequest(endpoint_id="hook")
    enabled = (await world.endpoints.EnableEndpoint(request, None)).endpoint
    assert (enabled.state, enabled.disable_reason, enabled.disable_note) == (Pb.STATE_ENABLED, 0, "")
    assert not enabled.HasField("disable_time")
    assert (await world.endpoints.EnableEndpoint(request, None)).endpoint == enabled


async def disable(world: World, note: str) -> endpoint_pb2.Endpoint:
    """Disable the endpoint `hook`."""
    request = wire.DisableEndpointRequest(endpoint_id="hook", note=note)
    return (await world.endpoints.DisableEndpoint(request, None)).endpoint


async def test_what_is_not_there_cannot_be_changed(world: World) -> None:
    """Each method answers NOT_FOUND for an endpoint of another tenant."""
    await create(world)
    as_tenant("other")
    methods = world.endpoints
    calls = (
        methods.UpdateEndpoint(
            wire.UpdateEndpointRequest(
                endpoint=Pb(endpoint_id="hook"), update_mask=FieldMask(paths=["description"])
            ),
            None,
        ),
        methods.EnableEndpoint(wire.EnableEndpointRequest(endpoint_id="hook"), None),
        methods.DisableEndpoint(wire.DisableEndpointRequest(endpoint_id="hook"), None),
        methods.DeleteEndpoint(wire.DeleteEndpointRequest(endpoint_id="hook"), None),
    )
    for call in calls:
        with pytest.raises(NotFound):
            await call
    assert (await get(world)).state == Pb.STATE_ENABLED


async def test_a_new_endpoint_of_an_old_name_has_another_etag(world: World) -> None:
    """What was read before a deletion is stale for the endpoint that took the name."""
    before = await create(world)
    await world.endpoints.DeleteEndpoint(wire.DeleteEndpointRequest(endpoint_id="hook"), None)
    await create(world)
    with pytest.raises(StaleVersion):
        await update(world, "description", description="ours", etag=before.etag)


async def test_deleting_and_changing_at_once_leave_no_half(world: World) -> None:
    """Whoever comes second finds no endpoint: the deleted one does not come back."""
    for _ in range(5):
        await create(world)
        deletion = world.endpoints.DeleteEndpoint(wire.DeleteEndpointRequest(endpoint_id="hook"), None)
        changed, _gone = await asyncio.gather(
            update(world, "description", description="ours"), deletion, return_exceptions=True
        )
        assert isinstance(changed, Pb) or (
            isinstance(changed, RedletterError) and changed.reason == "NOT_FOUND"
        )
        assert not await world.rows("SELECT 1 FROM endpoints UNION ALL SELECT 1 FROM endpoint_secrets")
