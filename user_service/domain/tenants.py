"""Tenants: isolated customers of a deployment, and what they answer for users who said nothing."""

from dataclasses import dataclass, replace
from typing import Final

from whenever import Instant

from chassis.errors import StaleVersion
from user_service.domain.occasions import LeapDayRule

DEFAULT_TIME_ZONE: Final = "UTC"
DEFAULT_LOCALE: Final = "en"


@dataclass(frozen=True, slots=True)
class TenantDraft:
    """A tenant as an operator wrote it, with defaults filled in."""

    name: str
    time_zone: str
    locale: str
    leap_day_rule: LeapDayRule


@dataclass(frozen=True, slots=True)
class TenantEdit:
    """What shall change of a tenant; None stays as it is."""

    name: str | None = None
    time_zone: str | None = None
    locale: str | None = None
    leap_day_rule: LeapDayRule | None = None


@dataclass(frozen=True, slots=True)
class Tenant:
    """A stored tenant."""

    tenant_id: str
    name: str
    time_zone: str
    locale: str
    leap_day_rule: LeapDayRule
    version: int
    create_time: Instant
    update_time: Instant

    @property
    def etag(self) -> str:
        """The version as text."""
        return str(self.version)


def check_etag(stored: Tenant, etag: str) -> None:
    """Refuse a change that was made from another state than the stored one; an empty `etag` asks for nothing.

    Raises:
        StaleVersion: the tenant has another etag.
    """
    if etag and etag != stored.etag:
        raise StaleVersion(
            f"the tenant has the etag {stored.etag} now, not {etag!r} as given; read it again and repeat the change"
        )


def after_update(stored: Tenant, edit: TenantEdit, *, now: Instant) -> Tenant | None:
    """Return the tenant as it shall be stored (version of `stored`), or None when nothing changes."""
    after = replace(
        stored,
        name=edit.name or stored.name,
        time_zone=edit.time_zone or stored.time_zone,
        locale=edit.locale or stored.locale,
        leap_day_rule=edit.leap_day_rule or stored.leap_day_rule,
    )
    return None if after == stored else replace(after, update_time=now)
