"""UpsertUser, GetUser, DeleteUser: one person at a time."""

import grpc
import pytest
from redletter.common.v1 import leap_day_rule_pb2, on_enrol_pb2
from redletter.user.v1.user_service_pb2 import UpsertUserResponse

from tests.integration.user_service.examples import code_and_reason, occasion, person
from tests.integration.user_service.harness import Caller, Service

Enrolled = dict[str, tuple[int, int]]


async def enrolled(service: Service) -> Enrolled:
    """Return enrol time in nanoseconds and policy by occasion, of the only pending user."""
    [change] = (await service.pull()).changes
    return {
        e.occasion.occasion_id: (e.enrol_time.ToNanoseconds(), e.on_enrol)
        for e in change.recipient.enrolments
    }


async def test_a_user_comes_back_as_stored(acme: Caller) -> None:
    """What was upserted is answered by GetUser, with ids and times filled in."""
    rule = leap_day_rule_pb2.LEAP_DAY_RULE_FORWARD
    written = person(occasions=[occasion(month=2, day=29, year=0, leap_day_rule=rule)])
    answer = await acme.upsert(written)
    stored = await acme.get("ada")
    assert answer.change == UpsertUserResponse.CHANGE_CREATED
    assert answer.user == stored
    assert stored.etag
    assert stored.create_time == stored.update_time
    assert stored.occasions[0].occasion_id == "birthday"
    assert stored.occasions[0].leap_day_rule == rule
    assert (stored.given_name, stored.time_zone, stored.attributes) == (
        "Ada",
        "Europe/Berlin",
        written.attributes,
    )


async def test_the_same_content_changes_nothing(service: Service, acme: Caller) -> None:
    """A repeated upsert answers UNCHANGED with the same etag and marks nothing in the feed."""
    first = await acme.upsert(person(attributes={"a": 1e16, "b": [1, 2.5, None, {"c": True}]}))
    await service.drain()
    again = await acme.upsert(person(attributes={"b": [1, 2.5, None, {"c": True}], "a": 1e16}))
    assert again.change == UpsertUserResponse.CHANGE_UNCHANGED
    assert again.user == first.user
    assert not (await service.pull()).changes


async def test_true_is_another_attribute_than_one(acme: Caller) -> None:
    """Changing an attribute from 1 to true is a change."""
    await acme.upsert(person(attributes={"vip": 1}))
    answer = await acme.upsert(person(attributes={"vip": True}))
    assert answer.change == UpsertUserResponse.CHANGE_UPDATED
    assert (await acme.get("ada")).attributes["vip"] is True


async def test_what_is_left_out_is_removed(acme: Caller) -> None:
    """An upsert replaces the whole user and keeps only its creation time."""
    before = (await acme.upsert(person())).user
    answer = await acme.upsert(person(given_name="", locale="", occasions=[], attributes={}))
    after = await acme.get("ada")
    assert answer.change == UpsertUserResponse.CHANGE_UPDATED
    assert (after.given_name, after.locale, len(after.occasions), len(after.attributes)) == ("", "", 0, 0)
    assert after.create_time == before.create_time
    assert after.update_time.ToNanoseconds() > before.update_time.ToNanoseconds()
    assert int(after.etag) > int(before.etag)


async def test_an_occasion_keeps_its_enrolment_until_its_day_changes(service: Service, acme: Caller) -> None:
    """Month or day enrol an occasion anew; a year, a name or another occasion do not."""
    await acme.upsert(person(occasions=[occasion(year=0), occasion("anniversary")]))
    first = await enrolled(service)
    assert {policy for _, policy in first.values()} == {on_enrol_pb2.ON_ENROL_SAME_DAY}

    moved = person(given_name="A.", occasions=[occasion(year=1815), occasion("anniversary", day=18)])
    await acme.upsert(moved, on_enrol=on_enrol_pb2.ON_ENROL_NEXT)
    second = await enrolled(service)
    assert second["birthday"] == first["birthday"]
    assert second["anniversary"][0] > first["anniversary"][0]
    assert second["anniversary"][1] == on_enrol_pb2.ON_ENROL_NEXT


async def test_an_etag_guards_a_write(acme: Caller) -> None:
    """A write with the etag that was read goes through once; the same etag again is STALE_ETAG."""
    read = (await acme.upsert(person())).user
    await acme.upsert(person(given_name="Augusta", etag=read.etag))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.upsert(person(given_name="Ada", etag=read.etag))
    assert code_and_reason(refused.value) == ("ABORTED", "STALE_ETAG")
    assert read.etag in refused.value.details()
    assert (await acme.get("ada")).given_name == "Augusta"


async def test_an_etag_of_a_user_that_is_gone_is_stale(acme: Caller) -> None:
    """An etag asks for an existing user, so that a deleted one is not brought back by an old edit."""
    read = (await acme.upsert(person())).user
    await acme.delete("ada")
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.upsert(person(etag=read.etag))
    assert code_and_reason(refused.value) == ("ABORTED", "STALE_ETAG")
    assert "does not exist" in refused.value.details()


async def test_a_deleted_user_is_not_found(acme: Caller) -> None:
    """After DeleteUser neither get nor a second delete finds the user."""
    await acme.upsert(person())
    await acme.delete("ada")
    for call in (acme.get, acme.delete):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call("ada")
        assert code_and_reason(refused.value) == ("NOT_FOUND", "NOT_FOUND")
        assert "'ada'" in refused.value.details()


async def test_tenants_do_not_see_each_other(service: Service, acme: Caller) -> None:
    """The same user id in two tenants names two people."""
    other = await service.tenant("other")
    await acme.upsert(person(given_name="Ada"))
    await other.upsert(person(given_name="Grace"))
    await other.delete("ada")
    assert (await acme.get("ada")).given_name == "Ada"


async def test_names_in_any_script_and_none_at_all(acme: Caller) -> None:
    """Text is kept as given, also when it is empty."""
    for user_id, name in (("ก", "สมชาย"), ("٣", "محمد"), ("é é", ""), ("x" * 128, "李")):
        await acme.upsert(person(user_id, given_name=name))
        assert (await acme.get(user_id)).given_name == name
