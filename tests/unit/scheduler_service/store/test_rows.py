"""What is written is what is read: plans, ranges, occasions."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st
from whenever import Date, Instant, Time

from scheduler_service.domain.event_types import Priority
from scheduler_service.domain.ids import plan_id, user_part
from scheduler_service.domain.moments import Shift
from scheduler_service.domain.occasions import LeapDayRule, OnEnrol
from scheduler_service.domain.plans import Request
from scheduler_service.domain.recipients import Preferences, QuietHours, Recipient, ZoneMode
from scheduler_service.store.plans import user_range
from scheduler_service.store.rows import (
    PLAN,
    occasions_json,
    plan_from,
    plan_row,
    preferences_json,
    recipient_from,
    request_from,
    request_json,
)
from tests.unit.scheduler_service.rendering.people import RULE, person, plan_of


def test_a_plan_comes_back() -> None:
    """Open or a tombstone, with shifts or without."""
    plan = plan_of(person(), RULE)
    shifted = replace(
        plan, shifts=(Shift.LEAP_DAY,), last_date=Date(2027, 3, 2), last_cycle="2027", moved=True
    )
    closed = replace(
        plan, cycle=None, due_time=None, nominal_due_time=None, deliver_by=None, occurrence_date=None
    )
    for one in (plan, shifted, closed):
        assert plan_from(plan_row(one)) == one
    assert len(PLAN) == len(plan_row(plan))


@given(st.sampled_from([None, *LeapDayRule]), st.sampled_from(OnEnrol), st.none() | st.integers(1, 9999))
def test_a_recipient_comes_back(leap: LeapDayRule | None, on_enrol: OnEnrol, year: int | None) -> None:
    """Occasions survive their JSON, the instant to the microsecond."""
    enrolled = Instant.from_utc(2028, 1, 1, nanosecond=123_456_000)
    occasion = replace(
        person().occasions[0], leap_day_rule=leap, on_enrol=on_enrol, year=year, enrol_time=enrolled
    )
    ada = person(occasions=(occasion,), attributes={"a": [1, {"b": None}]})
    row = (*_columns(ada), occasions_json(ada.occasions), '{"a": [1, {"b": null}]}', "{}", "[]")
    assert recipient_from(row) == ada


def test_preferences_and_care_switches_come_back() -> None:
    """Opt-outs, own times, quiet hours over midnight, the zone somebody is in, and "never again"."""
    wishes = Preferences(
        opted_out=frozenset({"birthday", "newsletter"}),
        local_times={"anniversary": Time(7, 30)},
        quiet_hours=QuietHours(Time(22), Time(7)),
        zone_mode=ZoneMode.FOLLOW,
        current_time_zone="Asia/Tokyo",
        inbox_only=frozenset({"reminder"}),
    )
    ada = person(preferences=wishes, care_switches=frozenset({"", "birthday"}))
    row = (*_columns(ada), occasions_json(ada.occasions), "{}", preferences_json(wishes), '["", "birthday"]')
    assert recipient_from(row) == ada


def test_what_a_caller_asked_for_comes_back() -> None:
    """With everything said, and with nothing but the moment it was asked."""
    asked = Instant.from_utc(2028, 1, 1, 12, nanosecond=5_000)
    whole = Request(
        create_time=asked,
        metadata={"order": "7"},
        priority=Priority.HIGH,
        local_time=Time(9, 30),
        deliver_within=timedelta(hours=2),
        cycle="2027",
        reissue_of="evt_x_2027",
        reason="lost",
        endpoint_id="ep_1",
    )
    for request in (whole, Request(create_time=asked)):
        assert request_from(request_json(request)) == request


def _columns(who: Recipient) -> tuple[object, ...]:
    return who.tenant_id, who.user_id, who.version, who.time_zone, who.locale, who.given_name, who.family_name


@given(st.text(max_size=20), st.text(max_size=20))
def test_all_plans_of_a_person_are_in_their_range(user_id: str, event_type_id: str) -> None:
    """And the range ends where the next person's begins."""
    low, high = user_range(user_part(b"key", "tenant-1", user_id))
    name = plan_id(b"key", "tenant-1", user_id, event_type_id, "birthday")
    assert low <= name < high
    assert name[:8] == low


def test_the_last_range_has_an_end() -> None:
    """The person whose part is all ones is no special case."""
    low, high = user_range(b"\xff" * 8)
    assert low <= b"\xff" * 16 < high
