"""API keys: until when they work."""

import pytest
from whenever import Instant

from user_service.domain.api_keys import ApiKey, Scope, digest

NOON = Instant.from_utc(2027, 5, 17, 12)
KEY = ApiKey("key_1", "tenant", "default", (Scope.TENANT,), NOON)


@pytest.mark.parametrize(
    ("key", "works"),
    [
        (KEY, True),
        (ApiKey("key_1", None, "operator", (Scope.OPERATOR,), NOON, expire_time=NOON.add(seconds=1)), True),
        (ApiKey("key_1", None, "operator", (Scope.OPERATOR,), NOON, expire_time=NOON), False),
        (
            ApiKey("key_1", None, "operator", (Scope.OPERATOR,), NOON, revoke_time=NOON.subtract(hours=1)),
            False,
        ),
    ],
)
def test_a_key_works_until_it_expires_or_is_revoked(key: ApiKey, works: bool) -> None:
    """At the very instant of its expiry a key works no more."""
    assert key.works_at(NOON) is works


def test_what_is_stored_of_a_secret_is_its_hash() -> None:
    """SHA-256, so that a copy of the database opens nothing."""
    assert digest("abc").hex().startswith("ba7816bf")
