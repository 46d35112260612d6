"""Page tokens lead back to where a page ended, for the same question only."""

import base64

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis import pages
from chassis.errors import InvalidInput

keys = st.lists(st.one_of(st.text(alphabet=st.characters(codec="utf-8")), st.integers(-(2**53), 2**53)))
filters = st.lists(st.text(alphabet=st.characters(codec="utf-8")))


@given(keys, filters)
def test_a_token_is_read_back_under_its_filter(key: list[str | int], bound_to: list[str]) -> None:
    """Whatever the key, decode gives what encode got."""
    assert pages.decode(pages.encode(key, bound_to), bound_to) == key


@given(keys, filters, filters)
def test_a_token_of_another_filter_is_refused(key: list[str | int], made: list[str], used: list[str]) -> None:
    """A token answers only the question it was made for."""
    if made != used:
        with pytest.raises(InvalidInput, match="was made for another filter"):
            pages.decode(pages.encode(key, made), used)


@given(st.text(min_size=1))
def test_garbage_is_refused(token: str) -> None:
    """Nothing a caller makes up is anything but INVALID_PAGE_TOKEN at page_token."""
    with pytest.raises(InvalidInput) as refused:
        pages.decode(token, "filter")
    assert refused.value.reason == "INVALID_PAGE_TOKEN"
    assert refused.value.violations[0].field == "page_token"


@pytest.mark.parametrize("content", [1, [], {}, {"a": 1, "b": 2}, [1, 2, 3], ["x", None], None, "text"])
def test_json_that_is_no_token_is_refused(content: object) -> None:
    """Well-formed JSON of another shape is no token either."""
    with pytest.raises(InvalidInput):
        pages.decode(base64.urlsafe_b64encode(orjson.dumps(content)).decode(), "filter")


def test_sizes() -> None:
    """A hundred rows unless asked, never more than a thousand; no token is the first page."""
    assert [pages.page_size(n) for n in (0, 1, 1000, 5000)] == [100, 1, 1000, 1000]
    assert pages.decode("", "filter") is None
