"""Items of a batch and rows of a stream, before they meet the store."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from google.type.date_pb2 import Date
from hypothesis import given
from hypothesis import strategies as st
from redletter.user.v1.user_pb2 import Occasion, User
from whenever import Instant

from user_service.api.imports import ahead
from user_service.api.items import checked_draft, rounds
from user_service.api.rendering import user as rendered
from user_service.domain.occasions import OnEnrol
from user_service.domain.users import UserDraft, after_write

NOW = Instant.from_utc(2027, 5, 17, 12)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.floats(allow_nan=False, allow_infinity=False).map(lambda number: number + 0.0)  # JSON has one zero
    | st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text("ab", max_size=2), inner, max_size=3),
    max_leaves=6,
)


def draft(user_id: str, name: str = "") -> UserDraft:
    """Return a draft of this user."""
    checked = checked_draft(User(user_id=user_id, time_zone="UTC", given_name=name))
    assert isinstance(checked, UserDraft)
    return checked


@given(st.lists(st.sampled_from("abc"), max_size=12))
def test_rounds_hold_each_user_once_and_keep_the_order(ids: list[str]) -> None:
    """No user stands twice in a round, and over the rounds each user's items keep their order."""
    split = rounds([(index, draft(user_id)) for index, user_id in enumerate(ids)])
    for batch in split:
        assert len({item.user_id for _, item in batch}) == len(batch)
    for user_id in set(ids):
        order = [index for batch in split for index, item in batch if item.user_id == user_id]
        assert order == [index for index, other in enumerate(ids) if other == user_id]


@given(st.dictionaries(st.text("xyz", max_size=3), JSON, max_size=4))
def test_attributes_come_back_as_they_were_given(attributes: dict[str, object]) -> None:
    """Whatever a Struct can say and JSON can carry survives the domain."""
    wire = User(user_id="ada", time_zone="UTC", attributes=attributes)
    checked = checked_draft(wire)
    assert isinstance(checked, UserDraft)
    stored = after_write(None, checked, now=NOW, on_enrol=OnEnrol.NEXT)
    assert stored is not None
    assert rendered(stored).attributes == wire.attributes


def test_an_occasion_without_an_id_has_its_kind() -> None:
    """The default id of an occasion is its kind, and year 0 is no year."""
    wire = User(
        user_id="ada", time_zone="UTC", occasions=[Occasion(kind="debut", date=Date(month=2, day=29))]
    )
    checked = checked_draft(wire)
    assert isinstance(checked, UserDraft)
    [occasion] = checked.occasions
    assert (occasion.occasion_id, occasion.year) == ("debut", None)


async def numbers(count: int, seen: list[int]) -> AsyncIterator[int]:
    """Yield 1 to `count`, noting each."""
    for number in range(1, count + 1):
        seen.append(number)
        yield number


async def test_at_most_two_chunks_are_ahead() -> None:
    """A sender is not read faster than chunks are stored: one waits checked, one more is in hand."""
    seen: list[int] = []
    chunks = ahead(str, numbers(50, seen))
    assert await anext(chunks) == "1"
    for _ in range(100):
        await asyncio.sleep(0)
    assert len(seen) == 3
    await chunks.aclose()


async def test_an_error_comes_after_what_was_before_it() -> None:
    """What the check raises ends the stream behind the last good chunk."""

    def check(number: int) -> int:
        if number == 3:
            raise ValueError(number)
        return number

    chunks = ahead(check, numbers(5, []))
    assert [await anext(chunks), await anext(chunks)] == [1, 2]
    with pytest.raises(ValueError, match="3"):
        await anext(chunks)
