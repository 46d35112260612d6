"""The webhook's body: what DESIGN 5 says, byte for byte the same on every attempt."""

from dataclasses import replace
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_service.domain.event_types import EventType, Recurrence, Template
from scheduler_service.domain.plans import Request
from scheduler_service.domain.recipients import Recipient
from scheduler_service.rendering.messages import MAX_BODY_BYTES, RenderError, TooLarge, render
from scheduler_service.rendering.templates import Cache
from tests.unit.scheduler_service.rendering.people import DEFAULTS, SINCE, person, plan_of, rendered, rule

texts = st.text(alphabet=st.characters(codec="utf-8", exclude_characters="\x00"), max_size=40)


def body(
    recipient: Recipient, *templates: Template, late: bool = False, attributes: tuple[str, ...] = ()
) -> Any:
    """Return the parsed body of a message."""
    return orjson.loads(rendered(recipient, rule(*templates, attributes=attributes)).body(late=late))


def test_the_whole_body() -> None:
    """Every field that a receiver is promised, and no other."""
    assert body(person()) == {
        "type": "birthday",
        "schema": 1,
        "timestamp": "2028-03-02T00:00:00Z",
        "data": {
            "event_id": "evt_x_2028",
            "event_type": "birthday",
            "cycle": "2028",
            "occurrence_date": "2028-03-02",
            "late": False,
            "user": {"id": "u1"},
            "message": {
                "title": "Happy birthday, Ada!",
                "body": "Dear Ada, all the best for your birthday number 38.",
                "locale": "en",
            },
            "turns": 38,
            "metadata": {},
        },
    }


@given(texts, texts)
def test_late_changes_one_word_and_nothing_else(given_name: str, family_name: str) -> None:
    """On time and late differ in `late` only, whatever braces and quotes the names have."""
    message = rendered(
        person(given_name=given_name, family_name=family_name), rule(attributes=("given_name", "family_name"))
    )
    on_time, late = orjson.loads(message.body(late=False)), orjson.loads(message.body(late=True))
    assert late["data"].pop("late") is True
    assert on_time["data"].pop("late") is False
    assert on_time == late
    assert message.body(late=True) == message.body(late=True)
    expected = {"id": "u1"} | ({"given_name": given_name} if given_name else {})
    assert on_time["data"]["user"] == expected | ({"family_name": family_name} if family_name else {})


def test_turns_only_when_the_year_is_known() -> None:
    """Without a year there is no age, neither beside the message nor in it."""
    data = body(person(year=None))["data"]
    assert "turns" not in data
    assert data["message"]["body"] == "Dear Ada, all the best for your birthday."


def test_only_the_attributes_that_the_rule_names() -> None:
    """The user part is thin: named attributes and names, what is empty or unknown left out."""
    ada = person(attributes={"plan": "gold", "shoe": 38, "none": None, "vip": False}, family_name="")
    named = ("plan", "vip", "none", "missing", "family_name", "time_zone")
    assert body(ada, attributes=named)["data"]["user"] == {
        "id": "u1",
        "plan": "gold",
        "vip": False,
        "time_zone": "Asia/Tokyo",
    }


@pytest.mark.parametrize(
    ("given_name", "family_name", "title"),
    [("", "Lovelace", "Happy birthday, Lovelace!"), ("", "", "Happy birthday, friend!")],
)
def test_a_missing_name_is_not_an_empty_one(given_name: str, family_name: str, title: str) -> None:
    """`default` in a template sees that the name is not there."""
    assert body(person(given_name=given_name, family_name=family_name))["data"]["message"]["title"] == title


def test_an_attribute_called_like_a_field_does_not_replace_it() -> None:
    """The person's id and name in a template are the person's."""
    words = Template("", "{{ user.id }}", "{{ user.given_name }}")
    data = body(person(attributes={"id": "forged", "given_name": "Eve"}), words, attributes=("given_name",))[
        "data"
    ]
    assert (data["message"]["title"], data["message"]["body"]) == ("u1", "Ada")
    assert data["user"] == {"id": "u1", "given_name": "Ada"}


def test_too_large_is_a_reason_of_its_own() -> None:
    """A body of more than 20 KB is never made."""
    with pytest.raises(TooLarge):
        rendered(person(attributes={"bio": "x" * MAX_BODY_BYTES}), rule(attributes=("bio",)))
    with pytest.raises(TooLarge):  # quotes take two bytes each in JSON
        rendered(person(attributes={"bio": '"' * 11_000}), rule(Template("", "", "{{ user.bio }}")))
    with pytest.raises(RenderError, match="longer than"):
        rendered(person(attributes={"bio": "x" * 17_000}), rule(Template("", "", "{{ user.bio }}")))


def test_an_error_tells_nothing_of_the_person() -> None:
    """The reason names the variable's place, never a value."""
    with pytest.raises(RenderError) as refused:
        rendered(person(), rule(Template("", "", "{{ user.given_name }} {{ user.nickname }}")))
    assert "Ada" not in str(refused.value)


def requested(request: Request, event_type: EventType, recipient: Recipient, **changes: Any) -> Any:
    """Return the data of the body of a plan that somebody made by hand."""
    plan = replace(plan_of(recipient, event_type), cycle="once", request=request, **changes)
    message = render(
        Cache(), plan, "evt_x_once", recipient=recipient, event_type=event_type, defaults=DEFAULTS
    )
    return orjson.loads(message.body(late=False))["data"]


def test_a_late_message_has_its_own_words() -> None:
    """Belated words are said only when late, each part falling back to the normal one."""
    words = Template("", "Today, {{ user.name }}", "Cheers", "", "Better late, {{ user.name }}")
    message = rendered(person(), rule(words))
    on_time, late = orjson.loads(message.body(late=False)), orjson.loads(message.body(late=True))
    assert on_time["data"]["message"]["body"] == "Cheers"
    assert late["data"].pop("message") == {
        "title": "Today, Ada Lovelace",
        "body": "Better late, Ada Lovelace",
        "locale": "en",
    }
    assert (late["data"].pop("late"), on_time["data"].pop("late")) == (True, False)
    on_time["data"].pop("message")
    assert on_time == late


@pytest.mark.parametrize("belated", ["{{ user.nickname }}", "{{ user.bio | default('') }}" * 2, '"' * 8_000])
def test_belated_words_that_cannot_be_said_give_way(belated: str) -> None:
    """Missing values and too long texts cost neither the message on time nor the late one."""
    ada = person(attributes={"bio": '"' * 8_000})
    words = Template("", "Hello", "there", "", belated)
    message = rendered(ada, rule(words, attributes=("bio",) if belated[0] == '"' else ()))
    for late in (False, True):
        data = orjson.loads(message.body(late=late))["data"]
        assert (data["message"]["body"], data["late"]) == ("there", late)
        assert len(message.body(late=late)) <= MAX_BODY_BYTES


def test_metadata_is_in_the_words_and_in_the_body() -> None:
    """What a caller told of their event is seen by the template and repeated to the receiver."""
    words = Template("", "Order {{ metadata.order | default('?') }}", "x")
    data = requested(Request(SINCE, metadata={"order": "4711"}), rule(words), person())
    assert (data["message"]["title"], data["metadata"]) == ("Order 4711", {"order": "4711"})
    assert body(person(), words)["data"]["message"]["title"] == "Order ?"


def test_an_age_is_that_of_the_cycle_that_was_asked_for() -> None:
    """An event made by hand has an age only if it is about a yearly cycle."""
    assert requested(Request(SINCE, cycle="2027"), rule(), person())["turns"] == 37
    for cycle in ("", "once", "2027-03"):
        assert "turns" not in requested(Request(SINCE, cycle=cycle), rule(), person())


def test_a_receiver_is_told_what_was_made_by_hand() -> None:
    """A re-issue names its original, a test says so; nothing else has these words."""
    plain = body(person())["data"]
    assert "reissue_of" not in plain
    assert "test" not in plain
    again = requested(Request(SINCE, reissue_of="evt_y_2027"), rule(), person())
    assert again["reissue_of"] == "evt_y_2027"
    assert "test" not in again
    tested = requested(Request(SINCE, endpoint_id="end_1"), rule(), person())
    assert tested["test"] is True
    assert "reissue_of" not in tested


def test_without_an_occasion_there_is_none() -> None:
    """An event type without occasion renders with neither occasion nor age."""
    words = Template(
        "", "{% if occasion is defined or turns is defined %}wrong{% else %}right{% endif %}", "x"
    )
    none = replace(rule(words), recurrence=Recurrence.NONE, occasion_kind="")
    plan = replace(plan_of(person(), rule()), cycle="once", occasion_id="", request=Request(SINCE))
    message = render(Cache(), plan, "evt_x_once", recipient=person(), event_type=none, defaults=DEFAULTS)
    assert orjson.loads(message.body(late=False))["data"]["message"]["title"] == "right"
