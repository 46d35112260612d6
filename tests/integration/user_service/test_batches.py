"""BatchUpsertUsers: every item answered by itself, in order."""

from google.rpc import code_pb2
from redletter.common.v1 import on_enrol_pb2

from tests.integration.user_service.examples import occasion, person
from tests.integration.user_service.harness import Caller, Service


async def test_bad_items_do_not_cost_good_ones(acme: Caller) -> None:
    """Refused items carry the status of a single call at their index; the others are stored."""
    users = [
        person("a"),
        person("b", time_zone="Mars/Olympus"),
        person(""),
        person("d", etag="7"),
        person("e", occasions=[occasion(month=2, day=30)]),
        person("f"),
    ]
    results = await acme.batch(users)
    assert [result.index for result in results] == [0, 1, 2, 3, 4, 5]
    assert [result.status.code for result in results] == [
        code_pb2.OK,
        code_pb2.INVALID_ARGUMENT,
        code_pb2.INVALID_ARGUMENT,
        code_pb2.ABORTED,
        code_pb2.INVALID_ARGUMENT,
        code_pb2.OK,
    ]
    assert "user.time_zone" in results[1].status.message
    assert (await acme.get("a")).user_id == "a"
    assert (await acme.get("f")).user_id == "f"


async def test_items_of_one_user_are_applied_in_their_order(acme: Caller) -> None:
    """The last item of a user stands, and an etag that an earlier item made stale is refused."""
    first = (await acme.upsert(person("a"))).user
    results = await acme.batch(
        [
            person("a", given_name="1"),
            person("b"),
            person("a", given_name="2", etag=first.etag),
            person("a", given_name="3"),
        ]
    )
    assert [result.status.code for result in results] == [0, 0, code_pb2.ABORTED, 0]
    assert (await acme.get("a")).given_name == "3"


async def test_a_batch_waits_for_the_next_turn_unless_told(service: Service, acme: Caller) -> None:
    """The default policy of a batch is NEXT; the request may say SAME_DAY."""
    await acme.batch([person("a")])
    await acme.batch([person("b")], on_enrol=on_enrol_pb2.ON_ENROL_SAME_DAY)
    policies = {c.user_id: c.recipient.enrolments[0].on_enrol for c in (await service.pull()).changes}
    assert policies == {"a": on_enrol_pb2.ON_ENROL_NEXT, "b": on_enrol_pb2.ON_ENROL_SAME_DAY}


async def test_a_repeated_batch_writes_nothing(service: Service, acme: Caller) -> None:
    """Equal items are OK and leave no mark."""
    users = [person(f"u{n}") for n in range(500)]
    await acme.batch(users)
    await service.drain()
    results = await acme.batch(users)
    assert {result.status.code for result in results} == {0}
    assert (await service.pull()).backlog == 0
