"""RotateEndpointSecret, ListEndpointSecrets, GetEndpointPublicKey, ExpireEndpointSecret."""

import asyncio
import base64
from datetime import UTC, datetime, timedelta

import pytest
from redletter.delivery.v1 import endpoint_secret_service_pb2
from whenever import Instant

from chassis.errors import AlreadyExists, IllegalTransition, InvalidInput, NotFound
from tests.integration.delivery_service.conftest import World, as_tenant, running
from tests.integration.delivery_service.secret_calls import (
    Kind,
    State,
    expire,
    listed,
    public_key,
    rotate,
)

URL = "https://example.com/hook"


def real(moment: object) -> datetime:
    """Return a wire timestamp as an aware instant."""
    return moment.ToDatetime(UTC)  # type: ignore[attr-defined,no-any-return]


async def test_a_rotation_shows_the_new_secret_once_and_lets_the_old_one_run_out(world: World) -> None:
    """The default is v1 and 24 hours; afterwards neither secret can be read anywhere."""
    first = await world.endpoint(URL)
    (old,) = await listed(world)
    before = datetime.now(UTC)
    answer = await rotate(world)
    assert answer.secret.startswith("whsec_")
    assert answer.secret != first
    assert [one.secret_id for one in answer.replaced] == [old.secret_id]
    ends = real(answer.replaced[0].expire_time)
    assert timedelta(0) <= ends - before - timedelta(hours=24) < timedelta(seconds=5)
    found = await listed(world)
    assert [one.secret_id for one in found] == [answer.endpoint_secret.secret_id, old.secret_id]
    assert [one.HasField("expire_time") for one in found] == [False, True]
    assert all(one.state == State.STATE_VALID and one.kind == Kind.KIND_HMAC for one in found)
    assert "whsec_" not in str(found)


async def test_a_second_rotation_keeps_the_first_ones_window(world: World) -> None:
    """Three are valid; the oldest ends when the first rotation said, though the second gave a month."""
    await world.endpoint(URL)
    first = await rotate(world, overlap=timedelta(hours=1))
    await rotate(world, overlap=timedelta(days=30))
    newest, middle, oldest = await listed(world)
    assert not newest.HasField("expire_time")
    assert real(middle.expire_time) - real(oldest.expire_time) > timedelta(days=29)
    assert oldest.expire_time == first.replaced[0].expire_time


async def test_a_secret_of_the_callers_is_taken_and_not_repeated(world: World) -> None:
    """The answer is without it; the same one again is ALREADY_EXISTS; a short one says its length."""
    await world.endpoint(URL)
    given = "whsec_" + base64.b64encode(bytes(range(40))).decode()
    answer = await rotate(world, secret=given)
    assert answer.secret == ""
    with pytest.raises(AlreadyExists, match=answer.endpoint_secret.secret_id):
        await rotate(world, secret=given)
    with pytest.raises(InvalidInput, match="holds 16 bytes"):
        await rotate(world, secret="whsec_" + base64.b64encode(b"x" * 16).decode())
    assert len(await listed(world)) == 2


async def test_an_ed25519_key_is_read_by_its_public_half_alone(world: World) -> None:
    """Rotating the kind makes the first key; the second rotation answers both public keys; no secret is shown."""
    await world.endpoint(URL)
    with pytest.raises(NotFound, match="RotateEndpointSecret with KIND_ED25519"):
        await public_key(world)
    made = await rotate(world, kind=Kind.KIND_ED25519)
    assert (made.secret, len(made.replaced)) == ("", 0)
    found = await public_key(world)
    assert found.public_key == made.endpoint_secret.public_key
    assert len(base64.b64decode(found.public_key.removeprefix("whpk_"), validate=True)) == 32
    again = await rotate(world, kind=Kind.KIND_ED25519)
    found = await public_key(world)
    assert (found.secret_id, found.public_key) == (
        again.endpoint_secret.secret_id,
        again.endpoint_secret.public_key,
    )
    assert list(found.older_public_keys) == [made.endpoint_secret.public_key]
    with pytest.raises(InvalidInput, match="made here"):
        await rotate(world, kind=Kind.KIND_ED25519, secret="whsec_" + "A" * 44)


async def test_a_secret_is_ended_at_once(world: World) -> None:
    """It is EXPIRED in the answer, a repetition changes nothing, its key is erased; the last one stays."""
    await world.endpoint(URL)
    await rotate(world)
    newest, old = await listed(world)
    ended = await expire(world, old.secret_id)
    assert ended.state == State.STATE_EXPIRED
    assert real(ended.expire_time) <= datetime.now(UTC)
    assert await expire(world, old.secret_id) == ended
    erased = await world.rows("SELECT secret_id FROM endpoint_secrets WHERE secret = ''")
    assert [row.secret_id for row in erased] == [old.secret_id]
    with pytest.raises(IllegalTransition, match="only secret that does not run out"):
        await expire(world, newest.secret_id)
    with pytest.raises(NotFound, match="sec_0000000000000000"):
        await expire(world, "sec_0000000000000000")


async def test_without_overlap_the_old_secret_ends_with_the_call(world: World) -> None:
    """What was valid before is EXPIRED in the very answer."""
    await world.endpoint(URL)
    answer = await rotate(world, overlap=timedelta(0))
    assert [one.state for one in answer.replaced] == [State.STATE_EXPIRED]
    assert [one.state for one in await listed(world)] == [State.STATE_VALID, State.STATE_EXPIRED]


async def test_of_what_has_run_out_the_last_twenty_are_remembered(world: World) -> None:
    """Thirty rotations leave one valid secret and twenty that are expired, the newest of them."""
    await world.endpoint(URL)
    for _ in range(30):
        await rotate(world, overlap=timedelta(0))
    found = await listed(world)
    assert [one.state for one in found] == [State.STATE_VALID] + [State.STATE_EXPIRED] * 20
    times = [real(one.create_time) for one in found]
    assert times == sorted(times, reverse=True)


async def test_rotations_at_once_lose_nothing(world: World) -> None:
    """Eight at the same time: one secret without an end, eight that run out, the last one answered is the newest."""
    await world.endpoint(URL)
    answers = await asyncio.gather(*(rotate(world) for _ in range(8)))
    found = await listed(world)
    assert len(found) == 9
    assert [one.HasField("expire_time") for one in found] == [False] + [True] * 8
    assert found[0].secret_id in {answer.endpoint_secret.secret_id for answer in answers}
    with pytest.raises(IllegalTransition, match="at most 10"):
        await asyncio.gather(rotate(world), rotate(world))


async def test_another_tenants_secrets_are_out_of_reach(world: World) -> None:
    """To list, rotate, end or read the public key of a foreign endpoint is NOT_FOUND."""
    await world.endpoint(URL)
    (old,) = await listed(world)
    with pytest.raises(NotFound, match="hook"):
        await listed(world, tenant="other")
    as_tenant("other")
    wire = endpoint_secret_service_pb2
    for call, request in (
        ("RotateEndpointSecret", wire.RotateEndpointSecretRequest(endpoint_id="hook")),
        (
            "ExpireEndpointSecret",
            wire.ExpireEndpointSecretRequest(endpoint_id="hook", secret_id=old.secret_id),
        ),
        ("GetEndpointPublicKey", wire.GetEndpointPublicKeyRequest(endpoint_id="hook")),
    ):
        with pytest.raises(NotFound, match="hook"):
            await getattr(world.endpoint_secrets, call)(request, None)
    assert await listed(world) == [old]


async def test_secrets_run_out_by_the_real_clock_in_time_lapse(database_url: str) -> None:
    """In a year that passes in seconds a secret is valid for a real day, and its times are of today."""
    async with running(
        database_url, start=Instant.from_utc(2030, 1, 1), speed=1_000_000, serve=False
    ) as world:
        await world.endpoint(URL)
        await rotate(world)
        now = datetime.now(UTC)
        newest, old = await listed(world)
        assert abs(real(newest.create_time) - now) < timedelta(minutes=1)
        assert abs(real(old.create_time) - now) < timedelta(minutes=1)
        assert abs(real(old.expire_time) - now - timedelta(hours=24)) < timedelta(minutes=1)
        assert old.state == State.STATE_VALID
