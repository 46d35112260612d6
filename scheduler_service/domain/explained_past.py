"""Explanations of what was decided: from what the event has kept, not from what is known today."""

from dataclasses import dataclass

from whenever import Date, Instant

from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.explained_steps import Step, wall
from scheduler_service.domain.explained_words import REASONS, rule_in_words
from scheduler_service.domain.moments import Shift


@dataclass(frozen=True, slots=True)
class Past:
    """An ended event as it is stored; `rule` is the event type in the version of the decision, if it is known."""

    event_type_id: str
    cycle: str
    state: str
    reason: Reason | None
    occurrence_date: Date
    time_zone: str
    nominal_due_time: Instant
    due_time: Instant
    decide_time: Instant
    late: bool
    shifts: tuple[Shift, ...]
    rule: EventType | None
    by_caller: bool


_SHIFTS = {
    Shift.LEAP_DAY: "the year or the month lacks the day, and the leap day rule moved it",
    Shift.WEEKEND: "it was no working day, and the rule moved it to the nearest one",
    Shift.GAP: "the local time did not exist on that date",
    Shift.FOLD: "the local time came twice on that date, and the rule says which was meant",
    Shift.SKIPPED_DATE: "the date did not exist in that zone",
    Shift.SPREAD: "later by the person's own moment within the spread",
    Shift.QUIET_HOURS: "deferred to the end of the person's quiet hours",
    Shift.OVERRIDE: "at the instant that somebody chose by hand",
}


def steps_of_past(past: Past) -> tuple[Step, ...]:
    """Return what departed from the rule's words, in order."""
    nominal, due = wall(past.nominal_due_time, past.time_zone), wall(past.due_time, past.time_zone)
    later = (Shift.SPREAD, Shift.QUIET_HOURS, Shift.OVERRIDE)
    return tuple(
        Step(shift, nominal, due, f"{_SHIFTS[shift]}: {due}")
        if shift in later
        else Step(shift, str(past.occurrence_date), nominal, f"{_SHIFTS[shift]}: {nominal}")
        for shift in past.shifts
    )


def sentence_of_past(past: Past) -> str:
    """Return in one or two sentences how it ended, and why then."""
    rule = "made by a caller" if past.by_caller else rule_in_words(past.rule) if past.rule else ""
    what = f'Cycle {past.cycle} of "{past.event_type_id}"' + (f" ({rule})" if rule else "")
    due = f"{wall(past.due_time, past.time_zone)} in {past.time_zone} ({past.due_time})"
    if past.state == "SENT":
        said = f"{what} was due at {due} and was sent"
        said += f" late, at {past.decide_time}." if past.late else "."
    else:
        why = "" if past.reason is None else f": {REASONS[past.reason]}"
        said = f"{what} was due at {due} and ended as {past.state}{why}."
    more = [step.text for step in steps_of_past(past)]
    return " ".join([said, *(f"{text[0].upper()}{text[1:]}." for text in more)])
