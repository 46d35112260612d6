"""What a tenant decides about all of its deliveries; who never decided anything has the defaults."""

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import Final

from whenever import Instant

from chassis.errors import InvalidInput, StaleVersion

SHORTEST_RETENTION_DAYS: Final = 45
"""An event may be worth sending for 30 days and its stop is remembered for 35: until then its id must be known."""
LONGEST_RETENTION_DAYS: Final = 3650


class InboxMode(IntEnum):
    """What the inbox holds; the numbers are those of redletter.delivery.v1.DeliverySettings.InboxMode."""

    UNRECEIVED = 1
    """What no endpoint wanted, and what none of them received."""
    ALL = 2
    """Every message, from its acceptance on, whatever endpoints get as well."""


@dataclass(frozen=True)
class DeliverySettings:
    """A tenant's settings; 0 days: the deployment's retention. Version 0: the tenant never decided anything."""

    inbox_mode: InboxMode = InboxMode.UNRECEIVED
    retention_days: int = 0
    version: int = 0
    update_time: Instant | None = None

    @property
    def etag(self) -> str:
        """The version as text."""
        return f"v{self.version}"


@dataclass(frozen=True)
class DeliverySettingsEdit:
    """What shall change; None stays as it is."""

    inbox_mode: InboxMode | None = None
    retention_days: int | None = None


def require_retention(days: int) -> int:
    """Return the days unless they are out of bounds.

    Raises:
        InvalidInput: neither 0 nor 45 to 3650.
    """
    if days and not SHORTEST_RETENTION_DAYS <= days <= LONGEST_RETENTION_DAYS:
        raise InvalidInput.at(
            "delivery_settings.retention_days",
            f"{days} days cannot be kept",
            value=str(days),
            allowed=f"{SHORTEST_RETENTION_DAYS} to {LONGEST_RETENTION_DAYS}, or 0 for the deployment's",
        )
    return days


def check_etag(stored: DeliverySettings, etag: str) -> None:
    """Refuse a change that was made from other settings than the stored ones; an empty `etag` asks for nothing.

    Raises:
        StaleVersion: the settings have another etag.
    """
    if etag and etag != stored.etag:
        raise StaleVersion(
            f"the delivery settings have the etag {stored.etag} now, not {etag!r} as given;"
            " read them again and repeat the change"
        )


def after_update(
    stored: DeliverySettings, edit: DeliverySettingsEdit, *, now: Instant
) -> DeliverySettings | None:
    """Return the settings as they shall be stored, or None when nothing changes."""
    after = replace(
        stored,
        inbox_mode=stored.inbox_mode if edit.inbox_mode is None else edit.inbox_mode,
        retention_days=stored.retention_days if edit.retention_days is None else edit.retention_days,
    )
    return None if after == stored else replace(after, version=stored.version + 1, update_time=now)
