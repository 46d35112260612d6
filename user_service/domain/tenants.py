"""Tenants: isolated customers of a deployment, and what they answer for users who said nothing."""

from dataclasses import dataclass
from typing import Final

from whenever import Instant

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
