"""Recipients: what the scheduler knows of a user, and what a tenant says for those who said nothing."""

from collections.abc import Mapping
from dataclasses import dataclass

from scheduler_service.domain.occasions import LeapDayRule, Occasion


@dataclass(frozen=True, slots=True)
class TenantDefaults:
    """The tenant's answers; resolved when planning, never copied into users."""

    tenant_id: str
    time_zone: str
    locale: str
    leap_day_rule: LeapDayRule


@dataclass(frozen=True, slots=True)
class Recipient:
    """The scheduler's copy of a user; an empty `time_zone` or `locale` means the tenant's."""

    tenant_id: str
    user_id: str
    version: int
    time_zone: str
    locale: str
    given_name: str
    family_name: str
    occasions: tuple[Occasion, ...]
    attributes: Mapping[str, object]

    def occasion(self, occasion_id: str, *, kind: str) -> Occasion | None:
        """Return the occasion with this id if it is of this kind."""
        for occasion in self.occasions:
            if occasion.occasion_id == occasion_id:
                return occasion if occasion.kind == kind else None
        return None


def zone_of(recipient: Recipient, defaults: TenantDefaults) -> str:
    """Return the zone in which this person's days begin and end."""
    return recipient.time_zone or defaults.time_zone


def leap_day_rule_of(occasion: Occasion, defaults: TenantDefaults) -> LeapDayRule:
    """Return the occasion's own leap rule, else the tenant's."""
    return occasion.leap_day_rule or defaults.leap_day_rule
