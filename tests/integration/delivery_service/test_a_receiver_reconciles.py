"""The SDK's reconcile: a receiver finds what it has lost, and gets it back with the same bytes."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import date, timedelta
from functools import partial

import pytest
from redletter.client import Client
from redletter.delivery.v1 import intake_service_pb2, message_pb2, message_service_pb2
from redletter.errors import ApiError
from redletter.manifests import ManifestRejected
from redletter.reconciliation import Reconciliation, reconcile

from tests.integration.delivery_service.conftest import BODY, TENANT_ID, World
from tests.integration.delivery_service.inbox_port import InboxPort, inbox_port
from tests.receiver import Behaviour, Receiver

DAY = date(2027, 2, 28)
Store = Callable[[message_pb2.Message], None]


@pytest.fixture
async def port(world: World) -> AsyncIterator[InboxPort]:
    """Serve the running replica."""
    async with inbox_port(world) as made:
        yield made


async def reconciled(
    port: InboxPort, stored: Iterable[str], secret: str | None, store: Store, *, endpoint_id: str = "hook"
) -> Reconciliation:
    """Reconcile as a receiver does, in a thread of its own."""
    address = port.address
    with Client({"user": address, "scheduler": address, "delivery": address}, TENANT_ID) as client:
        return await asyncio.to_thread(
            partial(reconcile, client, endpoint_id, DAY, stored, store=store, secret=secret)
        )


async def test_what_the_receiver_lost_comes_back(world: World, port: InboxPort, receiver: Receiver) -> None:
    """Of 250 messages 210 are lost: found, fetched with the webhook's bytes and stored; again, nothing is missing."""
    secret = await world.endpoint(receiver.url())
    events = [world.event() for _ in range(250)]
    await world.accept(*events)
    await world.ended(250, page_size=1000)
    ids = sorted(event.event_id for event in events)
    kept = {*ids[:40], "evt_foreign"}
    store: dict[str, bytes] = {}
    found = await reconciled(port, kept, secret, lambda message: _keep(store, message))
    assert list(found.missing) == list(found.pulled) == ids[40:]
    assert set(store) == set(ids[40:])
    assert set(store.values()) == {BODY} == {got.body for got in receiver.received}
    assert found.unexpected == ("evt_foreign",)
    again = await reconciled(port, {*ids}, secret, lambda message: _keep(store, message))
    assert again == Reconciliation((), (), {}, ())


async def test_what_no_endpoint_received_is_taken_out_of_the_inbox(
    world: World, port: InboxPort, receiver: Receiver
) -> None:
    """A message that is dead at the endpoint waits in the inbox: it is stored, and acknowledged after that."""
    receiver.script = lambda _: Behaviour(status=400)
    secret = await world.endpoint(receiver.url())
    event = world.event()
    await world.accept(event)
    await world.ended(1)

    def store(message: message_pb2.Message) -> None:
        assert message.state == message_pb2.Message.STATE_UNACKED

    found = await reconciled(port, [], secret, store)
    assert found.pulled == (event.event_id,)
    assert not await world.rows("SELECT 1 FROM queue")


async def test_what_another_endpoint_still_waits_for_is_not_acknowledged(
    world: World, port: InboxPort, receiver: Receiver
) -> None:
    """Lost by one endpoint, retried at another one: the retry stays."""
    receiver.script = lambda got: (
        Behaviour(status=400)
        if got.path == "/dead"
        else Behaviour(status=503, headers={"retry-after": "600"})
    )
    secret = await world.endpoint(receiver.url("/dead"), "hook")
    await world.endpoint(receiver.url("/slow"), "slow")
    event = world.event()
    await world.accept(event)
    await world.ended(1)
    found = await reconciled(port, [], secret, lambda _: None)
    assert found.pulled == (event.event_id,)
    [row] = await world.rows("SELECT endpoint_id FROM queue")
    assert row.endpoint_id == "slow"


async def test_what_is_still_being_sent_is_not_missing(
    world: World, port: InboxPort, receiver: Receiver
) -> None:
    """A message that waits for its retry is neither missing nor fetched."""
    receiver.script = lambda _: Behaviour(status=503, headers={"retry-after": "600"})
    secret = await world.endpoint(receiver.url())
    await world.accept(world.event())
    await receiver.wait_for(1)
    assert await reconciled(port, [], secret, lambda _: None) == Reconciliation((), (), {}, ())


async def test_what_was_stopped_is_given_to_nobody(world: World, port: InboxPort, receiver: Receiver) -> None:
    """Received, then its user is deleted, then lost: it is missing and withheld, with the reason."""
    secret = await world.endpoint(receiver.url())
    event = world.event(user_id="gone")
    await world.accept(event)
    await world.ended(1)
    request = intake_service_pb2.CancelEventsRequest(
        tenant_id=TENANT_ID, user_id="gone", reason="user_deleted"
    )
    request.decided_before.FromDatetime(world.clock.now().to_stdlib() + timedelta(seconds=1))
    await world.intake.CancelEvents(request, None)
    found = await reconciled(port, [], secret, lambda _: pytest.fail("a stopped message was given out"))
    assert (found.missing, found.pulled) == ((event.event_id,), ())
    assert "was stopped" in found.withheld[event.event_id]


async def test_a_store_that_fails_loses_nothing(world: World, port: InboxPort) -> None:
    """What was not stored is not acknowledged; the next reconciliation fetches it."""
    event = world.event()
    await world.accept(event)
    await port.ack(event.event_id)

    def fails(_: message_pb2.Message) -> None:
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="disk"):
        await reconciled(port, [], None, fails, endpoint_id="inbox")
    found = await reconciled(port, [], None, lambda _: None, endpoint_id="inbox")
    assert found.pulled == (event.event_id,)


async def test_a_manifest_of_a_foreign_secret_moves_nothing(
    world: World, port: InboxPort, receiver: Receiver
) -> None:
    """With another secret nothing is believed, nothing fetched; without one nothing is even asked."""
    await world.endpoint(receiver.url())
    await world.accept(world.event())
    await world.ended(1)
    with pytest.raises(ManifestRejected):
        await reconciled(port, [], "whsec_" + "A" * 43 + "=", lambda _: pytest.fail("fetched"))
    with pytest.raises(ValueError, match="give the secret"):
        await reconciled(port, [], None, lambda _: pytest.fail("fetched"))
    with pytest.raises(ApiError, match="no endpoint"):
        await reconciled(port, [], "whsec_" + "A" * 43 + "=", lambda _: None, endpoint_id="other")


async def test_messages_are_fetched_one_by_one(world: World, port: InboxPort) -> None:
    """An unknown id, another tenant's and one that cannot be stored are NOT_FOUND; the others are answered."""
    event, foreign = world.event(), world.event(tenant_id="other")
    event.metadata["order"] = "7"
    await world.accept(event, foreign)
    request = message_service_pb2.BatchGetMessagesRequest(
        event_ids=["evt_nothing", event.event_id, foreign.event_id, "a\0b", event.event_id]
    )
    results = (await port.messages.BatchGetMessages(request, metadata=port.metadata)).results
    assert [one.status.code for one in results] == [5, 0, 5, 5, 0]
    [one, two] = [one.message for one in results if not one.status.code]
    assert one == two
    assert (one.body, dict(one.metadata), one.occurrence_date.day) == (BODY, {"order": "7"}, 28)


def _keep(store: dict[str, bytes], message: message_pb2.Message) -> None:
    store[message.event_id] = message.body
