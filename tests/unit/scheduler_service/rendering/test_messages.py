"""The webhook's body: what DESIGN 5 says, byte for byte the same on every attempt."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler_service.domain.event_types import Template
from scheduler_service.domain.recipients import Recipient
from scheduler_service.rendering.messages import MAX_BODY_BYTES, RenderError, TooLarge
from tests.unit.scheduler_service.rendering.people import person, rendered, rule

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
