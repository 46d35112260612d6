"""The books: what is on one side only is a difference, unless a later change accounts for it."""

from dataclasses import replace
from hashlib import md5

import pytest

from scheduler_service.domain.ledger import (
    CHECKSUM_MODULUS,
    Books,
    Elsewhere,
    Entry,
    Wanted,
    Why,
    absent,
    checksum,
    expected_equation,
    outcome_equation,
    sent_equation,
)
from tests.unit.scheduler_service.domain.domain_examples import date

ON = date("2027-05-17")
NAME = "evt_1_2027"
WANTED = Wanted(b"1", "ada", "birthday", "birthday", "2027")
ENTRY = Entry(NAME, "ada", "birthday", "birthday", "2027", False, 3, 2)


def books(**fields: object) -> Books:
    """Return books of a date on which Ada of version 3 and a rule of version 2 are known."""
    known = {"recipient_versions": {"ada": 3}, "rule_versions": {"birthday": 2}}
    return Books(ON, **{**known, **fields})  # type: ignore[arg-type]


def only(found: Books) -> tuple[Why, str, int]:
    """Return why and in which words the one difference is one, and how much it counts."""
    equation = expected_equation(found)
    [one] = equation.differences
    assert one.event_id == NAME
    return one.why, one.text, equation.difference


def test_what_is_expected_is_open_or_ended() -> None:
    """One of each: the sides are equal and nothing is listed."""
    other = replace(ENTRY, event_id="evt_2_2027")
    wanted = {NAME: WANTED, other.event_id: WANTED}
    equation = expected_equation(books(expected=wanted, open={NAME: ENTRY}, ended={other.event_id: other}))
    assert (equation.left, equation.right, equation.difference, equation.differences) == (2, 2, 0, ())


def test_what_a_caller_made_is_on_both_sides() -> None:
    """Nothing calls for it but the caller; it is neither missing nor unexpected."""
    own = replace(ENTRY, made_by_caller=True)
    equation = expected_equation(books(ended={NAME: own}))
    assert (equation.left, equation.right, equation.differences) == (1, 1, ())


def test_a_callers_request_that_is_lost() -> None:
    """It counts as expected, and is listed."""
    found = books(lost_requests=[NAME])
    assert only(found)[::2] == (Why.NEVER_PLANNED, 1)
    equation = expected_equation(found)
    assert (equation.left, equation.right) == (1, 0)


@pytest.mark.parametrize(
    ("elsewhere", "words"),
    [
        (None, "neither planned nor ended"),
        (Elsewhere(plan_version=4, last_cycle="2026"), "neither planned nor ended"),
        (Elsewhere(plan_version=4, cycle="2028", last_cycle="2027"), "there is no such event"),
        (Elsewhere(plan_version=1, cycle="2028"), "passed over it"),
        (Elsewhere(plan_version=4, cycle="2029", last_cycle="2028"), "passed over it"),
        (Elsewhere(plan_version=4, cycle="2027", occurrence_date=date("2027-05-18")), "for 2027-05-18"),
    ],
)
def test_expected_and_never_planned(elsewhere: Elsewhere | None, words: str) -> None:
    """No plan, a closed one, one that says it was decided, one beyond it, one on another date: difference 1."""
    found = books(expected={NAME: WANTED}, elsewhere={} if elsewhere is None else {NAME: elsewhere})
    assert absent(found) == {NAME: WANTED}
    why, text, difference = only(found)
    assert (why, difference) == (Why.NEVER_PLANNED, 1)
    assert words in text


@pytest.mark.parametrize(
    "elsewhere",
    [
        Elsewhere(plan_version=4, cycle="2026"),
        Elsewhere(plan_version=4, cycle="2027", occurrence_date=ON),
    ],
)
def test_what_is_still_to_come_is_open(elsewhere: Elsewhere) -> None:
    """An earlier cycle is not decided yet, or it was moved by hand to a far day: it counts, nothing is listed."""
    equation = expected_equation(books(expected={NAME: WANTED}, elsewhere={NAME: elsewhere}))
    assert (equation.left, equation.right, equation.differences) == (1, 1, ())


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"elsewhere": {NAME: Elsewhere(decided=True)}}, "under another date"),
        ({"moving": {"birthday"}}, "planned again"),
        ({"excused": {NAME: "because"}}, "because"),
    ],
)
def test_expected_and_accounted_for(fields: dict[str, object], words: str) -> None:
    """Decided under another date, in the middle of a replan, excused: listed, and no difference."""
    found = books(expected={NAME: WANTED}, **fields)
    why, text, difference = only(found)
    assert (why, difference) == (Why.CHANGED_SINCE, 0)
    assert (expected_equation(found).left, expected_equation(found).right) == (0, 0)
    assert words in text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"recipient_versions": {}}, "the person is gone"),
        ({"recipient_versions": {"ada": 4}}, "the person has changed"),
        ({"recipient_versions": {"ada": 1}}, "the person has changed"),
        ({"rule_versions": {"birthday": 3}}, "the rule has changed"),
        ({"moving": {"birthday"}}, "planned again"),
        ({"excused": {NAME: "because"}}, "because"),
    ],
)
def test_ended_and_changed_since(fields: dict[str, object], words: str) -> None:
    """Nothing calls for it today, and something has changed since it was decided: no difference."""
    found = books(ended={NAME: ENTRY}, **fields)
    why, text, difference = only(found)
    assert (why, difference) == (Why.CHANGED_SINCE, 0)
    assert (expected_equation(found).left, expected_equation(found).right) == (1, 1)
    assert words in text


@pytest.mark.parametrize("reason", ["PAUSED", "EVENT_TYPE_DELETED", "USER_DELETED", "OCCASION_REMOVED"])
def test_ended_because_what_called_for_it_was_gone(reason: str) -> None:
    """The reason of its end accounts for it."""
    why, text, _ = only(books(ended={NAME: replace(ENTRY, reason=reason)}))
    assert why is Why.CHANGED_SINCE
    assert reason in text


def test_ended_though_nothing_called_for_it() -> None:
    """With the versions of today it is a difference; another reason of its end does not account for it."""
    for entry in (ENTRY, replace(ENTRY, reason="MISSED")):
        assert only(books(ended={NAME: entry}))[::2] == (Why.UNEXPECTED, 1)


def test_planned_though_nothing_calls_for_it() -> None:
    """A change of a person moves their plans with it: an open plan that nobody expects is a difference."""
    for versions in ({}, {"ada": 4}):
        assert only(books(open={NAME: ENTRY}, recipient_versions=versions))[::2] == (Why.UNEXPECTED, 1)


def test_unaccounted_ones_come_first() -> None:
    """Whoever reads the first lines reads what matters."""
    gone = replace(ENTRY, event_id="evt_0", user_id="gone")
    equation = expected_equation(books(expected={NAME: WANTED}, ended={"evt_0": gone}))
    assert [d.why for d in equation.differences] == [Why.NEVER_PLANNED, Why.CHANGED_SINCE]
    assert (equation.left, equation.right, equation.difference) == (2, 1, 1)


def test_sent_and_messages_are_compared_by_id() -> None:
    """Equal counts of other ids do not balance."""
    equation = sent_equation(["a", "b"], ["b", "c"])
    assert (equation.left, equation.right, equation.difference) == (2, 2, 2)
    assert [(d.event_id, d.why) for d in equation.differences] == [
        ("a", Why.NO_MESSAGE),
        ("c", Why.NO_EVENT),
    ]


def test_what_was_sent_while_the_messages_were_read_is_no_difference() -> None:
    """`c` was decided after the events were read; `d` after the messages."""
    equation = sent_equation(["a"], ["a", "c"], sent_later=["a", "c", "d"])
    assert (equation.left, equation.right, equation.differences) == (2, 2, ())


def test_each_message_has_one_outcome() -> None:
    """The sum of the outcomes is the number of messages; a message without one is named."""
    assert outcome_equation(3, {"OUTCOME_RECEIVED": 2, "OUTCOME_DEAD": 1}).difference == 0
    missing = outcome_equation(3, {"OUTCOME_RECEIVED": 2}, ["evt_9"])
    assert (missing.left, missing.right, missing.difference) == (3, 2, 1)
    assert [(d.event_id, d.why) for d in missing.differences] == [("evt_9", Why.NO_OUTCOME)]
    assert outcome_equation(2, {"OUTCOME_RECEIVED": 3}).difference == 1


def test_the_checksum_is_deliverys() -> None:
    """The sum of 60 bits of each id's md5 below 2^63, whatever the order."""
    names = [f"evt_{n}" for n in range(100)]
    by_hand = sum(int(md5(name.encode(), usedforsecurity=False).hexdigest()[:15], 16) for name in names)
    assert checksum(names) == checksum(reversed(names)) == by_hand % CHECKSUM_MODULUS
    assert checksum([]) == 0
