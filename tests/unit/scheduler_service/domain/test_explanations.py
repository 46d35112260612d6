"""Explanations: why at this moment, why not, and why not before; the sentence says what the fields say."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from whenever import Time

from scheduler_service.domain.decisions import Reason
from scheduler_service.domain.event_types import EventType, EventTypeState, Recurrence, WeekendShift
from scheduler_service.domain.explanations import Explanation, WhyNot, explain
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule, OnEnrol
from scheduler_service.domain.plans import Plan, Request
from scheduler_service.domain.recipients import Recipient, ZoneMode
from scheduler_service.domain.requests import new_request_plan
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    TZDATA,
    Road,
    at,
    date,
    occasion,
    person,
    plan_id_of,
    quiet,
    rule,
)

OMIT = LeapDayRule.OMIT


def explained(road: Road, plan: Plan | None = None, on: str | None = None) -> Explanation:
    """Explain the road's plan, or the turn on or after a date."""
    return explain(
        plan or road.plan,
        road.who,
        road.what,
        road.who.occasions[0] if road.who.occasions else None,
        defaults=road.defaults,
        now=road.now,
        plan_id=plan_id_of(),
        tzdata_version=TZDATA,
        on_or_after=None if on is None else date(on),
    )


def begin(born: str = "1990-05-17", what: EventType | None = None, **more: Any) -> Road:
    return Road.begin(occasion(born), what=what, **more)


def test_open_turn_is_explained_as_it_is_planned() -> None:
    """All fields are those of the plan, and the sentence names moment, zone and deadline."""
    road = begin()
    found, row = explained(road), road.row
    assert (found.cycle, found.occurrence_date, found.reason) == (row.cycle, row.occurrence_date, None)
    assert (found.nominal_due_time, found.due_time) == (row.nominal_due_time, row.due_time)
    assert (found.deliver_by, found.time_zone) == (row.deliver_by, row.time_zone)
    assert (found.utc_offset_seconds, found.tzdata_version) == (7200, TZDATA)
    assert found.rule == "yearly, on the birthday, at 09:00"
    assert found.sentence == (
        'Cycle 2026 of "birthday" (yearly, on the birthday, at 09:00) is due at 2026-05-17 09:00 in '
        "Europe/Berlin (2026-05-17T07:00:00Z) and can be delivered until 2026-05-17T22:00:00Z."
    )


def test_every_step_has_its_before_and_after() -> None:
    """Leap day, offset, weekend, gap, slot and rest, in the order in which they happen."""
    what = rule(
        local_time=Time(2, 30),
        day_offset=1,
        weekend_shift=WeekendShift.BEFORE,
        spread=timedelta(hours=1),
        deliver_within=timedelta(days=1),
    )
    # 29 February 2027 is kept on Sunday the 28th; a day later is Monday, which is off: Friday the 26th.
    road = begin("1996-02-29", what, quiet_hours=quiet(2, 5)).until("2027-01-01T00:00:00Z")
    road.defaults = replace(DEFAULTS, holidays=frozenset({date("2027-03-01")}))
    found = explained(road, on="2027-01-01")
    steps = [(step.shift, step.before, step.after) for step in found.steps]
    slot = found.steps[3].after
    assert steps == [
        (Shift.LEAP_DAY, "2027-02-29", "2027-02-28"),
        (None, "2027-02-28", "2027-03-01"),
        (Shift.WEEKEND, "2027-03-01", "2027-02-26"),
        (Shift.SPREAD, "2027-02-26 02:30", slot),
        (Shift.QUIET_HOURS, slot, "2027-02-26 05:00"),
    ]
    assert "2027-02-29 does not exist, BACKWARD: 2027-02-28." in found.sentence
    assert found.preferences == ("quiet hours 02:00 to 05:00",)


@pytest.mark.parametrize(
    ("born", "zone", "at_time", "shift", "text"),
    [
        (
            "--03-28",
            "Europe/Berlin",
            Time(2, 30),
            Shift.GAP,
            "2027-03-28 02:30 does not exist in Europe/Berlin: 2027-03-28 03:30",
        ),
        (
            "--10-31",
            "Europe/Berlin",
            Time(2, 30),
            Shift.FOLD,
            "2027-10-31 02:30 comes twice in Europe/Berlin",
        ),
    ],
)
def test_clocks_that_change_are_explained(
    born: str, zone: str, at_time: Time, shift: Shift, text: str
) -> None:
    """What does not exist and what comes twice is said with date, time and zone."""
    found = explained(begin(born, rule(local_time=at_time), zone=zone), on="2027-01-01")
    [step] = found.steps
    assert (step.shift, text in step.text) == (shift, True)


def test_skipped_date_is_explained() -> None:
    """Apia had no 30 December 2011."""
    born = occasion("--12-30", enrolled="2011-01-01T00:00:00Z")
    road = Road.begin(born, zone="Pacific/Apia", what=rule(enrolled="2011-01-01T00:00:00Z"))
    [step] = explained(road).steps
    assert step.text == "2011-12-30 does not exist in Pacific/Apia: 2011-12-31 09:00"


def test_forward_leap_day_names_the_day_that_is_missing() -> None:
    """Kept on 1 March, because of 29 February; on 1 December because of 31 November."""
    born = occasion("1996-02-29", leap=LeapDayRule.FORWARD, enrolled="2027-01-01T00:00:00Z")
    assert explained(Road.begin(born)).steps[0].before == "2027-02-29"
    monthly = Road.begin(
        occasion("--01-31", leap=LeapDayRule.FORWARD, enrolled="2027-11-01T00:00:00Z"),
        what=rule(recurrence=Recurrence.MONTHLY, day_offset=-2),
    )
    first, second = explained(monthly).steps
    assert (first.before, first.after) == ("2027-11-31", "2027-12-01")
    assert second.text == "2 days before 2027-12-01: 2027-11-29"


def test_enrolled_after_the_hour_under_same_day_is_a_step() -> None:
    """Nine became noon, because of the enrolment."""
    road = Road.begin(occasion(enrolled="2026-05-17T10:00:30Z", on_enrol=OnEnrol.SAME_DAY))
    [step] = explained(road).steps
    assert (step.shift, step.before, step.after) == (None, "2026-05-17 09:00", "2026-05-17 12:00:30")


def test_override_is_a_step() -> None:
    """Nine became the evening, chosen by hand."""
    found = explained(begin().reschedule("2026-05-18T18:00:00Z"))
    assert found.due_time == at("2026-05-18T18:00:00Z")
    assert found.steps[-1].text == "2026-05-17 09:00 becomes 2026-05-18 20:00: chosen by hand"


def test_leap_day_omitted_is_said_with_its_year() -> None:
    """Asked in 2026, the turn is that of 2028; the years between are named."""
    found = explained(Road.begin(occasion("1996-02-29", leap=OMIT)))
    assert found.cycle == "2028"
    assert [(passed.cycle, passed.why) for passed in found.passed_over] == [
        ("2026", WhyNot.LEAP_DAY_OMITTED),
        ("2027", WhyNot.LEAP_DAY_OMITTED),
    ]
    assert "29 February with OMIT has no cycle in 2027." in found.sentence


def test_month_omitted_is_said() -> None:
    """Day 31 of a monthly rule with OMIT has no cycle in June."""
    road = Road.begin(
        occasion("--01-31", leap=OMIT, enrolled="2026-06-01T00:00:00Z"),
        what=rule(recurrence=Recurrence.MONTHLY),
    )
    found = explained(road)
    assert found.cycle == "2026-07"
    assert [passed.text for passed in found.passed_over] == ["day 31 with OMIT has no cycle in 2026-06"]


def test_zeroth_anniversary_is_said() -> None:
    """Somebody born this year has the first birthday next year."""
    found = explained(begin("2026-05-17"))
    assert (found.cycle, found.passed_over[0].why) == ("2027", WhyNot.ZEROTH)
    assert "2026 is not after the occasion itself." in found.sentence


def test_no_more_than_twelve_cycles_are_listed_as_passed_over() -> None:
    """Somebody who will be born in 2050 has the first birthday in 2051; twelve years without are enough to say so."""
    found = explained(begin("2050-05-17"), on="2026-01-01")
    assert found.cycle == "2051"
    assert [passed.cycle for passed in found.passed_over] == [f"{year}" for year in range(2026, 2038)]


def test_enrolled_after_the_hour_with_next_is_said() -> None:
    """Asked about this year's turn, the answer is that it was due before the enrolment."""
    road = Road.begin(occasion(enrolled="2026-05-17T10:00:00Z"))
    found = explained(road, on="2026-05-17")
    assert (found.cycle, found.reason) == ("2026", WhyNot.ENROLLED_AFTER)
    assert "but it was due before the person or the rule was enrolled." in found.sentence
    assert explained(road).cycle == "2027"


def test_turn_that_was_decided_comes_once() -> None:
    """Asked about the turn that was sent, and about the one after the next."""
    road = begin()
    road.now = road.due
    road.commit()
    assert explained(road, on="2026-05-01").reason is WhyNot.ALREADY_DECIDED
    later = explained(road, on="2030-01-01")
    assert (later.cycle, later.reason, later.due_time) == ("2030", None, at("2030-05-17T07:00:00Z"))


def change(road: Road, **more: Any) -> Recipient:
    road.who = replace(road.who, **more)
    return road.who


@pytest.mark.parametrize(
    ("state", "reason"),
    [(EventTypeState.PAUSED, Reason.PAUSED), (EventTypeState.DELETED, Reason.EVENT_TYPE_DELETED)],
)
def test_rule_that_plans_nothing_says_when_it_would_have(state: EventTypeState, reason: Reason) -> None:
    """Paused or deleted: without a plan there is still the turn, and why it does not come."""
    road = begin(what=rule(state=state))
    assert road.row.is_void
    found = explained(road)
    assert (found.cycle, found.reason, found.due_time) == ("2026", reason, at("2026-05-17T07:00:00Z"))


def test_reasons_of_the_decision_are_those_of_the_explanation() -> None:
    """Care switch, opt-out, too close and missed, each as `decide` will say it."""
    road = begin(opted_out=frozenset({"birthday"}))
    assert explained(road).reason is Reason.OPTED_OUT
    assert explained(road).preferences == ("opted out",)
    change(road, care_switches=frozenset({"birthday"}))
    assert explained(road).reason is Reason.CARE_SWITCH
    assert "care switch" in explained(road).sentence
    close = begin()
    close.plan = replace(close.row, last_date=date("2026-03-01"), last_cycle="2025")
    assert explained(close).reason is Reason.TOO_CLOSE
    assert explained(begin().until("2026-05-19T00:00:00Z")).reason is Reason.MISSED


def test_occasion_that_is_gone_has_nothing_due() -> None:
    """No occasion, or one of another kind: nothing due, and why."""
    road = begin()
    road.who = person()
    assert explained(road).reason is Reason.OCCASION_REMOVED
    other = begin(what=rule(occasion_kind="anniversary"))
    assert explained(other).sentence == (
        '"birthday" has nothing due: the person has no such occasion of the rule\'s kind.'
    )


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (rule(recurrence=Recurrence.NONE), WhyNot.BY_REQUEST_ONLY),
        (rule(recurrence=Recurrence.ONCE), WhyNot.NO_YEAR),
        (rule(recurrence=Recurrence.RRULE, rrule="FREQ=DAILY;UNTIL=20200101"), WhyNot.NO_TURN),
    ],
)
def test_rules_without_a_turn(what: EventType, why: WhyNot) -> None:
    """By request only, once without a year, a rule that is over."""
    found = explained(begin("--05-17", what))
    assert (found.reason, found.cycle, found.due_time) == (why, None, None)
    assert found.sentence.startswith('"birthday" has nothing due: ')


def test_frozen_zone_is_explained() -> None:
    """In the last hour the plan stays in Berlin although the phone is in Kathmandu."""
    road = begin(zone_mode=ZoneMode.FOLLOW).until("2026-05-17T06:30:00Z")
    road.wants(current_time_zone="Asia/Kathmandu")
    found = explained(road)
    assert (found.time_zone, found.preferences) == (
        "Europe/Berlin",
        ("follows the person, now in Asia/Kathmandu",),
    )
    road.wants(current_time_zone="")
    assert explained(road).preferences == ("follows the person, now in an unknown zone",)


def test_own_local_time_is_named() -> None:
    """A preference that counts is one of the fields."""
    found = explained(begin(local_times={"birthday": Time(18, 30)}))
    assert found.preferences == ("own local time 18:30",)


def test_rules_in_words() -> None:
    """The rule is said in a few words, with offset and RRULE."""
    assert explained(begin(what=rule(day_offset=-3))).rule == "yearly, 3 days before the birthday, at 09:00"
    weekly = rule(recurrence=Recurrence.RRULE, rrule="FREQ=WEEKLY", day_offset=1)
    assert explained(begin(what=weekly)).rule == "FREQ=WEEKLY, 1 day after the birthday, at 09:00"


def asked(**more: Any) -> Plan:
    at_noon = {"due_time": at("2026-05-10T10:00:00Z")}
    return new_request_plan(
        person(),
        event_type=rule(),
        defaults=DEFAULTS,
        plan_id=plan_id_of(),
        instance="order-17",
        tzdata_version=TZDATA,
        **({"request": Request(at("2026-05-01T00:00:00Z"))} | (more or at_noon)),
    )


def test_request_is_explained_by_itself() -> None:
    """Asked for by a caller, with the steps that a local time takes; over when it is decided."""
    road = begin()
    assert explained(road, asked()).steps == ()
    assert explained(road, asked()).rule == "asked for by a caller"
    night = Request(at("2026-05-01T00:00:00Z"), local_time=Time(2, 30))
    gap = asked(request=night, on=date("2027-03-28"))
    assert [step.text for step in explained(road, gap).steps] == [
        "2027-03-28 02:30 does not exist in Europe/Berlin: 2027-03-28 03:30"
    ]
    moved = replace(gap, due_time=at("2027-03-28T10:00:00Z"), shifts=(Shift.GAP, Shift.OVERRIDE))
    assert explained(road, moved).steps[-1].text.endswith("chosen by hand")
    rested = replace(gap, due_time=at("2027-03-28T10:00:00Z"), shifts=(Shift.GAP, Shift.QUIET_HOURS))
    assert explained(road, rested).steps[-1].text.endswith("the person's quiet hours")
    change(road, care_switches=frozenset({""}))
    assert explained(road, asked()).reason is Reason.CARE_SWITCH
    over = replace(asked(), due_time=None, deliver_by=None)
    assert explained(road, over).reason is WhyNot.ALREADY_DECIDED
