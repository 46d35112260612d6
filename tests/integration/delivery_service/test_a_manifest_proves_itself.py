"""GetManifest: what an endpoint was to get on a day, signed as its webhooks are, and the SDK's check of it."""

import asyncio
import hashlib
from datetime import date, timedelta
from typing import Any

import grpc
import orjson
import pytest
import standardwebhooks
from google.type import date_pb2
from redletter.delivery.v1 import (
    endpoint_secret_service_pb2,
    intake_service_pb2,
    manifest_pb2,
    manifest_service_pb2,
)
from redletter.manifests import ManifestRejected, Totals, events

from tests.integration.delivery_service.conftest import TENANT_ID, World, as_tenant
from tests.integration.delivery_service.inbox_port import InboxPort, inbox_port
from tests.receiver import Behaviour, Receiver

DAY = date(2027, 2, 28)
Page = manifest_pb2.ManifestPage


async def manifest(
    port: InboxPort, endpoint_id: str = "hook", *, day: date = DAY, page_size: int = 0
) -> list[Page]:
    """Return the pages of a manifest."""
    request = manifest_service_pb2.GetManifestRequest(
        endpoint_id=endpoint_id,
        date=date_pb2.Date(year=day.year, month=day.month, day=day.day),
        page_size=page_size,
    )
    return [answer.page async for answer in port.manifests.GetManifest(request, metadata=port.metadata)]


def headers(page: Page) -> dict[str, str]:
    """Return a page's headers as a receiver of webhooks has them."""
    return {
        "webhook-id": page.webhook_id,
        "webhook-timestamp": str(page.webhook_timestamp),
        "webhook-signature": page.webhook_signature,
    }


def checksum(ids: Any) -> int:
    """Return the checksum of ids as the contract describes it."""
    return sum(int(hashlib.md5(one.encode()).hexdigest()[:15], 16) for one in ids) % 2**63


async def test_the_official_verifier_accepts_every_page(world: World, receiver: Receiver) -> None:
    """Pages of two messages, ordered by id, each signed with the endpoint's secret; the last one has the totals."""
    secret = await world.endpoint(receiver.url())
    sent = sorted((world.event() for _ in range(5)), key=lambda event: event.event_id)
    await world.accept(*sent)
    await world.ended(5)
    async with inbox_port(world) as port:
        pages = await manifest(port, page_size=2)
    verified = [standardwebhooks.Webhook(secret).verify(page.body, headers(page)) for page in pages]
    assert [page["type"] for page in verified] == ["redletter.manifest"] * 3
    ids = [event.event_id for event in sent]
    assert [entry for page in verified for entry in page["data"]["events"]] == [
        [event_id, "DELIVERED"] for event_id in ids
    ]
    assert [page["data"]["last"] for page in verified] == [False, False, True]
    assert [page["data"]["after"] for page in verified] == ["", ids[1], ids[3]]
    totals = {name: verified[-1]["data"][name] for name in ("count", "checksum", "states")}
    assert totals == {"count": 5, "checksum": str(checksum(ids)), "states": {"DELIVERED": 5}}


async def test_each_endpoint_has_its_own(world: World, receiver: Receiver) -> None:
    """What was addressed to it on that day, in the state it has there; nothing of other days and tenants."""
    receiver.script = lambda got: Behaviour(status=200 if got.path == "/good" else 400)
    await world.endpoint(receiver.url("/good"), "good")
    first, foreign = world.event(), world.event(tenant_id="other")
    await world.accept(first, foreign)
    await world.ended(1)
    await world.endpoint(receiver.url("/bad"), "bad")
    second, tomorrow = world.event(), world.event()
    tomorrow.occurrence_date.month, tomorrow.occurrence_date.day = 3, 1
    await world.accept(second, tomorrow)
    await world.ended(5)
    async with inbox_port(world) as port:
        assert states(await manifest(port, "good")) == {
            first.event_id: "DELIVERED",
            second.event_id: "DELIVERED",
        }
        assert states(await manifest(port, "bad")) == {second.event_id: "DEAD"}
        assert states(await manifest(port, "bad", day=date(2027, 3, 1))) == {tomorrow.event_id: "DEAD"}
        assert states(await manifest(port, "bad", day=date(2027, 3, 2))) == {}
        with pytest.raises(grpc.aio.AioRpcError) as unknown:
            await manifest(port, "nothing")
        assert unknown.value.code() == grpc.StatusCode.NOT_FOUND


async def test_the_inbox_has_one_without_a_signature(world: World) -> None:
    """Waiting, acknowledged and deleted messages by their states; the SDK reads it when told that it has no secret."""
    waiting, taken, deleted = world.event(), world.event(), world.event()
    await world.accept(waiting, taken, deleted)
    async with inbox_port(world) as port:
        await port.ack(taken.event_id)
        await port.delete(deleted.event_id)
        pages = await manifest(port, "inbox")
    assert not any(page.webhook_signature for page in pages)
    totals = Totals()
    assert dict(events(pages, "inbox", DAY, secret=None, totals=totals)) == {
        waiting.event_id: "PENDING",
        taken.event_id: "DELIVERED",
        deleted.event_id: "CANCELLED",
    }
    assert totals.count == 3


async def test_during_a_rotation_both_secrets_verify_it(world: World, receiver: Receiver) -> None:
    """The old and the new secret of an endpoint each accept the manifest."""
    old = await world.endpoint(receiver.url())
    as_tenant()
    rotated = await world.endpoint_secrets.RotateEndpointSecret(
        endpoint_secret_service_pb2.RotateEndpointSecretRequest(endpoint_id="hook"), None
    )
    async with inbox_port(world) as port:
        pages = await manifest(port)
    for secret in (old, rotated.secret):
        assert list(events(pages, "hook", DAY, secret=secret)) == []


async def test_a_manifest_that_is_not_whole_is_refused(world: World, receiver: Receiver) -> None:
    """A missing, exchanged, repeated or tampered page, another endpoint's, another day's, and a foreign secret's."""
    secret = await world.endpoint(receiver.url())
    await world.accept(*[world.event() for _ in range(5)])
    await world.ended(5)
    async with inbox_port(world) as port:
        pages = await manifest(port, page_size=2)
    one, two, three = pages
    assert len(list(events(pages, "hook", DAY, secret=secret))) == 5

    def refused(
        given: list[Page], why: str, *, endpoint_id: str = "hook", day: date = DAY, key: str = secret
    ) -> None:
        with pytest.raises(ManifestRejected, match=why):
            list(events(given, endpoint_id, day, secret=key))

    refused([], "ended early")
    refused([one, two], "ended early")
    refused([one, three], "page 2 is missing")
    refused([two, one, three], "page 1 is missing")
    refused([one, one, three], "page 2 is missing")
    refused([*pages, three], "after its last page")
    refused(pages, "not of other", endpoint_id="other")
    refused(pages, "not of hook on 2027-03-01", day=DAY + timedelta(days=1))
    refused(pages, "no signature matches", key="whsec_" + "A" * 43 + "=")
    tampered = Page()
    tampered.CopyFrom(two)
    tampered.body = two.body.replace(b"DELIVERED", b"CANCELLED", 1)
    refused([one, tampered, three], "no signature matches")


async def test_a_page_that_a_webhook_was_made_into_is_refused(world: World, receiver: Receiver) -> None:
    """A webhook of the same endpoint is signed with the same secret, and is no manifest."""
    secret = await world.endpoint(receiver.url())
    await world.accept(world.event())
    await receiver.wait_for(1)
    got = receiver.received[0]
    page = Page(
        body=got.body,
        webhook_id=got.webhook_id,
        webhook_timestamp=int(got.headers["webhook-timestamp"]),
        webhook_signature=got.headers["webhook-signature"],
    )
    with pytest.raises(ManifestRejected, match="no manifest"):
        list(events([page], "hook", DAY, secret=secret))


async def test_the_checksum_is_that_of_the_books(world: World, receiver: Receiver) -> None:
    """An endpoint that gets everything has the number and checksum which the ledger has of the date."""
    secret = await world.endpoint(receiver.url())
    await world.accept(*[world.event() for _ in range(20)])
    await world.ended(20)
    request = intake_service_pb2.SummarizeDateRequest(
        tenant_id=TENANT_ID, occurrence_date=date_pb2.Date(year=2027, month=2, day=28)
    )
    books = await world.intake.SummarizeDate(request, None)
    async with inbox_port(world) as port:
        pages = await manifest(port)
    totals = Totals()
    list(events(pages, "hook", DAY, secret=secret, totals=totals))
    assert (totals.count, totals.checksum) == (books.messages, books.checksum)


async def test_a_state_is_the_best_of_all_rounds(world: World, receiver: Receiver) -> None:
    """Being sent is PENDING; received in any round is DELIVERED."""
    hold = asyncio.Event()
    receiver.script = lambda _: Behaviour(hold=hold)
    await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event)
    await receiver.wait_for(1)
    async with inbox_port(world) as port:
        assert states(await manifest(port)) == {event.event_id: "PENDING"}
        hold.set()
        await world.ended(1)
        assert states(await manifest(port)) == {event.event_id: "DELIVERED"}


def states(pages: list[Page]) -> dict[str, str]:
    """Return the state of each event of a manifest."""
    return {
        event_id: state for page in pages for event_id, state in orjson.loads(page.body)["data"]["events"]
    }
