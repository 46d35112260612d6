"""Care switches: where they stand, and under what they are kept."""

import hashlib
import hmac

from hypothesis import assume, given
from hypothesis import strategies as st
from whenever import Instant

from user_service.domain.care_switches import CareSwitch, SwitchHash

KEY = bytes(range(32))
SET_TIME = Instant.from_utc(2027, 5, 17, 9)
CLEAR_TIME = Instant.from_utc(2027, 5, 18, 9)
IDS = st.tuples(st.text(max_size=6), st.text(max_size=6), st.text(max_size=6))


def hashed(ids: tuple[str, str, str], key: bytes = KEY) -> bytes:
    """Return the hash of tenant, user and occasion."""
    return SwitchHash(key)(*ids)


def test_a_switch_is_set_until_it_is_cleared() -> None:
    """It stands as it does since it was set, or since it was cleared."""
    switch = CareSwitch("", SET_TIME, None)
    assert (switch.is_set, switch.change_time) == (True, SET_TIME)
    cleared = CareSwitch("", SET_TIME, CLEAR_TIME)
    assert (cleared.is_set, cleared.change_time) == (False, CLEAR_TIME)


def test_the_hash_is_what_the_standard_says() -> None:
    """HMAC-SHA256 (RFC 2104) of each id behind its length: rows outlive any rewriting of this."""
    said = "4:acme3:adá0:".encode()
    assert hashed(("acme", "adá", "")) == hmac.new(KEY, said, hashlib.sha256).digest()
    assert hashed(("t", "u", "o")).hex() == hmac.new(KEY, b"1:t1:u1:o", "sha256").hexdigest()


@given(IDS, IDS)
def test_other_ids_have_another_hash(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    """Also when the ids, written one after the other, are the same text."""
    assume(one != other)
    assert hashed(one) != hashed(other)


def test_where_an_id_ends_counts() -> None:
    """A user `ab` and a user `a` with an occasion `b` are two."""
    assert hashed(("t", "ab", "")) != hashed(("t", "a", "b"))
    assert hashed(("t", "a", "b")) != hashed(("ta", "", "b"))
    assert hashed(("t", "a", "1:b")) != hashed(("t", "a1:", "b"))


def test_without_the_key_nobody_is_found() -> None:
    """Another store's key gives another hash of the same person."""
    assert hashed(("t", "ada", "")) != hashed(("t", "ada", ""), key=bytes(32))
