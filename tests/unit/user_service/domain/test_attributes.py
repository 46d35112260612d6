"""Attributes: JSON text that is compared by what it means."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from user_service.domain.attributes import MAX_BYTES, check_size, same

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-5, 5)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), JSON, max_size=4))
def test_order_and_blanks_do_not_count(value: dict[str, object]) -> None:
    """The same object, written in any order and with any blanks, is the same."""
    backwards = dict(reversed(value.items()))
    assert same(json.dumps(value), json.dumps(backwards, indent=2))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ('{"a": 1}', '{"a": true}'),
        ('{"a": 0}', '{"a": false}'),
        ('{"a": null}', "{}"),
        ('{"a": [1, 2]}', '{"a": [2, 1]}'),
        ('{"a": [1]}', '{"a": [1, 1]}'),
        ('{"a": "1"}', '{"a": 1}'),
        ('{"a": {"b": 1}}', '{"a": {"b": true}}'),
        ('{"a": []}', '{"a": {}}'),
    ],
)
def test_what_differs_in_meaning_is_not_the_same(one: str, other: str) -> None:
    """Types, order of lists and absent keys count."""
    assert not same(one, other)
    assert not same(other, one)


def test_a_number_is_the_same_however_it_is_written() -> None:
    """PostgreSQL writes 1e16 out; that is no change."""
    assert same('{"a": 1e16}', '{"a": 10000000000000000}')


def test_the_limit_is_sixteen_kibibytes() -> None:
    """Exactly the limit passes; one byte more is TOO_LARGE and names both figures."""
    check_size(b"x" * MAX_BYTES)
    with pytest.raises(InvalidInput) as refused:
        check_size(b"x" * (MAX_BYTES + 1))
    assert refused.value.reason == "TOO_LARGE"
    assert "16,385" in refused.value.message
    assert "16,384" in refused.value.message
