"""Forecasts: how many events fall due in a window, when, and how many in the worst second.

Most people of a tenant share their answer with everybody who has the same day in the same zone, so it is
derived once for all of them; whoever it may differ for (a slot in a spread, an enrolment near the window)
is derived alone. Both ways are the function that plans.
"""

from collections import Counter as Tally
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Final, NamedTuple

from whenever import Instant, TimeDelta

from scheduler_service.domain.event_types import EventType, Recurrence, WeekendShift
from scheduler_service.domain.expectations import expected_between
from scheduler_service.domain.occasions import Occasion, OnEnrol
from scheduler_service.domain.recipients import Recipient, TenantDefaults, leap_day_rule_of, zone_of
from scheduler_service.domain.timings import effective_enrolment
from scheduler_service.domain.working_days import MAX_SHIFT_DAYS

_DAYS_OF_A_YEAR: Final = 365.25
_SUSPICIOUS: Final = 8.0
_FEWEST: Final = 20
# Days between the date of an event and its due time in UTC: a skipped date, the hour, the zone, the
# spread, quiet hours make less than four.
_SLACK_DAYS: Final = 4
_LONG_AGO: Final = Instant.from_utc(2, 1, 1)
_LONGEST_DEFERRAL: Final = TimeDelta(hours=25)  # quiet hours, on a day on which clocks go back


class Cluster(NamedTuple):
    """A date on which implausibly many people have an occasion of a kind, as when a form's default was kept."""

    kind: str
    month: int
    day: int
    people: int
    times_average: float


@dataclass
class Forecast:
    """Counts person after person; `start` and `end` bound the due times, [start, end).

    `steps` counts by the number of the step since `start`, `seconds` by the second since 1970.
    """

    start: Instant
    end: Instant
    step: timedelta
    key: bytes
    total: int = 0
    steps: Tally[int] = field(default_factory=Tally)
    seconds: Tally[int] = field(default_factory=Tally)
    by_event_type: Tally[str] = field(default_factory=Tally)
    occasions: Tally[tuple[str, int, int]] = field(default_factory=Tally)
    _shared: dict[Hashable, tuple[Instant, ...]] = field(default_factory=dict)

    def add(self, person: Recipient, rules: Sequence[EventType], *, defaults: TenantDefaults) -> None:
        """Count what these rules call for; not what the person has opted out of or was switched off."""
        self.occasions.update((o.kind, o.month, o.day) for o in person.occasions)
        if "" in person.care_switches:
            return
        for rule in rules:
            if rule.event_type_id in person.preferences.opted_out:
                continue
            for occasion in person.occasions:
                if occasion.kind == rule.occasion_kind and occasion.occasion_id not in person.care_switches:
                    self._add(person, occasion, rule, defaults)

    def _add(self, person: Recipient, occasion: Occasion, rule: EventType, defaults: TenantDefaults) -> None:
        shared = None if rule.spread else self._of_everybody(person, occasion, rule, defaults)
        if shared is not None and (not shared or _is_enrolled_before(shared[0], occasion, rule)):
            due_times: Sequence[Instant] = shared
        else:
            due_times = self._due_times(replace(person, occasions=(occasion,)), rule, defaults)
        for due_time in due_times:
            if self.start <= due_time < self.end:
                self._count(due_time, rule.event_type_id)

    def _of_everybody(
        self, person: Recipient, occasion: Occasion, rule: EventType, defaults: TenantDefaults
    ) -> tuple[Instant, ...]:
        """Return the due times near the window of everybody like this person who was enrolled long ago."""
        key = (
            rule.event_type_id,
            zone_of(person, defaults),
            occasion.month,
            occasion.day,
            _first_year(occasion, rule, self.start),
            leap_day_rule_of(occasion, defaults),
            person.preferences.local_times.get(rule.event_type_id),
            person.preferences.quiet_hours,
        )
        found = self._shared.get(key)
        if found is None:
            long_known = replace(occasion, enrol_time=_LONG_AGO, on_enrol=OnEnrol.NEXT)
            old_rule = replace(rule, enrol_time=_LONG_AGO, on_enrol=OnEnrol.NEXT)
            found = self._due_times(replace(person, occasions=(long_known,)), old_rule, defaults)
            self._shared[key] = found
        return found

    def _due_times(self, person: Recipient, rule: EventType, defaults: TenantDefaults) -> tuple[Instant, ...]:
        """Return the due times of the events whose date is so near that they may fall into the window."""
        slack = _SLACK_DAYS + (0 if rule.weekend_shift is WeekendShift.NONE else MAX_SHIFT_DAYS)
        first = self.start.to_tz("UTC").date().subtract(days=slack)
        last = self.end.to_tz("UTC").date().add(days=slack)
        expected = expected_between(person, (rule,), defaults=defaults, start=first, end=last, key=self.key)
        return tuple(sorted(each.due_time for each in expected))

    def clusters(self) -> list[Cluster]:
        """Return the dates that look like defaults of a form, the largest first."""
        people: Tally[str] = Tally()
        for (kind, _, _), count in self.occasions.items():
            people[kind] += count
        found = [
            Cluster(kind, month, day, count, count / (people[kind] / _DAYS_OF_A_YEAR))
            for (kind, month, day), count in self.occasions.items()
        ]
        suspicious = [c for c in found if c.people >= _FEWEST and c.times_average >= _SUSPICIOUS]
        return sorted(suspicious, key=lambda c: (-c.people, c.kind, c.month, c.day))

    def _count(self, due_time: Instant, event_type_id: str) -> None:
        self.total += 1
        self.by_event_type[event_type_id] += 1
        self.steps[int((due_time - self.start).total("seconds") // self.step.total_seconds())] += 1
        self.seconds[int(due_time.timestamp())] += 1


def _is_enrolled_before(first: Instant, occasion: Occasion, rule: EventType) -> bool:
    """True when the enrolment comes before the nominal time of whatever is due from `first` on."""
    enrol_time, _ = effective_enrolment(occasion, rule)
    return enrol_time <= first - _LONGEST_DEFERRAL


def _first_year(occasion: Occasion, rule: EventType, start: Instant) -> int | None:
    """Return the occasion's year where it counts: near the window, or as the begin of a recurrence."""
    if occasion.year is None or rule.recurrence in (Recurrence.ONCE, Recurrence.RRULE):
        return occasion.year
    return None if occasion.year < start.to_tz("UTC").year - 3 else occasion.year
