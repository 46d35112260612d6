"""What a write makes of a stored user."""

from dataclasses import replace

import pytest
from whenever import Instant

from chassis.errors import StaleVersion
from user_service.domain.occasions import Occasion, OnEnrol
from user_service.domain.users import User, UserDraft, after_write, check_etag

THEN = Instant.from_utc(2027, 1, 1)
NOW = Instant.from_utc(2027, 5, 17, 12)
DRAFT = UserDraft(
    user_id="ada",
    time_zone="Europe/Berlin",
    locale="de",
    given_name="Ada",
    family_name="Lovelace",
    occasions=(Occasion("birthday", "birthday", None, 12, 10, None),),
    attributes='{"vip":true}',
    etag="",
)


def stored(version: int = 7) -> User:
    """Return DRAFT as it was stored at THEN."""
    user = after_write(None, DRAFT, now=THEN, on_enrol=OnEnrol.NEXT)
    assert user is not None
    return user.stored_as(version)


def test_a_first_write_creates_at_now() -> None:
    """A new user has no version yet and was created and updated now."""
    user = after_write(None, DRAFT, now=NOW, on_enrol=OnEnrol.NEXT)
    assert user is not None
    assert (user.version, user.create_time, user.update_time) == (0, NOW, NOW)


def test_an_equal_write_changes_nothing() -> None:
    """Equal content, attributes in any notation, is no change."""
    again = replace(DRAFT, attributes='{ "vip": true }')
    assert after_write(stored(), again, now=NOW, on_enrol=OnEnrol.SAME_DAY) is None


@pytest.mark.parametrize(
    "change",
    [
        {"time_zone": "Asia/Tokyo"},
        {"locale": ""},
        {"given_name": ""},
        {"family_name": "Byron"},
        {"occasions": ()},
        {"occasions": (Occasion("birthday", "birthday", 1815, 12, 10, None),)},
        {"attributes": '{"vip":1}'},
    ],
)
def test_any_other_content_is_a_change(change: dict[str, object]) -> None:
    """Each field counts; creation time and the version that was read are kept."""
    user = after_write(stored(), replace(DRAFT, **change), now=NOW, on_enrol=OnEnrol.NEXT)
    assert user is not None
    assert (user.version, user.create_time, user.update_time) == (7, THEN, NOW)


def test_an_etag_must_be_the_stored_one() -> None:
    """No etag asks for nothing; another one, or one of a user that is not there, is stale."""
    check_etag(stored(7), DRAFT)
    check_etag(None, DRAFT)
    check_etag(stored(7), replace(DRAFT, etag="7"))
    for user in (stored(8), None):
        with pytest.raises(StaleVersion):
            check_etag(user, replace(DRAFT, etag="7"))
