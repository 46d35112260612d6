"""Which event types an endpoint's filters let through."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from delivery_service.domain.event_type_filters import matches, require_filters, wanted

_EVENT_TYPE = st.from_regex(r"[ab][ab_-]{0,9}", fullmatch=True)
_PATTERN = st.from_regex(r"[ab*][ab_*-]{0,9}", fullmatch=True).filter(
    lambda one: "**" not in one and one.count("*") <= 3
)


@pytest.mark.parametrize(
    ("pattern", "matched", "missed"),
    [
        ("birthday", ["birthday"], ["birthday_de", "birth", "a-birthday"]),
        ("reminder_*", ["reminder_", "reminder_1"], ["reminder", "reminder-1", "a_reminder_1"]),
        ("*_de", ["birthday_de", "a_de"], ["birthday_de_", "ade"]),
        ("a*-*z", ["a-z", "ab-yz", "a--z"], ["az", "a-", "-z"]),
        ("ab*ba", ["abba", "ab_ba"], ["aba", "ab"]),
        ("*", ["a", "birthday"], []),
    ],
)
def test_the_examples_of_the_contract(pattern: str, matched: list[str], missed: list[str]) -> None:
    """What the contract's comment says of each example is so."""
    require_filters([pattern])
    assert [one for one in matched + missed if matches(pattern, one)] == matched


@given(_PATTERN, _EVENT_TYPE)
@example("a*a", "a")
@example("a*b*b", "ab")
def test_a_filter_matches_what_its_regular_expression_matches(pattern: str, event_type_id: str) -> None:
    """A star is any run of characters, everything else itself."""
    expression = ".*".join(map(re.escape, pattern.split("*")))
    assert matches(pattern, event_type_id) == bool(re.fullmatch(expression, event_type_id))


@given(st.lists(_PATTERN, unique=True, max_size=4), _EVENT_TYPE)
def test_one_matching_filter_is_enough_and_none_means_everything(
    filters: list[str], event_type_id: str
) -> None:
    """An endpoint gets what at least one filter matches; without filters everything."""
    expected = not filters or any(matches(one, event_type_id) for one in filters)
    assert wanted(require_filters(filters), event_type_id) == expected


@pytest.mark.parametrize(
    "malformed",
    ["", "order.*", "Birthday", "_x", "-x", "9", "a b", "a\n", "é", "a%", "**", "a**b", "a*b*c*d*", "a" * 41],
)
def test_a_malformed_filter_is_refused_at_its_place(malformed: str) -> None:
    """The field names its index; nothing that could not be an event type or has too many stars is taken."""
    with pytest.raises(InvalidInput) as refused:
        require_filters(["birthday", malformed])
    assert [violation.field for violation in refused.value.violations] == ["event_type_filters[1]"]


def test_too_many_filters_and_repeated_ones_are_refused() -> None:
    """At most 50 filters, each once."""
    assert len(require_filters([f"a{n}" for n in range(50)])) == 50
    with pytest.raises(InvalidInput, match="has 51 filters"):
        require_filters([f"a{n}" for n in range(51)])
    with pytest.raises(InvalidInput, match="stands there twice"):
        require_filters(["a", "b", "a"])
