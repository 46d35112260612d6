"""The steps of an explanation: from the nominal date of a turn to the moment it leaves, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass

from whenever import Date, Instant

from scheduler_service.domain.cycles import Turn
from scheduler_service.domain.event_types import WeekendShift
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule
from scheduler_service.domain.plan_records import Plan
from scheduler_service.domain.timings import Rule, Timing
from scheduler_service.domain.working_days import working_day


@dataclass(frozen=True, slots=True)
class Step:
    """One departure: `before` and `after` are local dates or wall times; `shift` None is the rule itself."""

    shift: Shift | None
    before: str
    after: str
    text: str


def wall(time: Instant, zone: str) -> str:
    """Return what the wall shows in `zone`, e.g. `2027-03-28 03:30`; seconds only where there are any."""
    there = time.to_tz(zone).to_plain()
    text = there.format_iso().replace("T", " ")
    return text.removesuffix(":00") if len(text) == len("2027-03-28 03:30:00") else text


def steps_of(turn: Turn, timing: Timing, rule: Rule) -> tuple[Step, ...]:
    """Return how this turn came to its due time, in the order of the pipeline."""
    return (*_dates(turn, rule), *_moments(turn, timing, rule))


def steps_of_request(plan: Plan) -> tuple[Step, ...]:
    """Return how what a caller asked for, and is still open, came to its due time."""
    request, zone = plan.request, plan.time_zone
    assert request is not None
    assert plan.due_time is not None
    assert plan.nominal_due_time is not None
    found: list[Step] = []
    before = wall(plan.nominal_due_time, zone)
    if request.local_time is not None:
        wanted = f"{plan.occurrence_date} {_hours(f'{request.local_time}')}"
        found += [_clock(shift, wanted, before, zone) for shift in plan.shifts if shift in _CLOCK]
    if plan.due_time != plan.nominal_due_time:
        found.append(_later(_last(plan.shifts), before, wall(plan.due_time, zone)))
    return tuple(found)


def _dates(turn: Turn, rule: Rule) -> Iterator[Step]:
    event_type, offset = rule.event_type, rule.event_type.day_offset
    kept = turn.occurrence_date.subtract(days=offset)
    if turn.is_leap_shifted:
        # FORWARD keeps the day on the 1st of the month after; the month that lacks it is the one before.
        month = kept.subtract(days=1) if rule.leap_day_rule is LeapDayRule.FORWARD else kept
        before = f"{month.year:04d}-{month.month:02d}-{rule.occasion.day:02d}"
        text = f"{before} does not exist, {rule.leap_day_rule}: {kept}"
        yield Step(Shift.LEAP_DAY, before, f"{kept}", text)
    if offset:
        days = f"{abs(offset)} day{'s' if abs(offset) > 1 else ''} {'after' if offset > 0 else 'before'}"
        yield Step(None, f"{kept}", f"{turn.occurrence_date}", f"{days} {kept}: {turn.occurrence_date}")
    day = _working_day(turn, rule)
    if day != turn.occurrence_date:
        before = f"{turn.occurrence_date}"
        text = f"{before} is no working day, {event_type.weekend_shift}: {day}"
        yield Step(Shift.WEEKEND, before, f"{day}", text)


def _moments(turn: Turn, timing: Timing, rule: Rule) -> Iterator[Step]:
    zone = rule.zone
    wanted = f"{_working_day(turn, rule)} {_hours(f'{rule.local_time}')}"
    reached = wall(timing.nominal_due_time, zone)
    for shift in timing.shifts:
        if shift in _CLOCK:
            yield _clock(shift, wanted, reached, zone)
    due = timing.nominal_due_time
    if Shift.OVERRIDE in timing.shifts:
        yield _later(Shift.OVERRIDE, reached, wall(timing.due_time, zone))
        return
    if Shift.SPREAD in timing.shifts and rule.slot is not None:
        yield _later(Shift.SPREAD, reached, wall(due + rule.slot, zone))
        due += rule.slot
    if timing.due_time == due:
        return
    if due < rule.enrol_time <= timing.due_time:
        yield _later(None, wall(due, zone), wall(rule.enrol_time, zone))
        due = rule.enrol_time
    if Shift.QUIET_HOURS in timing.shifts:
        yield _later(Shift.QUIET_HOURS, wall(due, zone), wall(timing.due_time, zone))


def _working_day(turn: Turn, rule: Rule) -> Date:
    if rule.event_type.weekend_shift is WeekendShift.NONE:
        return turn.occurrence_date
    return working_day(turn.occurrence_date, rule.event_type.weekend_shift, holidays=rule.holidays)


def _clock(shift: Shift, wanted: str, reached: str, zone: str) -> Step:
    why = {
        Shift.GAP: f"{wanted} does not exist in {zone}: {reached}",
        Shift.FOLD: f"{wanted} comes twice in {zone}: one of the two was taken",
        Shift.SKIPPED_DATE: f"{wanted[:10]} does not exist in {zone}: {reached}",
    }
    return Step(shift, wanted, reached, why[shift])


def _later(shift: Shift | None, before: str, after: str) -> Step:
    why = {
        None: "enrolled on the day, after the hour",
        Shift.SPREAD: "the person's own moment within the spread",
        Shift.QUIET_HOURS: "the person's quiet hours",
        Shift.OVERRIDE: "chosen by hand",
    }
    return Step(shift, before, after, f"{before} becomes {after}: {why[shift]}")


def _last(shifts: tuple[Shift, ...]) -> Shift:
    return Shift.OVERRIDE if Shift.OVERRIDE in shifts else Shift.QUIET_HOURS


def _hours(text: str) -> str:
    return text.removesuffix(":00") if text.count(":") == 2 else text


_CLOCK = (Shift.GAP, Shift.FOLD, Shift.SKIPPED_DATE)
