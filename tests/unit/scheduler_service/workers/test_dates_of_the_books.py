"""When a date is over everywhere, and whose occasions may fall on it."""

import pytest
from whenever import Date, Instant

from scheduler_service.domain.event_types import EventType, Recurrence
from scheduler_service.workers.balances import days_near, is_over
from scheduler_service.workers.ledger import last_over
from tests.unit.scheduler_service.domain.domain_examples import rule

ON = Date(2027, 2, 28)


@pytest.mark.parametrize(
    ("now", "last"),
    [("2027-03-01T13:59:59.999999Z", Date(2027, 2, 27)), ("2027-03-01T14:00:00Z", ON)],
)
def test_a_date_is_over_thirty_eight_hours_after_its_begin(now: str, last: Date) -> None:
    """Two hours after the last zone, twelve behind UTC, has left it."""
    assert last_over(Instant.parse_iso(now)) == last
    assert is_over(ON, Instant.parse_iso(now)) is (last == ON)


@pytest.mark.parametrize(
    ("rules", "days"),
    [
        ((), []),
        ((rule(),), [228, 229]),
        ((rule(day_offset=-3),), [303]),
        ((rule(day_offset=-1), rule(day_offset=1)), [227, 229, 301]),
        ((rule(recurrence=Recurrence.NONE, occasion_kind=""),), [228, 229]),
        ((rule(), rule(recurrence=Recurrence.MONTHLY)), None),
        ((rule(recurrence=Recurrence.RRULE, rrule="FREQ=DAILY"),), None),
    ],
)
def test_whose_occasions_may_fall_on_a_date(rules: tuple[EventType, ...], days: list[int] | None) -> None:
    """By day and month, with the leap day beside its neighbours; anybody's under a rule that turns more often."""
    assert days_near(ON, rules) == days
