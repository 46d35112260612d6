"""What an event type's timing may be."""

from datetime import timedelta
from typing import Any

import pytest
from whenever import Time

from chassis.errors import InvalidInput
from scheduler_service.domain.event_types import Recurrence, check_timing

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def check(**more: Any) -> None:
    check_timing(**({"local_time": Time(9), "day_offset": 0, "deliver_within": None} | more))


@pytest.mark.parametrize(
    "more",
    [
        {"spread": 6 * HOUR},
        {"spread": HOUR, "deliver_within": HOUR + timedelta(milliseconds=1)},
        {"min_gap": timedelta(0)},
        {"min_gap": 360 * DAY},
        {"recurrence": Recurrence.RRULE, "rrule": "FREQ=DAILY", "occasion_kind": "birthday"},
        {"recurrence": Recurrence.NONE, "occasion_kind": ""},
        {"recurrence": Recurrence.MONTHLY, "occasion_kind": "rent"},
    ],
)
def test_rules_that_are_accepted(more: dict[str, Any]) -> None:
    """The borders are within."""
    check(**more)


@pytest.mark.parametrize(
    ("more", "field", "why"),
    [
        ({"spread": 6 * HOUR + timedelta(milliseconds=1)}, "spread", "is not a spread"),
        ({"spread": -HOUR}, "spread", "-3600 seconds is not a spread"),
        ({"spread": timedelta(microseconds=1)}, "spread", "is not a spread"),
        ({"spread": HOUR, "deliver_within": HOUR}, "spread", "shorter than deliver_within, 3600s"),
        ({"min_gap": 361 * DAY}, "min_gap", "is not a min gap"),
        ({"min_gap": -DAY}, "min_gap", "is not a min gap"),
        ({"min_gap": HOUR}, "min_gap", "0 to 360 whole days"),
        ({"rrule": "FREQ=DAILY"}, "rrule", "a rule that is YEARLY has none"),
        ({"recurrence": Recurrence.RRULE}, "rrule", "is not allowed"),
        ({"recurrence": Recurrence.RRULE, "rrule": "FREQ=HOURLY"}, "rrule", "not a frequency"),
        ({"occasion_kind": ""}, "occasion_kind", "a rule that is YEARLY needs a kind of occasion"),
        ({"recurrence": Recurrence.NONE, "occasion_kind": "birthday"}, "occasion_kind", "allowed: empty"),
    ],
)
def test_rules_that_are_refused(more: dict[str, Any], field: str, why: str) -> None:
    """Each with its field, what was wrong and what is allowed."""
    with pytest.raises(InvalidInput) as refused:
        check(**more)
    [violation] = refused.value.violations
    assert violation.field == field
    assert why in violation.sentence()
