"""Words before they are sent: shown for somebody or for invented people, and sent once to one endpoint."""

import grpc
from redletter.scheduler.v1 import event_type_pb2 as pb

from scheduler_service.domain.ids import parse_event_id
from tests.integration.scheduler_service.conftest import OTHER_KEY, World, until, utc
from tests.integration.scheduler_service.refusals import refusal
from tests.integration.scheduler_service.rule_calls import INVALID, Rules, greeting

START = utc("2028-03-02T08:00:00+00:00")
NOT_FOUND = grpc.StatusCode.NOT_FOUND


async def with_people(world: World) -> Rules:
    """Start one replica with Ada, born on 5 March 1990, and Bob, who has an anniversary only."""
    since = utc("2028-03-01T08:00:00+00:00")
    world.feed.put_tenant(since)
    world.feed.put_user(
        "ada", "UTC", month=3, day=5, year=1990, enrolled=since, attributes=b'{"nickname": "Lady A"}'
    )
    world.feed.put_user("bob", "UTC", month=3, day=5, year=1990, enrolled=since, kind="anniversary")
    replica = await world.start(START)
    await world.planned("ada")
    await world.planned("bob", "anniversary")
    return Rules(replica)


async def counts(world: World) -> list[int]:
    """Return how many rows there are of what a preview could have touched."""
    tables = ("plans", "events", "handovers", "event_types", "event_type_versions", "operations")
    return [(await world.rows(f"SELECT count(*) FROM {table}"))[0][0] for table in tables]


async def test_stored_words_for_one_person(world: World) -> None:
    """The message is about the person's next turn; nothing is sent or stored."""
    rules = await with_people(world)
    before = await counts(world)
    (message,) = await rules.preview("birthday", user_id="ada")
    assert (message.person, message.locale, message.error) == ("ada", "", "")
    assert message.title == "Happy birthday, Ada!"
    assert "birthday number 38" in message.body
    assert await counts(world) == before
    assert not world.intake.accepted


async def test_given_words_for_one_person(world: World) -> None:
    """Other words than the stored ones, in the person's locale, with their attributes and the turn's date."""
    rules = await with_people(world)
    words = [
        pb.Template(title="x", body="x"),
        pb.Template(
            locale="en", title="{{ user.nickname }}", body="{{ occurrence_date }}", belated_body="late"
        ),
    ]
    (on_time,) = await rules.preview("birthday", *words, user_id="ada")
    assert (on_time.locale, on_time.title, on_time.body) == ("en", "Lady A", "2028-03-05")
    (late,) = await rules.preview("birthday", *words, user_id="ada", belated=True)
    assert (late.title, late.body) == ("Lady A", "late")
    unknown = pb.Template(title="{{ user.shoe }}", body="x")
    (missing,) = await rules.preview("birthday", unknown, user_id="ada")
    assert (missing.title, missing.body) == ("", "")
    assert "user.shoe" in missing.error
    assert (await rules.get("birthday")).version == 1


async def test_words_for_invented_people(world: World) -> None:
    """Each invented person has a message or a sentence why not."""
    rules = await with_people(world)
    stored = await rules.preview("birthday")
    assert len(stored) == 9
    assert not any(message.error for message in stored)
    given = await rules.preview("birthday", pb.Template(body="{{ user.given_name }}"))
    errors = {message.person: message.error for message in given if message.error}
    assert errors.keys() == {"a person without a given name", "a person without any name"}
    bodies = {message.person: message.body for message in given}
    assert bodies["a person with a right-to-left name"] == "ליאור"


async def test_wrong_previews_are_refused(world: World) -> None:
    """Unknown rules and people, people without such an occasion, and words that are no templates."""
    rules = await with_people(world)
    assert (await refusal(rules.preview("nothing"))).code is NOT_FOUND
    assert (await refusal(rules.preview("birthday", user_id="nobody"))).code is NOT_FOUND
    bob = await refusal(rules.preview("birthday", user_id="bob"))
    assert bob.code is NOT_FOUND
    assert "no occasion of the kind 'birthday'" in bob.message
    others = Rules(world.replicas[0], OTHER_KEY)
    assert (await refusal(others.preview("birthday", user_id="ada"))).code is NOT_FOUND
    for template, field in (
        (pb.Template(body="{% set x = 1 %}"), "templates[0].body"),
        (pb.Template(title="{% if a %}", body="x"), "templates[0].title"),
        (pb.Template(body="x", belated_body="{{ 1 + 1 }}"), "templates[0].belated_body"),
        (pb.Template(locale="de", body="x"), "templates"),
        (pb.Template(body=""), "templates[0].body"),
        (pb.Template(body="\x00"), "templates[0].body"),
    ):
        refused = await refusal(rules.preview("birthday", template))
        assert (refused.code, list(refused.fields)) == (INVALID, [field])


async def test_a_test_is_an_event_of_its_own(world: World) -> None:
    """It is due now, about the next turn, for one endpoint; the plan of the cycle stays untouched."""
    rules = await with_people(world)
    before = await world.planned("ada")
    event_id = await rules.test("birthday", "ada", "end_7")
    await until(lambda: event_id in world.intake.accepted)
    accepted = world.intake.accepted[event_id]
    assert (accepted.endpoint_id, accepted.user_id) == ("end_7", "ada")
    data = world.body_of("ada")["data"]
    assert (data["test"], data["turns"], data["cycle"], data["occurrence_date"]) == (
        True,
        38,
        "once",
        "2028-03-02",
    )
    assert data["message"]["title"] == "Happy birthday, Ada!"
    assert dict(await world.planned("ada")) == dict(before)


async def test_a_paused_rule_can_be_tested(world: World) -> None:
    """Trying words before the rule is switched on is what tests are for; two tests are two events."""
    rules = await with_people(world)
    await rules.create(greeting(state=pb.EventType.STATE_PAUSED))
    first, second = [await rules.test("greeting", "ada") for _ in range(2)]
    assert parse_event_id(first)[0] != parse_event_id(second)[0]
    await until(lambda: {first, second} <= set(world.intake.accepted))


async def test_a_rule_without_occasion_can_be_tested(world: World) -> None:
    """Somebody without any fitting date gets a rule that needs none."""
    rules = await with_people(world)
    await rules.create(greeting(occasion_kind="", recurrence=pb.RECURRENCE_NONE))
    event_id = await rules.test("greeting", "bob")
    await until(lambda: event_id in world.intake.accepted)
    assert "turns" not in world.body_of("bob")["data"]


async def test_wrong_tests_make_no_event(world: World) -> None:
    """Unknown rules, people and occasions are refused, and so is a test without endpoint."""
    rules = await with_people(world)
    before = await counts(world)
    assert (await refusal(rules.test("nothing", "ada"))).code is NOT_FOUND
    assert (await refusal(rules.test("birthday", "nobody"))).code is NOT_FOUND
    assert (await refusal(rules.test("birthday", "bob"))).code is NOT_FOUND
    assert (await refusal(Rules(world.replicas[0], OTHER_KEY).test("birthday", "ada"))).code is NOT_FOUND
    other = await refusal(rules.test("birthday", "ada", occasion_id="wedding"))
    assert (other.code, list(other.fields)) == (INVALID, ["occasion_id"])
    assert "birthday" in other.fields["occasion_id"]
    nowhere = await refusal(rules.test("birthday", "ada", endpoint_id=""))
    assert (nowhere.code, list(nowhere.fields)) == (INVALID, ["endpoint_id"])
    assert await counts(world) == before
