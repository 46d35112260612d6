"""Whatever happens to a person and a rule, in whatever order: once per cycle, forward only, in time."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import Date, Instant, Time, TimeDelta

from chassis import zones
from chassis.errors import IllegalTransition
from scheduler_service.domain.decisions import Defer, Expire, Fail, Send, Suppress, decide, min_gap_of
from scheduler_service.domain.event_types import (
    EventType,
    EventTypeState,
    FoldPolicy,
    GapPolicy,
    LatePolicy,
    Recurrence,
    SkippedDatePolicy,
    WeekendShift,
)
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.plans import Plan, tombstone
from scheduler_service.domain.quiet_hours import quiet_until
from scheduler_service.domain.recipients import Preferences, QuietHours, ZoneMode
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    NINE,
    TZDATA,
    Road,
    at,
    occasion,
    person,
    rule,
)

START = at("2026-01-01T00:00:00Z")
# Extremes of the date line, half hours, gaps at midnight and skipped dates come up more often than by chance.
zone_names = st.one_of(
    st.sampled_from(["Pacific/Kiritimati", "Pacific/Niue", "Australia/Lord_Howe", "Africa/Cairo"]),
    st.sampled_from(sorted(zones.names())),
)
month_days = st.dates(Date(2000, 1, 1).to_stdlib(), Date(2000, 12, 31).to_stdlib())
instants = st.integers(0, 5 * 366 * 24 * 60).map(lambda minutes: START + TimeDelta(minutes=minutes))
windows = st.none() | st.integers(1, 30 * 24 * 60).map(lambda minutes: timedelta(minutes=minutes))
local_times = st.just(NINE) | st.times().map(lambda t: Time(t.replace(microsecond=0)))


@st.composite
def occasions(draw: st.DrawFn, enrolled: Instant | None = None) -> Occasion:
    """Draw an occasion, enrolled at a given or any time."""
    day = draw(month_days)
    leap_day = (day.month, day.day) == (2, 29)
    made = occasion(f"--{day:%m-%d}", leap=draw(st.none() | st.sampled_from(LeapDayRule)))
    return replace(
        made,
        year=draw(st.none() | st.sampled_from([1848, 1996, 2024] if leap_day else [1847, 1996, 2026, 2027])),
        enrol_time=enrolled or draw(instants),
        on_enrol=draw(st.sampled_from(OnEnrol)),
    )


# How often a life's rule turns never changes; faster ones live through shorter times.
recurrences = st.sampled_from(
    [
        (Recurrence.YEARLY, "", 500),
        (Recurrence.YEARLY, "", 500),
        (Recurrence.MONTHLY, "", 100),
        (Recurrence.ONCE, "", 500),
        (Recurrence.RRULE, "FREQ=DAILY", 10),
        (Recurrence.RRULE, "FREQ=WEEKLY;INTERVAL=2;BYDAY=MO,TH", 40),
        (Recurrence.RRULE, "FREQ=MONTHLY;BYDAY=-1FR;COUNT=300", 100),
    ]
)


@st.composite
def rules(draw: st.DrawFn, *, timing_version: int = 1, enrolled: Instant = START) -> EventType:
    """Draw a yearly rule's timing."""
    states = [EventTypeState.ACTIVE] * 3 + [EventTypeState.PAUSED, EventTypeState.DELETED]
    window = draw(windows)
    made = rule(
        local_time=draw(local_times),
        day_offset=draw(st.integers(-366, 366) | st.just(0)),
        deliver_within=window,
        timing_version=timing_version,
        state=draw(st.sampled_from(states)),
        gap=draw(st.sampled_from(GapPolicy)),
        fold=draw(st.sampled_from(FoldPolicy)),
        skipped_date=draw(st.sampled_from(SkippedDatePolicy)),
        late=draw(st.sampled_from(LatePolicy)),
        on_enrol=draw(st.none() | st.sampled_from(OnEnrol)),
        weekend_shift=draw(st.sampled_from(WeekendShift)),
        min_gap=draw(st.none() | st.integers(0, 360).map(lambda days: timedelta(days=days))),
        spread=draw(st.sampled_from([timedelta(0), timedelta(minutes=7), timedelta(hours=6)])),
    )
    return replace(made, enrol_time=enrolled)


hours = st.times().map(lambda t: Time(t.replace(microsecond=0)))
preferences = st.builds(
    Preferences,
    opted_out=st.sampled_from([frozenset(), frozenset(), frozenset({"birthday"})]),
    local_times=st.just({}) | hours.map(lambda at: {"birthday": at}),
    quiet_hours=st.none() | st.builds(QuietHours, hours, hours),
    zone_mode=st.sampled_from(ZoneMode),
    current_time_zone=st.just("") | zone_names,
)


class Life:
    """One plan through a life of changes, and everything that was decided."""

    def __init__(self, born: Occasion, what: EventType, days: int) -> None:
        """Begin with the first plan; a wait lasts at most so many days."""
        self.road = Road(person(born), what, START).replan()
        self.days = days
        self.decided: list[str] = []
        self.sent: list[Plan] = []

    def wait(self, data: st.DataObject) -> None:
        """Let time pass; the scheduler comes on time, late, or not at all."""
        end = self.road.now + TimeDelta(hours=data.draw(st.integers(0, self.days * 24)))
        lag = TimeDelta(minutes=data.draw(st.sampled_from([0, 0, 2, 600, 3000])))
        while self.road.plan and self.road.plan.due_time and self.road.plan.due_time + lag <= end:
            self.road.now = max(self.road.now, self.road.plan.due_time + lag)
            self.decide_once()
        self.road.now = max(self.road.now, end)

    def decide_once(self) -> None:
        """Decide and commit, and check what may never happen."""
        decision = self.road.decide()
        self.road.plan = plan = decision.plan
        if isinstance(decision, Defer):
            assert decision.until is None or decision.until > self.road.now
            return
        assert plan.cycle is not None
        assert plan.due_time is not None
        assert plan.deliver_by is not None
        assert not self.decided or plan.cycle > self.decided[-1]
        self.decided.append(plan.cycle)
        if isinstance(decision, Send):
            self.check_sent(plan)
            self.sent.append(plan)
        before = plan.version
        self.road.commit(sent=isinstance(decision, Send))
        assert self.road.row.version > before
        assert self.road.row.last_cycle == plan.cycle
        assert self.road.row.cycle is None or self.road.row.cycle > plan.cycle

    def check_sent(self, plan: Plan) -> None:
        """Check what may never happen to somebody who gets a message."""
        now, wants = self.road.now, self.road.who.preferences
        assert plan.due_time is not None
        assert plan.deliver_by is not None
        assert plan.occurrence_date is not None
        assert plan.due_time <= now < plan.deliver_by
        assert "birthday" not in wants.opted_out
        assert not self.road.who.care_switches
        assert self.road.what.state is EventTypeState.ACTIVE
        if plan.due_override is not None:
            assert plan.due_time == plan.due_override
            return
        if self.sent and self.sent[-1].occurrence_date is not None:
            apart = abs(plan.occurrence_date.since(self.sent[-1].occurrence_date, total="days"))
            assert timedelta(days=apart) >= min_gap_of(self.road.what)
        if wants.quiet_hours is not None:
            assert quiet_until(now, wants.quiet_hours, plan.time_zone) is None
        if self.road.what.late is LatePolicy.EXPIRE:
            assert now - plan.due_time <= TimeDelta(seconds=60)

    def wish(self, data: st.DataObject) -> None:
        """Want something else, or never anything again, or take that back."""
        switches = data.draw(st.sampled_from([frozenset[str]()] * 3 + [frozenset({""})]))
        self.road.who = replace(
            self.road.who,
            preferences=data.draw(preferences),
            care_switches=switches,
            version=self.road.who.version + 1,
        )
        self.replan()

    def reschedule(self, data: st.DataObject) -> None:
        """Choose an instant by hand within ten days of now, or go back to the rule."""
        if self.road.row.cycle is None:
            return
        before, minutes = self.road.row, data.draw(st.none() | st.integers(-14_400, 14_400))
        chosen = None if minutes is None else (self.road.now + TimeDelta(minutes=minutes)).format_iso()
        try:
            after = self.road.reschedule(chosen).row
        except IllegalTransition:
            return
        assert after.cycle == before.cycle
        assert (Shift.OVERRIDE in after.shifts) == (chosen is not None)
        assert after.version == before.version + (after is not before)

    def skip(self, _: st.DataObject) -> None:
        """Skip the open cycle by hand."""
        if self.road.row.cycle is not None:
            self.decided.append(self.road.row.cycle)
            self.road.commit(sent=False)

    def move(self, data: st.DataObject) -> None:
        """Move to another zone."""
        self.road.who = replace(
            self.road.who, time_zone=data.draw(zone_names), version=self.road.who.version + 1
        )
        self.replan()

    def correct(self, data: st.DataObject) -> None:
        """Correct the occasion, as a new enrolment or under the old one."""
        kept = self.road.who.occasions[0].enrol_time
        enrolled = data.draw(st.sampled_from([kept, self.road.now]))
        changed = data.draw(occasions(enrolled))
        self.road.who = replace(self.road.who, occasions=(changed,), version=self.road.who.version + 1)
        self.replan()

    def edit_rule(self, data: st.DataObject) -> None:
        """Edit, pause or resume the rule; the planner may come later."""
        old = self.road.what
        enrolled = data.draw(st.sampled_from([old.enrol_time, self.road.now]))
        drawn = data.draw(rules(timing_version=old.timing_version + 1, enrolled=enrolled))
        self.road.has_rule(replace(drawn, recurrence=old.recurrence, rrule=old.rrule))
        if data.draw(st.booleans()):
            self.replan()

    def delete_and_import(self, data: st.DataObject) -> None:
        """Delete the person and import them again under the same id."""
        assert self.road.plan is not None
        self.road.plan = tombstone(self.road.plan)
        self.correct(data)

    def replan(self) -> None:
        """Plan and check that versions and the last cycle never go back."""
        before = self.road.plan
        after = self.road.replan().row
        assert after.cycle is None or after.last_cycle is None or after.cycle > after.last_cycle
        if before is not None:
            assert after.version == before.version + (after is not before)
            assert after.last_cycle == before.last_cycle


CHANGES: list[Callable[[Life, st.DataObject], None]] = [
    Life.wait,
    Life.move,
    Life.correct,
    Life.edit_rule,
    Life.delete_and_import,
    Life.wish,
    Life.reschedule,
    Life.skip,
]


@settings(max_examples=300, deadline=None)
@given(occasions(START), rules(), recurrences, st.lists(st.sampled_from(CHANGES), max_size=14), st.data())
def test_cycles_only_move_forward_and_none_is_decided_twice(
    born: Occasion,
    what: EventType,
    turning: tuple[Recurrence, str, int],
    changes: list[Callable[[Life, st.DataObject], None]],
    data: st.DataObject,
) -> None:
    """Through moves, edits, wishes, overrides, pauses, deletions and outages a cycle is decided once, in order."""
    recurrence, rrule, days = turning
    life = Life(born, replace(what, recurrence=recurrence, rrule=rrule), days)
    for change in changes:
        change(life, data)
        Life.wait(life, data)
    assert len(set(life.decided)) == len(life.decided)
    assert life.decided == sorted(life.decided)


@st.composite
def plans(draw: st.DrawFn) -> tuple[Road, EventType]:
    """Draw a planned or torn plan, its person, and a rule that may have changed since."""
    who = replace(person(draw(occasions()), zone=draw(zone_names)), preferences=draw(preferences))
    road = Road(who, draw(rules()), draw(instants)).replan()
    road.plan = replace(
        road.row,
        moved=draw(st.booleans()),
        last_date=draw(st.none() | st.just(Date(2026, 5, 17))),
        deliver_by=draw(st.just(road.row.deliver_by) | instants),
        due_time=draw(st.just(road.row.due_time) | instants),
    )
    return road, draw(rules(timing_version=draw(st.integers(0, 2)), enrolled=draw(instants)))


@settings(max_examples=300, deadline=None)
@given(plans(), st.booleans(), instants)
def test_decide_is_total_and_never_sends_outside_the_window(
    planned: tuple[Road, EventType], deleted: bool, now: Instant
) -> None:
    """For any plan, person, rule and time there is an answer, and Send only from due to before deliver_by."""
    road, what = planned
    decision = decide(road.row, None if deleted else road.who, what, DEFAULTS, now)
    plan = decision.plan
    if isinstance(decision, Send):
        assert plan.due_time is not None
        assert plan.due_time <= now
        assert plan.deliver_by is None or now < plan.deliver_by
    elif isinstance(decision, Defer):
        assert decision.until == plan.due_time
        assert decision.until is None or now < decision.until
    else:
        assert isinstance(decision, Suppress | Expire)
        assert not isinstance(decision, Fail)
    assert plan.tzdata_version == TZDATA
