"""What an edit makes of a stored tenant."""

from dataclasses import replace

import pytest
from whenever import Instant

from chassis.errors import StaleVersion
from user_service.domain.occasions import LeapDayRule
from user_service.domain.tenants import Tenant, TenantEdit, after_update, check_etag

THEN = Instant.from_utc(2027, 1, 1)
NOW = Instant.from_utc(2027, 5, 17, 12)
STORED = Tenant("t", "acme", "UTC", "en", LeapDayRule.BACKWARD, 7, THEN, THEN)


@pytest.mark.parametrize(
    "change",
    [
        {"name": "other"},
        {"time_zone": "Asia/Tokyo"},
        {"locale": "ja"},
        {"leap_day_rule": LeapDayRule.OMIT},
        {"time_zone": "Asia/Tokyo", "locale": "ja"},
    ],
)
def test_what_is_named_changes_now(change: dict[str, str]) -> None:
    """The rest, the version that was read and the creation time are kept."""
    after = after_update(STORED, TenantEdit(**change), now=NOW)
    assert after == replace(STORED, **change, update_time=NOW)


def test_an_equal_edit_changes_nothing() -> None:
    """Neither an empty edit nor one to what is stored is a change."""
    assert after_update(STORED, TenantEdit(), now=NOW) is None
    assert after_update(STORED, TenantEdit(name="acme", locale="en"), now=NOW) is None


def test_an_etag_must_be_the_stored_one() -> None:
    """No etag asks for nothing; another one is stale and both are named."""
    check_etag(STORED, "")
    check_etag(STORED, "7")
    with pytest.raises(StaleVersion) as refused:
        check_etag(STORED, "6")
    assert "'6'" in refused.value.message
    assert "7" in refused.value.message
