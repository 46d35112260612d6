"""What was decided is explained from what the event has kept."""

import pytest
from whenever import Instant

from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.explained_past import Past, sentence_of_past, steps_of_past
from scheduler_service.domain.moments import Shift
from tests.unit.scheduler_service.domain.domain_examples import at, date, rule

DUE = at("2027-05-17T07:00:00Z")


def past(
    state: str = "SENT",
    reason: Reason | None = None,
    *shifts: Shift,
    due: Instant = DUE,
    known: bool = True,
    by_caller: bool = False,
    late: bool = False,
) -> Past:
    """Return an event of Ada's that has ended."""
    return Past(
        event_type_id="birthday",
        cycle="2027",
        state=state,
        reason=reason,
        occurrence_date=date("2027-05-17"),
        time_zone="Europe/Berlin",
        nominal_due_time=DUE,
        due_time=due,
        decide_time=at("2027-05-17T08:30:00Z"),
        late=late,
        shifts=shifts,
        rule=rule() if known else None,
        by_caller=by_caller,
    )


def test_sent_on_time() -> None:
    """Cycle, rule, wall time, zone and instant in one sentence."""
    assert sentence_of_past(past()) == (
        'Cycle 2027 of "birthday" (yearly, on the birthday, at 09:00) was due at 2027-05-17 09:00 in'
        " Europe/Berlin (2027-05-17T07:00:00Z) and was sent."
    )


def test_sent_late() -> None:
    """It says when."""
    assert sentence_of_past(past(late=True)).endswith("and was sent late, at 2027-05-17T08:30:00Z.")


def test_a_rule_nobody_knows_any_more_and_a_callers_own() -> None:
    """The first is left out, the second says who asked."""
    assert sentence_of_past(past(known=False)).startswith('Cycle 2027 of "birthday" was due')
    assert '"birthday" (made by a caller) was due' in sentence_of_past(past(by_caller=True))


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_has_words(reason: Reason) -> None:
    """The state and why."""
    said = sentence_of_past(past("SUPPRESSED", reason))
    assert "and ended as SUPPRESSED: " in said
    assert said.endswith(".")


def test_ended_without_a_reason() -> None:
    """Then there is none."""
    assert sentence_of_past(past("CANCELLED")).endswith("and ended as CANCELLED.")


def test_every_shift_is_a_step_in_order() -> None:
    """Dates and the clock first, from the date to the nominal hour; then what deferred it."""
    found = steps_of_past(past("SENT", None, *Shift, due=at("2027-05-17T09:15:00Z")))
    assert [step.shift for step in found] == list(Shift)
    by_shift = {step.shift: step for step in found}
    assert (by_shift[Shift.GAP].before, by_shift[Shift.GAP].after) == ("2027-05-17", "2027-05-17 09:00")
    quiet_hours = by_shift[Shift.QUIET_HOURS]
    assert (quiet_hours.before, quiet_hours.after) == ("2027-05-17 09:00", "2027-05-17 11:15")
    said = sentence_of_past(past("SENT", None, Shift.QUIET_HOURS, due=at("2027-05-17T09:15:00Z")))
    assert said.endswith("Deferred to the end of the person's quiet hours: 2027-05-17 11:15.")
