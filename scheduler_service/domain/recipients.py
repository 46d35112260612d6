"""Recipients: what the scheduler knows of a user, and what a tenant says for those who said nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from whenever import Date, Time

from scheduler_service.domain.occasions import LeapDayRule, Occasion


@dataclass(frozen=True, slots=True)
class TenantDefaults:
    """The tenant's answers; resolved when planning, never copied into users."""

    tenant_id: str
    time_zone: str
    locale: str
    leap_day_rule: LeapDayRule
    holidays: frozenset[Date] = frozenset()


class ZoneMode(StrEnum):
    """Which zone a person's local times are in."""

    HOME = "HOME"
    """Where they live."""
    FOLLOW = "FOLLOW"
    """Where they are, if that is known; it no longer changes in the last hour before a message is due."""


@dataclass(frozen=True, slots=True)
class QuietHours:
    """Local wall times between which nothing is sent, [start, end); they may span midnight."""

    start: Time
    end: Time


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a person wants: no messages of some event types, own times of day, rest.

    Messages of the event types `inbox_only` go to the inbox, whatever endpoints there are.
    """

    opted_out: frozenset[str] = frozenset()
    local_times: Mapping[str, Time] = field(default_factory=dict)
    quiet_hours: QuietHours | None = None
    zone_mode: ZoneMode = ZoneMode.HOME
    current_time_zone: str = ""
    inbox_only: frozenset[str] = frozenset()


NO_PREFERENCES = Preferences()


@dataclass(frozen=True, slots=True)
class Recipient:
    """The scheduler's copy of a user; an empty `time_zone` or `locale` means the tenant's.

    `care_switches` names the occasions about which there shall never again be a message; an empty name
    stands for the whole person.
    """

    tenant_id: str
    user_id: str
    version: int
    time_zone: str
    locale: str
    given_name: str
    family_name: str
    occasions: tuple[Occasion, ...]
    attributes: Mapping[str, object]
    preferences: Preferences = NO_PREFERENCES
    care_switches: frozenset[str] = frozenset()

    def is_spared(self, occasion_id: str) -> bool:
        """True when "never again" was said for the person or this occasion."""
        return "" in self.care_switches or occasion_id in self.care_switches

    def occasion(self, occasion_id: str, *, kind: str) -> Occasion | None:
        """Return the occasion with this id if it is of this kind."""
        for occasion in self.occasions:
            if occasion.occasion_id == occasion_id:
                return occasion if occasion.kind == kind else None
        return None


def zone_of(recipient: Recipient, defaults: TenantDefaults) -> str:
    """Return the zone in which this person's days begin and end: where they live, or are if they FOLLOW."""
    preferences = recipient.preferences
    if preferences.zone_mode is ZoneMode.FOLLOW and preferences.current_time_zone:
        return preferences.current_time_zone
    return recipient.time_zone or defaults.time_zone


def leap_day_rule_of(occasion: Occasion, defaults: TenantDefaults) -> LeapDayRule:
    """Return the occasion's own leap rule, else the tenant's."""
    return occasion.leap_day_rule or defaults.leap_day_rule
