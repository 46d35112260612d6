"""One person, one occasion, one rule: what the domain's tests vary."""

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from whenever import Date, Instant, Time

from scheduler_service.domain import ids
from scheduler_service.domain.cycles import first_date_of, turns_since
from scheduler_service.domain.decisions import Decision, decide
from scheduler_service.domain.event_types import EventType, EventTypeState, Priority
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.overrides import rescheduled
from scheduler_service.domain.plans import Plan, Recipient, TenantDefaults, next_plan, plan_occasion
from scheduler_service.domain.recipients import NO_PREFERENCES, Preferences, QuietHours

KEY = bytes(range(32))
TZDATA = "2026f"
NINE = Time(9)
DEFAULTS = TenantDefaults("acme", "UTC", "en", LeapDayRule.BACKWARD)


def at(text: str) -> Instant:
    """Read an instant such as 2027-03-01T09:00:00Z."""
    return Instant.parse_iso(text)


def occasion(
    date: str = "1990-05-17",
    *,
    occasion_id: str = "birthday",
    leap: LeapDayRule | None = None,
    enrolled: str = "2026-01-01T00:00:00Z",
    on_enrol: OnEnrol = OnEnrol.NEXT,
) -> Occasion:
    """Make a birthday from YYYY-MM-DD or --MM-DD."""
    year, month, day = (None, date[2:4], date[5:7]) if date.startswith("--") else date.split("-")
    return Occasion(
        occasion_id,
        "birthday",
        int(month),
        int(day),
        int(year) if year else None,
        leap,
        at(enrolled),
        on_enrol,
    )


def rule(
    *,
    local_time: Time = NINE,
    day_offset: int = 0,
    deliver_within: timedelta | None = None,
    enrolled: str = "2025-01-01T00:00:00Z",
    timing_version: int = 1,
    state: EventTypeState = EventTypeState.ACTIVE,
    occasion_kind: str = "birthday",
    **more: Any,
) -> EventType:
    """Make the birthday rule: nine o'clock, until the end of the local day; `more` are its newer fields."""
    made = EventType(
        "acme",
        "birthday",
        timing_version,
        timing_version,
        state,
        occasion_kind,
        local_time,
        day_offset,
        deliver_within,
        at(enrolled),
        Priority.NORMAL,
        (),
        (),
    )
    return replace(made, **more)


def date_in(
    cycle: str | int, an_occasion: Occasion, leap: LeapDayRule, what: EventType | None = None
) -> Date | None:
    """Return the nominal date of one cycle; None when there is no such cycle."""
    name = f"{cycle:04d}" if isinstance(cycle, int) else cycle
    turn = next(turns_since(an_occasion, what or rule(), leap, since=first_date_of(name)), None)
    return turn.occurrence_date if turn is not None and turn.cycle == name else None


def person(
    *occasions: Occasion, zone: str = "Europe/Berlin", version: int = 1, **preferences: Any
) -> Recipient:
    """Make a person who lives in `zone`, with these preferences."""
    wants = Preferences(**preferences) if preferences else NO_PREFERENCES
    return Recipient("acme", "ada", version, zone, "en", "Ada", "Lovelace", occasions, {}, wants)


def quiet(start: int, end: int) -> QuietHours:
    """Make quiet hours from whole hours."""
    return QuietHours(Time(start), Time(end))


def plan_id_of(occasion_id: str = "birthday") -> bytes:
    """Return the plan id of Ada's occasion under the birthday rule."""
    return ids.plan_id(KEY, "acme", "ada", "birthday", occasion_id)


@dataclass
class Road:
    """One occasion's plan as the scheduler would keep it: change something, replan; be due, decide."""

    who: Recipient
    what: EventType
    now: Instant
    defaults: TenantDefaults = DEFAULTS
    plan: Plan | None = None

    @classmethod
    def begin(
        cls,
        an_occasion: Occasion,
        *,
        zone: str = "Europe/Berlin",
        what: EventType | None = None,
        defaults: TenantDefaults = DEFAULTS,
        **preferences: Any,
    ) -> "Road":
        """Plan the occasion for the first time, at its enrolment."""
        who = person(an_occasion, zone=zone, **preferences)
        return cls(who, what or rule(), an_occasion.enrol_time, defaults).replan()

    @property
    def row(self) -> Plan:
        """The plan, which must exist."""
        assert self.plan is not None
        return self.plan

    @property
    def due(self) -> Instant:
        """When the open cycle is due; it must be."""
        assert self.row.due_time is not None
        return self.row.due_time

    def replan(self) -> "Road":
        """Do what the planner does after a change."""
        mine = self.who.occasions[0]
        self.plan = plan_occasion(
            self.plan,
            self.who,
            occasion=mine,
            event_type=self.what,
            defaults=self.defaults,
            plan_id=plan_id_of(mine.occasion_id),
            now=self.now,
            tzdata_version=TZDATA,
        )
        return self

    def until(self, text: str) -> "Road":
        """Let the clock show `text`."""
        self.now = at(text)
        return self

    def moves_to(self, zone: str) -> "Road":
        """Give the person another zone and replan."""
        self.who = replace(self.who, time_zone=zone, version=self.who.version + 1)
        return self.replan()

    def wants(self, **preferences: Any) -> "Road":
        """Change what the person wants and replan."""
        changed = replace(self.who.preferences, **preferences)
        self.who = replace(self.who, preferences=changed, version=self.who.version + 1)
        return self.replan()

    def reschedule(self, text: str | None) -> "Road":
        """Choose another instant by hand; None goes back to the rule."""
        self.plan = rescheduled(
            self.row,
            None if text is None else at(text),
            recipient=self.who,
            event_type=self.what,
            defaults=self.defaults,
            now=self.now,
            tzdata_version=TZDATA,
        )
        return self

    def corrects(self, an_occasion: Occasion) -> "Road":
        """Give the person another occasion and replan."""
        self.who = replace(self.who, occasions=(an_occasion,), version=self.who.version + 1)
        return self.replan()

    def has_rule(self, what: EventType) -> "Road":
        """Edit the rule without replanning: the planner comes in the background."""
        self.what = what
        return self

    def decide(self) -> Decision:
        """Decide without committing."""
        return decide(self.row, self.who, self.what, self.defaults, self.now)

    def commit(self, *, sent: bool = True) -> "Road":
        """Move the plan on, as the transaction that decides does."""
        self.plan = next_plan(
            self.row,
            self.who,
            event_type=self.what,
            defaults=self.defaults,
            sent=sent,
            tzdata_version=TZDATA,
        )
        return self


def local(instant: Instant | None, zone: str) -> str:
    """Return the wall time in `zone`, e.g. 2027-05-17T09:00:00+02:00."""
    assert instant is not None
    return instant.to_tz(zone).format_iso().partition("[")[0]


def date(text: str) -> Date:
    """Read YYYY-MM-DD."""
    return Date.parse_iso(text)
