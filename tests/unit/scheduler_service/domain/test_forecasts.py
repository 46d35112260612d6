"""Forecasts: shared answers are the same as those derived alone."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import Instant, Time

from scheduler_service.domain.event_types import EventType, Recurrence, WeekendShift
from scheduler_service.domain.expectations import expected_between
from scheduler_service.domain.forecasts import Cluster, Forecast
from scheduler_service.domain.occasions import OnEnrol
from scheduler_service.domain.recipients import Recipient
from tests.unit.scheduler_service.domain.domain_examples import (
    DEFAULTS,
    KEY,
    at,
    date,
    occasion,
    person,
    quiet,
    rule,
)

HOUR = timedelta(hours=1)


def forecast(start: str, end: str, *, step: timedelta = HOUR) -> Forecast:
    """Return an empty forecast of a window."""
    return Forecast(at(start), at(end), step, KEY)


def counted(window: Forecast, *people: Recipient, rules: tuple[EventType, ...] = ()) -> Forecast:
    """Return the window with these people counted."""
    for one in people:
        window.add(one, rules or (rule(),), defaults=DEFAULTS)
    return window


def in_berlin(n: int, day: str = "--05-17") -> Recipient:
    """Return one of many people with the same day."""
    return replace(person(occasion(day)), user_id=f"u{n}")


def test_totals_steps_types_and_seconds() -> None:
    """Three at nine and one at ten in Berlin: two steps, two rules, a worst second of three."""
    later = replace(rule(local_time=Time(10)), event_type_id="later")
    window = forecast("2027-05-17T00:00:00Z", "2027-05-18T00:00:00Z")
    counted(window, in_berlin(1), in_berlin(2), in_berlin(3))
    counted(window, in_berlin(4), rules=(later,))
    assert window.total == 4
    assert dict(window.steps) == {7: 3, 8: 1}
    assert dict(window.by_event_type) == {"birthday": 3, "later": 1}
    assert max(window.seconds.items(), key=lambda item: item[1]) == (
        at("2027-05-17T07:00:00Z").timestamp(),
        3,
    )


def test_the_window_has_its_begin_and_not_its_end() -> None:
    """Due at 07:00 UTC: in [07:00, ...), not in [..., 07:00)."""
    assert counted(forecast("2027-05-17T07:00:00Z", "2027-05-17T07:00:01Z"), in_berlin(1)).total == 1
    assert counted(forecast("2027-05-17T06:00:00Z", "2027-05-17T07:00:00Z"), in_berlin(1)).total == 0


def test_who_wants_nothing_is_not_counted() -> None:
    """Opted out, switched off altogether, switched off for the occasion."""
    mine = occasion("--05-17")
    unwanted = [
        person(mine, opted_out=frozenset({"birthday"})),
        replace(person(mine), care_switches=frozenset({""})),
        replace(person(mine), care_switches=frozenset({"birthday"})),
        person(replace(mine, kind="wedding")),
    ]
    assert counted(forecast("2027-01-01T00:00:00Z", "2028-01-01T00:00:00Z"), *unwanted).total == 0


def test_clusters_are_dates_that_look_like_a_forms_default() -> None:
    """Thirty of 395 on 1 January stand out, the largest first; nineteen are too few to say so."""
    window = forecast("2027-01-01T00:00:00Z", "2027-01-02T00:00:00Z")
    days = [f"--{1 + n // 28 % 12:02d}-{1 + n % 28:02d}" for n in range(336)]
    crowd = [*["--01-01"] * 29, *["--07-01"] * 20, *["--03-03"] * 18]
    counted(window, *(in_berlin(n, day) for n, day in enumerate([*days, *crowd])))
    found = window.clusters()
    assert [c[:4] for c in found] == [("birthday", 1, 1, 30), ("birthday", 7, 1, 21)]
    assert found[0] == Cluster("birthday", 1, 1, 30, pytest.approx(30 / (403 / 365.25)))


def test_an_enrolment_near_the_window_counts_for_itself() -> None:
    """Of two with the same day, the one who came after the hour waits for the next year, or leaves at once."""
    window = forecast("2027-05-17T00:00:00Z", "2027-05-18T00:00:00Z")
    late = occasion("--05-17", enrolled="2027-05-17T12:00:00Z")
    same_day = replace(late, on_enrol=OnEnrol.SAME_DAY)
    counted(window, in_berlin(1), replace(person(late), user_id="u2"))
    counted(window, replace(person(same_day), user_id="u3"))
    assert sorted(window.seconds) == [
        at("2027-05-17T07:00:00Z").timestamp(),
        at("2027-05-17T12:00:00Z").timestamp(),
    ]


_PEOPLE = st.builds(
    lambda n, year, month, day, zone, enrolled, on_enrol, rest, own: replace(
        person(
            replace(
                occasion(f"{year or '-'}-{month:02d}-{day:02d}" if year else f"--{month:02d}-{day:02d}"),
                enrol_time=enrolled,
                on_enrol=on_enrol,
            ),
            zone=zone,
            **({"quiet_hours": quiet(*rest)} if rest else {}),
            **({"local_times": {"birthday": Time(own)}} if own is not None else {}),
        ),
        user_id=f"u{n}",
    ),
    st.integers(0, 999),
    st.sampled_from([0, 1980, 1984, 2026, 2027]),
    st.just(2),
    st.integers(26, 28),
    st.sampled_from(["Europe/Berlin", "Pacific/Kiritimati", "America/New_York"]),
    st.sampled_from([at("2020-01-01T00:00:00Z"), at("2027-02-27T08:00:00Z"), at("2027-02-28T09:30:00Z")]),
    st.sampled_from(OnEnrol),
    st.sampled_from([None, (8, 10), (22, 12)]),
    st.sampled_from([None, 0, 23]),
)
_RULES = st.builds(
    lambda recurrence, offset, spread, shift: rule(
        recurrence=recurrence,
        rrule="FREQ=DAILY;INTERVAL=2" if recurrence is Recurrence.RRULE else "",
        day_offset=offset,
        spread=spread,
        weekend_shift=shift,
    ),
    st.sampled_from([Recurrence.YEARLY, Recurrence.MONTHLY, Recurrence.RRULE, Recurrence.ONCE]),
    st.sampled_from([0, -1, 366]),
    st.sampled_from([timedelta(0), timedelta(hours=6)]),
    st.sampled_from(WeekendShift),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(_PEOPLE, min_size=1, max_size=6), _RULES)
def test_shared_answers_are_those_derived_alone(people: list[Recipient], what: EventType) -> None:
    """For any mixture of people the counts are those of each person's own expectations."""
    window = counted(forecast("2027-02-27T00:00:00Z", "2027-03-02T00:00:00Z"), *people, rules=(what,))
    alone: list[Instant] = []
    for one in people:
        found = expected_between(
            one, (what,), defaults=DEFAULTS, start=date("2026-12-01"), end=date("2027-05-01"), key=KEY
        )
        alone += [each.due_time for each in found if window.start <= each.due_time < window.end]
    assert window.total == len(alone)
    assert sorted(window.seconds.elements()) == sorted(int(time.timestamp()) for time in alone)
