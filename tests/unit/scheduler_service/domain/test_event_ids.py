"""Ids: stable for ever, unambiguous, in the order of the plans."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import InvalidInput
from scheduler_service.domain import ids

VECTORS = json.loads((Path(__file__).parents[3] / "vectors" / "ids.json").read_text(encoding="utf-8"))
KEY = bytes(range(32))
plan_ids = st.binary(min_size=16, max_size=16)
cycles = st.text("0123456789ABCXYZabcxyz-", min_size=1, max_size=24)


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda v: v["why"])
def test_golden_vectors(vector: dict[str, str]) -> None:
    """The ids of the vectors never change: a changed id is a second message for somebody."""
    key = bytes.fromhex(VECTORS["key_hex"])
    made = ids.plan_id(
        key,
        vector["tenant_id"],
        vector["user_id"],
        vector["event_type_id"],
        vector["occasion_id"],
        vector["instance"],
    )
    assert made.hex() == vector["plan_id_hex"]
    assert ids.shard_of(made) == int(vector["shard"])
    assert ids.event_id(made, vector["cycle"]) == vector["event_id"]
    assert ids.user_part(key, vector["tenant_id"], vector["user_id"]) == made[:8]


@given(plan_ids, cycles)
def test_event_id_is_read_back(plan_id: bytes, cycle: str) -> None:
    """Parsing an event id gives the plan and the cycle it was made of."""
    assert ids.parse_event_id(ids.event_id(plan_id, cycle)) == (plan_id, cycle)


@given(plan_ids, plan_ids)
def test_event_ids_sort_like_plan_ids(first: bytes, second: bytes) -> None:
    """The alphabet keeps the order of the bytes, so a user's events are one range too."""
    assert (first < second) == (ids.event_id(first, "2027") < ids.event_id(second, "2027"))


parts = st.text(st.characters(exclude_categories=["Cs"]), max_size=4)


@given(st.lists(parts, min_size=5, max_size=5), st.lists(parts, min_size=5, max_size=5))
def test_different_parts_have_different_ids(left: list[str], right: list[str]) -> None:
    """No characters of one part can be read as characters of its neighbour."""
    assert (left == right) == (ids.plan_id(KEY, *left) == ids.plan_id(KEY, *right))


def test_another_key_gives_other_ids() -> None:
    """Two deployments never share an id."""
    assert ids.plan_id(KEY, "t", "u", "e", "o") != ids.plan_id(KEY[::-1], "t", "u", "e", "o")


@given(plan_ids)
def test_shard_is_one_of_64(plan_id: bytes) -> None:
    """The shard is the first six bits."""
    assert ids.shard_of(plan_id) == int.from_bytes(plan_id, "big") >> 122
    assert 0 <= ids.shard_of(plan_id) < ids.SHARDS


@given(st.binary(min_size=16, max_size=16), st.integers(0, 63), st.integers(0, 63))
def test_the_plan_ids_of_neighbouring_shards_are_a_range(plan_id: bytes, one: int, other: int) -> None:
    """A plan id lies in the range of shards exactly if its shard is among them."""
    first, last = sorted((one, other))
    low, high = ids.shard_range(first, last)
    assert (low <= plan_id < high) == (first <= ids.shard_of(plan_id) <= last)


@pytest.mark.parametrize("cycle", ["", "x" * 25, "2027_1", "2027 ", "é", "2027\n"])
def test_wrong_cycle_is_refused(cycle: str) -> None:
    """A cycle is 1 to 24 letters, digits and hyphens."""
    with pytest.raises(InvalidInput, match="is not a cycle"):
        ids.event_id(bytes(16), cycle)


GOOD = ids.event_id(bytes(16), "2027")
WRONG = [
    "",
    "evt_",
    GOOD.removeprefix("evt_"),
    GOOD.upper(),
    GOOD.replace("_2027", ""),
    GOOD.replace("_2027", "_"),
    f"{GOOD}\n",
    f"{GOOD}_1",
    GOOD.replace("0_2027", "w_2027"),
    GOOD.replace("0_2027", "1_2027"),
    "evt_" + "٠" * 26 + "_2027",
    "x" * 10_000,
]


@pytest.mark.parametrize("text", WRONG)
def test_what_is_not_an_event_id_is_refused_with_the_form(text: str) -> None:
    """The error repeats at most 64 characters and says what an event id looks like."""
    with pytest.raises(InvalidInput, match=r"is not an event id .*allowed: evt_, 26 characters") as refused:
        ids.parse_event_id(text)
    assert len(str(refused.value)) < 250
