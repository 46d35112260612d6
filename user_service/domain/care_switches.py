"""Care switches: "never again", for a person or one occasion, kept without saying for whom."""

import hmac
from dataclasses import dataclass
from typing import Final

from whenever import Instant

PERSON: Final = ""
"""In place of an occasion's id: the switch is for the person."""

ANY: Final = "*"
"""In place of an occasion's id, which it can never be: this person has had a switch of some kind.

The feed asks for it first, so that a page costs one hash per person and not one more per occasion.
"""


@dataclass(frozen=True, slots=True)
class CareSwitch:
    """A switch that was ever set; `clear_time` is None while it is set. Both are business instants."""

    occasion_id: str
    set_time: Instant
    clear_time: Instant | None

    @property
    def is_set(self) -> bool:
        """Whether nothing may be sent."""
        return self.clear_time is None

    @property
    def change_time(self) -> Instant:
        """When it came to stand as it does."""
        return self.set_time if self.clear_time is None else self.clear_time


class SwitchHash:
    """Under which 32 bytes a switch is kept: HMAC-SHA256 of tenant, user and occasion.

    Each id is preceded by its length in characters, so that no two triples are hashed as the same text.
    """

    def __init__(self, key: bytes) -> None:
        # The key is the same for the thousands of a page of the feed; preparing it costs more than the rest.
        self._keyed = hmac.new(key, digestmod="sha256")

    def __call__(self, tenant_id: str, user_id: str, occasion_id: str) -> bytes:
        """Return the hash of a switch; `occasion_id` PERSON is the person's."""
        keyed = self._keyed.copy()
        keyed.update(
            f"{len(tenant_id)}:{tenant_id}{len(user_id)}:{user_id}{len(occasion_id)}:{occasion_id}".encode()
        )
        return keyed.digest()
