"""Which secrets an endpoint may have, and what a rotation does to those it has."""

import base64
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from chassis.errors import IllegalTransition, InvalidInput, NotFound
from delivery_service.domain.endpoint_secrets import (
    DEFAULT_OVERLAP,
    MOST_VALID,
    StoredSecret,
    expiry,
    new_secret,
    rotation,
)
from delivery_service.domain.signatures import SecretKind

NOW = Instant.from_utc(2027, 3, 4, 9, 0, 0, nanosecond=250_000_000)
HMAC, ED25519 = SecretKind.HMAC, SecretKind.ED25519


def made(name: str, *, kind: SecretKind = HMAC, ago: float = 100, ends: float | None = None) -> StoredSecret:
    """Return a secret made `ago` seconds before NOW that ends `ends` seconds after it."""
    end = None if ends is None else NOW.add(seconds=ends)
    return StoredSecret(name, kind, NOW.subtract(seconds=ago), end)


def whsec(count: int) -> str:
    """Return a secret of `count` bytes as its owner writes it."""
    return "whsec_" + base64.b64encode(bytes(range(count))).decode()


def test_a_rotation_lets_the_old_secret_sign_for_a_day() -> None:
    """24 hours, never less: rounded up to the next whole second."""
    done = rotation([made("a")], HMAC, overlap=DEFAULT_OVERLAP, now=NOW)
    assert done.replaced == ("a",)
    assert done.until == Instant.from_utc(2027, 3, 5, 9, 0, 1)


def test_a_second_rotation_keeps_the_window_of_the_first() -> None:
    """What runs out already is not touched, however long the second overlap is."""
    present = [made("b"), made("a", ends=3600)]
    done = rotation(present, HMAC, overlap=timedelta(days=30), now=NOW)
    assert done.replaced == ("b",)


def test_the_other_kind_is_left_alone() -> None:
    """Rotating ed25519 keys changes no HMAC secret, and the first key of a kind replaces nothing."""
    assert rotation([made("a")], ED25519, overlap=timedelta(0), now=NOW).replaced == ()
    present = [made("k", kind=ED25519), made("a")]
    assert rotation(present, ED25519, overlap=timedelta(0), now=NOW).replaced == ("k",)


def test_no_overlap_ends_the_old_one_in_this_second() -> None:
    """The end is the begin of the present second, which no later message carries a smaller stamp than."""
    done = rotation([made("a")], HMAC, overlap=timedelta(0), now=NOW)
    assert done.until == Instant.from_utc(2027, 3, 4, 9, 0, 0)


def test_a_new_secret_is_the_newest_whatever_the_clocks_said() -> None:
    """A secret that was made by a clock ahead of ours is older nevertheless."""
    assert rotation([made("a")], HMAC, overlap=timedelta(0), now=NOW).create_time == NOW
    ahead = rotation([made("a", ago=-50)], HMAC, overlap=timedelta(0), now=NOW)
    assert ahead.create_time > NOW.add(seconds=50)


def test_ten_valid_secrets_are_enough() -> None:
    """The eleventh is refused with the number; one that has run out does not count, nor one that is replaced at once."""
    present = [made(str(number), ends=60) for number in range(MOST_VALID - 1)]
    rotation(present, HMAC, overlap=DEFAULT_OVERLAP, now=NOW)
    with pytest.raises(IllegalTransition, match="10 valid secrets"):
        rotation([made("x"), *present], HMAC, overlap=DEFAULT_OVERLAP, now=NOW)
    rotation([made("x"), *present], HMAC, overlap=timedelta(0), now=NOW)
    rotation([made("x", ends=-1), *present], HMAC, overlap=DEFAULT_OVERLAP, now=NOW)


@given(st.lists(st.integers(min_value=0, max_value=120), min_size=1, max_size=40))
def test_after_any_rotations_one_secret_never_runs_out(overlaps: list[int]) -> None:
    """One a second with any overlaps: refused or not, exactly one of the kind has no end, and it is the newest."""
    present = [made("first")]
    for number, seconds in enumerate(overlaps):
        now = NOW.add(seconds=number)
        try:
            done = rotation(present, HMAC, overlap=timedelta(seconds=seconds), now=now)
        except IllegalTransition:
            continue
        ended = [
            StoredSecret(one.secret_id, one.kind, one.create_time, done.until)
            if one.secret_id in done.replaced
            else one
            for one in present
        ]
        present = [StoredSecret(f"s{number}", HMAC, done.create_time), *ended]
        assert [one.secret_id for one in present if one.expire_time is None] == [f"s{number}"]
        assert sum(one.valid(now) for one in present) <= MOST_VALID
        assert present == sorted(present, key=lambda one: one.create_time, reverse=True)


def test_a_secret_is_ended_at_once_only_if_another_stays() -> None:
    """The only one without an end stays; one that has ended is not ended again; a foreign id is NOT_FOUND."""
    present = [made("b"), made("a", ends=60), made("z", ends=-1)]
    assert expiry(present, "a", now=NOW) == Instant.from_utc(2027, 3, 4, 9, 0, 0)
    assert expiry(present, "z", now=NOW) is None
    with pytest.raises(IllegalTransition, match="only secret that does not run out"):
        expiry(present, "b", now=NOW)
    assert expiry([made("k", kind=ED25519), *present], "b", now=NOW) is not None
    with pytest.raises(NotFound, match="sec_other"):
        expiry(present, "sec_other", now=NOW)


@pytest.mark.parametrize("count", [24, 32, 64])
def test_a_given_secret_is_taken_as_it_is(count: int) -> None:
    """24 to 64 bytes, as the specification asks."""
    assert new_secret(HMAC, whsec(count)).key == bytes(range(count))


@pytest.mark.parametrize(
    ("given_", "why"),
    [
        (whsec(23), "holds 23 bytes"),
        (whsec(65), "holds 65 bytes"),
        ("whsec_", "holds 0 bytes"),
        (whsec(24).removeprefix("whsec_"), "does not begin with whsec_"),
        ("whsk_" + "A" * 44, "does not begin with whsec_"),
        ("whsec_" + "A" * 43, "not base64"),
        ("whsec_" + "Ä" * 44, "not base64"),
        ("whsec_" + "_" * 44, "not base64"),
        (whsec(32) + "\n", "not base64"),
    ],
)
def test_a_malformed_secret_is_refused_without_being_repeated(given_: str, why: str) -> None:
    """The refusal says why and what is allowed; an error may end in a log, so the text is not in it."""
    with pytest.raises(InvalidInput, match=why) as refused:
        new_secret(HMAC, given_)
    assert refused.value.violations[0].value == ""
    assert len(given_) < 10 or given_ not in str(refused.value)


def test_a_private_key_is_not_taken_from_anybody() -> None:
    """An ed25519 key is always made here."""
    with pytest.raises(InvalidInput, match="made here"):
        new_secret(ED25519, whsec(32))
    assert len(new_secret(ED25519).key) == 32


def test_new_secrets_differ() -> None:
    """Neither ids nor keys come twice."""
    secrets = [new_secret(kind) for kind in (HMAC, ED25519) for _ in range(50)]
    assert len({secret.secret_id for secret in secrets}) == len({secret.key for secret in secrets}) == 100
