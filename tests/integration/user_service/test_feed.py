"""The feed: what changed stays until its newest version is acknowledged."""

import json

import grpc
import pytest
from prometheus_client import REGISTRY
from redletter.user.v1.user_feed_service_pb2 import AckChangesRequest, AppliedChange, ResyncRequest

from tests.integration.user_service.examples import chunk, code_and_reason, person
from tests.integration.user_service.harness import Caller, Service
from user_service.workers.backlog import Backlog


async def test_the_most_urgent_come_first(service: Service) -> None:
    """Tenants, then deletions, then single calls, then batches and imports; within each the oldest."""
    acme = await service.tenant()
    await acme.load([chunk([person("imported")])])
    await acme.batch([person("batch")])
    await acme.upsert(person("single"))
    await acme.upsert(person("gone"))
    await acme.delete("gone")
    other = await service.tenant("other")
    page = await service.pull()
    assert [(c.tenant_id, c.user_id) for c in page.changes] == [
        (acme.tenant_id, ""),
        (other.tenant_id, ""),
        (acme.tenant_id, "gone"),
        (acme.tenant_id, "single"),
        (acme.tenant_id, "imported"),
        (acme.tenant_id, "batch"),
    ]
    assert [c.WhichOneof("change") for c in page.changes] == ["tenant"] * 2 + ["user_tombstone"] + [
        "recipient"
    ] * 3
    assert page.backlog == 6
    assert [c.user_id for c in (await service.pull(3)).changes] == ["", "", "gone"]


async def test_a_recipient_is_all_that_planning_needs(service: Service, acme: Caller) -> None:
    """The feed carries zone, locale, names, occasions with enrolment, and attributes as JSON."""
    await acme.upsert(person())
    [change] = (await service.pull()).changes
    recipient = change.recipient
    assert (recipient.time_zone, recipient.locale) == ("Europe/Berlin", "de-DE")
    assert (recipient.given_name, recipient.family_name) == ("Ada", "Lovelace")
    assert json.loads(recipient.attributes_json) == {"vip": True, "plan": "gold", "points": 7}
    assert recipient.enrolments[0].occasion.date.year == 1990
    assert change.version > 0
    assert change.HasField("change_time")


async def test_an_acknowledged_change_disappears(service: Service, acme: Caller) -> None:
    """Until it is acknowledged a change is pulled again and again."""
    await acme.batch([person("a"), person("b")])
    for _ in range(2):
        page = await service.pull()
        assert {c.user_id for c in page.changes} == {"a", "b"}
    assert await service.ack(page.epoch, list(page.changes)) == 2
    assert await service.ack(page.epoch, list(page.changes)) == 0
    assert (await service.pull()).backlog == 0


async def test_what_changed_meanwhile_stays(service: Service, acme: Caller) -> None:
    """An acknowledgement of an older version removes the others and leaves the newer one pending."""
    await acme.batch([person("a"), person("b")])
    page = await service.pull()
    await acme.upsert(person("a", given_name="newer"))
    assert await service.ack(page.epoch, list(page.changes)) == 1
    [left] = (await service.pull()).changes
    assert (left.user_id, left.recipient.given_name) == ("a", "newer")
    assert left.version > page.changes[0].version


async def test_a_tombstone_and_a_new_start_keep_growing(service: Service, acme: Caller) -> None:
    """Versions grow from creation through deletion to re-creation, and the newest state is what is pulled."""
    versions = []
    for step in (acme.upsert(person()), acme.delete("ada"), acme.upsert(person()), acme.delete("ada")):
        await step
        [change] = (await service.pull()).changes
        versions.append((change.version, change.WhichOneof("change")))
    assert [kind for _, kind in versions] == ["recipient", "user_tombstone"] * 2
    assert sorted(version for version, _ in versions) == [version for version, _ in versions]
    assert len({version for version, _ in versions}) == 4
    assert change.user_tombstone.HasField("delete_time")


async def test_an_import_does_not_delay_what_was_urgent(service: Service, acme: Caller) -> None:
    """A single call that is pending keeps its place when an import touches the same user."""
    await acme.batch([person("other")])
    await acme.upsert(person("ada"))
    await acme.load([chunk([person("ada", given_name="imported")])])
    assert [c.user_id for c in (await service.pull()).changes] == ["ada", "other"]


async def test_a_resync_marks_everything_under_a_new_epoch(service: Service, acme: Caller) -> None:
    """All tenants and users are pulled again, tenants first, and a pending tombstone stays one."""
    await acme.batch([person(user_id) for user_id in ("a", "b", "c")])
    before = await service.pull()
    await service.drain()
    await acme.delete("b")
    epoch = (await service.feed.Resync(ResyncRequest())).epoch
    page = await service.pull()
    assert page.epoch == epoch != before.epoch
    assert [(c.user_id, c.WhichOneof("change")) for c in page.changes] == [
        ("", "tenant"),
        ("b", "user_tombstone"),
        ("a", "recipient"),
        ("c", "recipient"),
    ]


async def test_versions_of_another_epoch_remove_nothing(service: Service, acme: Caller) -> None:
    """An acknowledgement that a resync has overtaken leaves all marks."""
    await acme.upsert(person())
    page = await service.pull()
    await service.feed.Resync(ResyncRequest())
    assert await service.ack(page.epoch, list(page.changes)) == 0
    assert (await service.pull()).backlog == 2


async def test_versions_that_cannot_be_ours_remove_nothing(service: Service, acme: Caller) -> None:
    """The largest version of the wire is answered with 0, a tenant that is no id with its field."""
    epoch = (await service.pull()).epoch
    odd = AppliedChange(tenant_id=acme.tenant_id, user_id="ada", version=2**64 - 1)
    assert (await service.feed.AckChanges(AckChangesRequest(epoch=epoch, changes=[odd]))).removed == 0
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await service.feed.AckChanges(AckChangesRequest(epoch=epoch, changes=[AppliedChange(tenant_id="x")]))
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    assert "changes[0].tenant_id" in refused.value.details()


async def test_a_page_ends_before_it_is_too_large(service: Service, acme: Caller) -> None:
    """A page of people with heavy attributes has at most 8 MiB; the backlog counts the rest too."""
    heavy = {"essay": "x" * 16_000}
    for first in range(0, 600, 200):
        await acme.batch([person(f"u{first + n}", attributes=heavy) for n in range(200)])
    page = await service.pull()
    assert 500 < len(page.changes) < 600
    assert page.ByteSize() <= 8 * 1024 * 1024 + 1024
    assert page.backlog == 600


async def test_attributes_do_not_grow_in_the_store(service: Service, acme: Caller) -> None:
    """What was given in 16 KiB is fed in 16 KiB, also when its numbers are as small as numbers get."""
    await acme.upsert(person(attributes={"n": [5e-324] * 2000}))
    [change] = (await service.pull()).changes
    assert len(change.recipient.attributes_json) < 16 * 1024
    assert json.loads(change.recipient.attributes_json) == {"n": [5e-324] * 2000}


async def test_above_ten_thousand_the_backlog_may_be_estimated(service: Service, acme: Caller) -> None:
    """The count stops at 10,000 and never answers less than what it has counted."""
    for first in range(0, 10_500, 500):
        await acme.batch([person(f"u{first + n}", attributes={}) for n in range(500)])
    assert (await service.pull(1)).backlog >= 10_001


async def test_the_backlog_is_a_metric(service: Service, acme: Caller) -> None:
    """The gauge says how many changes are pending, also when nobody pulls."""
    await acme.batch([person("a"), person("b")])
    changes = next(part for part in service.parts if isinstance(part, Backlog))
    await changes.measure()
    assert REGISTRY.get_sample_value("redletter_user_changes_pending") == 2
