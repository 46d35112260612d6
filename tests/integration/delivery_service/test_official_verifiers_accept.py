"""Other people's official libraries, Python's and JavaScript's, accept what the service sends, and refuse the rest.

The messages come out of the running service, over HTTP, to a real receiver; none is signed by the tests.
"""

import asyncio
import base64
import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from redletter.webhooks import verify

from tests.integration.delivery_service.conftest import BODY, World, event_id
from tests.integration.delivery_service.secret_calls import Kind, expire, listed, rotate
from tests.official_verifiers import VERIFIERS, Claim
from tests.receiver import Behaviour, Received, Receiver, in_turn

BODIES = {
    "a birthday": BODY,
    "an empty object": b"{}",
    "an empty list": b"[]",
    "an empty string": b'""',
    "null": b"null",
    "a blank and a line end": b" {}\n",
    "accents and emoji": '{"name":"Zoë Ñandú – 你好 🎂👩‍👩‍👧","rtl":"שלום عيد"}'.encode(),
    "escapes": b'{"name":"Zo\\u00eb \\ud83c\\udf82 \\"\\\\\\/\\b\\f\\n"}',
    "a byte order mark in a string": '{"name":"\ufeff"}'.encode(),
    "line separators": '{"name":"a\u2028b\u2029c"}'.encode(),
    "dots like the separator": b'{"id":"evt_1.2.3","n":1.5e-7}',
    "20 KB": json.dumps({"text": "ü" * 9000}, ensure_ascii=False).encode(),
}


async def sent(world: World, receiver: Receiver, bodies: Sequence[bytes]) -> list[Received]:
    """Return what the receiver gets of these bodies, in their order, signed by the present secrets."""
    ids = [event_id() for _ in bodies]
    before = receiver.count
    await world.accept(*(world.event(name, body=body) for name, body in zip(ids, bodies, strict=True)))
    received = await receiver.wait_for(before + len(bodies))
    found = {one.webhook_id: one for one in received[before:]}
    return [found[name] for name in ids]


@pytest.mark.parametrize("language", VERIFIERS)
async def test_messages_are_accepted_whatever_they_say(
    world: World, receiver: Receiver, language: str
) -> None:
    """One secret: the plain, the empty, the long and those in other scripts are accepted."""
    secret = await world.endpoint(receiver.url())
    received = await sent(world, receiver, list(BODIES.values()))
    assert [one.body for one in received] == list(BODIES.values())
    refusals = VERIFIERS[language]([Claim.of(one, secret) for one in received])
    assert dict(zip(BODIES, refusals, strict=True)) == dict.fromkeys(BODIES)


@pytest.mark.parametrize("language", VERIFIERS)
async def test_during_a_rotation_each_valid_secret_is_enough(
    world: World, receiver: Receiver, language: str
) -> None:
    """After two rotations and with a v1a key all three v1 secrets are accepted, and a foreign one is not."""
    first = await world.endpoint(receiver.url())
    given = "whsec_" + base64.b64encode(bytes(range(24))).decode()
    second = (await rotate(world)).secret
    await rotate(world, secret=given)
    await rotate(world, kind=Kind.KIND_ED25519)
    received = await sent(world, receiver, [BODIES["accents and emoji"]])
    schemes = [part.partition(",")[0] for part in received[0].headers["webhook-signature"].split()]
    assert schemes == ["v1a", "v1", "v1", "v1"]
    foreign = "whsec_" + base64.b64encode(b"x" * 32).decode()
    secrets = [first, second, given, foreign]
    refusals = VERIFIERS[language]([Claim.of(received[0], secret) for secret in secrets])
    assert refusals[:3] == [None] * 3
    assert "No matching signature" in str(refusals[3])


@pytest.mark.parametrize("language", VERIFIERS)
async def test_what_is_changed_old_or_foreign_is_refused(
    world: World, receiver: Receiver, language: str
) -> None:
    """One character of body, id, time or signature; six minutes of age; another endpoint's message."""
    secret = await world.endpoint(receiver.url())
    (one,) = await sent(world, receiver, [BODY])
    good = Claim.of(one, secret)
    stamp, signature = int(one.headers["webhook-timestamp"]), one.headers["webhook-signature"]
    other = chr(ord(signature[10]) ^ 1)
    changed = {
        "body": replace(good, body=BODY.replace(b"Happy", b"happy")),
        "one more byte": replace(good, body=BODY + b" "),
        "id": _with(good, "webhook-id", one.webhook_id.replace("_2027", "_2028")),
        "later": _with(good, "webhook-timestamp", str(stamp + 1)),
        "old": _with(good, "webhook-timestamp", str(stamp - 360)),
        "far ahead": _with(good, "webhook-timestamp", str(stamp + 360)),
        "signature": _with(good, "webhook-signature", signature[:10] + other + signature[11:]),
        "no signature": _with(good, "webhook-signature", ""),
        "called v1a": _with(good, "webhook-signature", signature.replace("v1,", "v1a,")),
        "foreign secret": replace(good, secret="whsec_" + base64.b64encode(b"y" * 32).decode()),
    }
    refusals = VERIFIERS[language]([good, *changed.values()])
    assert refusals[0] is None
    accepted = [name for name, refusal in zip(changed, refusals[1:], strict=True) if refusal is None]
    assert accepted == []
    assert "too old" in str(refusals[5])


@pytest.mark.parametrize("language", VERIFIERS)
async def test_a_message_that_waited_is_accepted_like_a_young_one(
    world: World, receiver: Receiver, language: str
) -> None:
    """Each attempt is stamped and signed anew: also one whose event was decided an hour ago, and its retry."""
    receiver.script = in_turn(Behaviour(status=503), Behaviour())
    secret = await world.endpoint(receiver.url())
    await world.accept(world.event(decided=world.clock.now().subtract(hours=1), within=timedelta(hours=1)))
    received = await receiver.wait_for(2)
    assert VERIFIERS[language]([Claim.of(one, secret) for one in received]) == [None, None]


async def test_a_header_with_v1a_alone_is_verified_by_its_public_key_and_by_no_official_library(
    world: World, receiver: Receiver
) -> None:
    """Once the v1 secret is ended: our own verifier accepts by the `whpk_`, both libraries refuse as of today."""
    secret = await world.endpoint(receiver.url())
    public = (await rotate(world, kind=Kind.KIND_ED25519)).endpoint_secret.public_key
    (old,) = [one.secret_id for one in await listed(world) if one.kind == Kind.KIND_HMAC]
    await expire(world, old)
    (one,) = await sent(world, receiver, [BODY])
    assert [part.partition(",")[0] for part in one.headers["webhook-signature"].split()] == ["v1a"]
    assert verify(one.body, one.headers, public)["type"] == "birthday"
    for refusals in await asyncio.gather(
        *(asyncio.to_thread(verifier, [Claim.of(one, secret)]) for verifier in VERIFIERS.values())
    ):
        assert refusals != [None]


def _with(claim: Claim, name: str, value: str) -> Claim:
    return replace(claim, headers={**claim.headers, name: value})
