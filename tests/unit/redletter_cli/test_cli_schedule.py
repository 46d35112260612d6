"""`redletter explain`, `preview` and `forecast`: why, what next, and how many."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import (
    event_pb2,
    event_type_pb2,
    event_type_service_pb2,
    schedule_service_pb2,
)

from redletter_cli.render.forecast import bars
from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

MARCH = 1804118400  # 2027-03-04T00:00:00Z


def test_explain_prints_the_sentence_then_the_steps(services: StandIn, redletter: Run) -> None:
    """The sentence is the first line, the steps follow in order with what moved them, then preferences."""
    explanation = schedule_service_pb2.Explanation(
        sentence="It leaves at 03:30.", event_id="evt_1", time_zone="Europe/Berlin", preferences=["none"]
    )
    explanation.steps.add(text="the rule says 02:30")
    explanation.steps.add(shift=event_pb2.SHIFT_GAP, text="02:30 does not exist: 03:30")
    services.answers["ExplainSchedule"] = schedule_service_pb2.ExplainScheduleResponse(
        explanation=explanation
    )
    code, out, _ = redletter("explain", "evt_1")
    assert code == 0
    assert out.splitlines()[:5] == [
        "It leaves at 03:30.",
        "  1. the rule says 02:30",
        "  2. 02:30 does not exist: 03:30 (gap)",
        "  preference: none",
        "",
    ]
    assert "Europe/Berlin" in out
    assert services.named("ExplainSchedule") == [
        schedule_service_pb2.ExplainScheduleRequest(event_id="evt_1")
    ]
    assert json.loads(redletter("explain", "evt_1", "-o", "json")[1])["steps"][1]["shift"] == "GAP"


def test_explain_a_turn(services: StandIn, redletter: Run) -> None:
    """Person, rule, occasion and date name a turn without an event."""
    arguments = ("--user", "ada", "--type", "birthday", "--occasion", "second", "--from", "2027-03-04")
    assert redletter("explain", *arguments)[0] == 0
    assert services.named("ExplainSchedule") == [
        schedule_service_pb2.ExplainScheduleRequest(
            user_id="ada",
            event_type_id="birthday",
            occasion_id="second",
            on_or_after=Date(year=2027, month=3, day=4),
        )
    ]


def test_preview_lists_the_next_events(services: StandIn, redletter: Run) -> None:
    """User, rule and count are in the request; each event is a line."""
    services.answers["PreviewSchedule"] = schedule_service_pb2.PreviewScheduleResponse(
        events=[event_pb2.Event(event_id="evt_1", due_time=Timestamp(seconds=MARCH))]
    )
    code, out, _ = redletter("preview", "ada", "--type", "birthday", "--count", "3")
    assert code == 0
    assert out.splitlines()[1].split() == ["2027-03-04T00:00:00Z", "evt_1"]
    assert services.named("PreviewSchedule") == [
        schedule_service_pb2.PreviewScheduleRequest(user_id="ada", event_type_id="birthday", count=3)
    ]


def forecast() -> schedule_service_pb2.ForecastScheduleResponse:
    """Return a forecast with two steps, a peak and a cluster."""
    answer = schedule_service_pb2.ForecastScheduleResponse(
        total=1240, peak_time=Timestamp(seconds=MARCH + 3600), peak_per_second=900
    )
    answer.buckets.add(start_time=Timestamp(seconds=MARCH), count=240)
    answer.buckets.add(start_time=Timestamp(seconds=MARCH + 3600), count=1000)
    answer.by_event_type.add(event_type_id="birthday", count=1240)
    answer.clusters.add(occasion_kind="birthday", month=1, day=1, count=900, times_average=12.34)
    return answer


def test_forecast_shows_peak_bars_and_clusters(services: StandIn, redletter: Run) -> None:
    """The sentence, the table by rule, a bar for each step and a warning for a date that looks invented."""
    services.answers["ForecastSchedule"] = forecast()
    code, out, _ = redletter("forecast", "--to", "2027-03-05", "--from", "2027-03-04", "--step", "30m")
    lines = out.splitlines()
    assert code == 0
    assert lines[0] == "1,240 fall due; the most in one second: 900 at 2027-03-04T01:00:00Z"
    assert lines[3].split() == ["birthday", "1,240"]
    assert lines[5] == f"2027-03-04 00:00    240  {'█' * 10}"
    assert lines[6] == f"2027-03-04 01:00  1,000  {'█' * 40}"
    assert lines[7] == (
        "warning: 900 people have birthday on --01-01, 12.3 times as many as on an average day; "
        "is it the default of a form?"
    )
    [request] = services.named("ForecastSchedule")
    assert (request.start_time.seconds, request.end_time.seconds) == (MARCH, MARCH + 86400)
    assert request.step.seconds == 1800
    assert not request.HasField("changed_event_type")


def test_forecast_as_json_is_the_answer(services: StandIn, redletter: Run) -> None:
    """A program gets the buckets as they are."""
    services.answers["ForecastSchedule"] = forecast()
    found = json.loads(redletter("forecast", "--to", "2027-03-05", "-o", "json")[1])
    assert [bucket["count"] for bucket in found["buckets"]] == [240, 1000]
    assert redletter("forecast", "--to", "2027-03-05")[0] == 0
    assert services.named("ForecastSchedule")[0].step.seconds == 3600


def test_forecast_of_nothing_is_a_sentence(redletter: Run) -> None:
    """An empty window has no table and no bars."""
    assert redletter("forecast", "--to", "2027-03-05") == (0, "nothing falls due\n", "")


def test_forecast_under_a_changed_rule(services: StandIn, redletter: Run) -> None:
    """The stored rule is read and sent with the changes; the rest of it stays."""
    rule = event_type_pb2.EventType(
        event_type_id="birthday", occasion_kind="birthday", local_time=TimeOfDay(hours=9), day_offset=1
    )
    services.answers["GetEventType"] = event_type_service_pb2.GetEventTypeResponse(event_type=rule)
    changes = ("--set", "local_time=10:00", "--set", "weekend_shift=before", "--set", "day_offset=-7")
    assert redletter("forecast", "--to", "2027-03-05", "--type", "birthday", *changes)[0] == 0
    assert services.named("ForecastSchedule")[0].changed_event_type == event_type_pb2.EventType(
        event_type_id="birthday",
        occasion_kind="birthday",
        local_time=TimeOfDay(hours=10),
        day_offset=-7,
        weekend_shift=event_type_pb2.WEEKEND_SHIFT_BEFORE,
    )


def test_forecast_under_a_rule_without_its_own_window(services: StandIn, redletter: Run) -> None:
    """A default word and a list take the stored value's place, they do not join it."""
    rule = event_type_pb2.EventType(attributes=["a"], deliver_within=Duration(seconds=60))
    services.answers["GetEventType"] = event_type_service_pb2.GetEventTypeResponse(event_type=rule)
    changes = ("--set", "deliver_within=day-end", "--set", "attributes=b,c")
    assert redletter("forecast", "--to", "2027-03-05", "--type", "birthday", *changes)[0] == 0
    changed = services.named("ForecastSchedule")[0].changed_event_type
    assert changed == event_type_pb2.EventType(attributes=["b", "c"])


def test_forecast_of_a_rule_that_does_not_exist_yet(services: StandIn, redletter: Run) -> None:
    """With a kind of occasion the rule is new, and nothing is read."""
    changes = ("--set", "occasion_kind=nameday", "--set", "local_time=10:00")
    assert redletter("forecast", "--to", "2027-03-05", "--type", "nameday", *changes)[0] == 0
    assert [name for name, _ in services.calls] == ["ForecastSchedule"]
    rule = services.named("ForecastSchedule")[0].changed_event_type
    assert (rule.event_type_id, rule.occasion_kind, rule.local_time.hours) == ("nameday", "nameday", 10)


def test_many_steps_are_put_together() -> None:
    """More steps than lines become wider ones from midnight; no count is lost and empty ones are left out."""
    first = datetime(2027, 1, 1, 22, 47, tzinfo=UTC)
    hour = timedelta(hours=1)
    counts = [(first + n * hour, 1) for n in range(240) if n < 60 or n >= 120]
    lines = bars(counts, step=hour, most=10)
    assert [line.split()[0] for line in lines][:5] == [
        "2027-01-01", "2027-01-02", "2027-01-03", "2027-01-04", "2027-01-06",
    ]  # fmt: skip
    assert sum(int(line.split()[1]) for line in lines) == 180
    assert len(lines) <= 10
    half_days = bars(counts, step=hour, most=20)
    assert half_days[0].startswith("2027-01-01 12:00")
    assert sum(int(line.split()[2]) for line in half_days) == 180
    assert len(bars([(first + n * timedelta(days=1), 1) for n in range(400)], step=hour)) <= 48
    assert bars([], step=hour) == []


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("explain",), "which message? give an event id, or --user and --type"),
        (("explain", "--user", "ada"), "which message?"),
        (("explain", "evt_1", "--user", "ada"), "an event id says it all"),
        (("explain", "--user", "a", "--type", "b", "--from", "x"), '"x" is not a date of the calendar'),
        (("preview", "ada", "--count", "101"), "--count"),
        (("forecast",), "--to"),
        (("forecast", "--to", "x"), '"x" is not an instant'),
        (("forecast", "--to", "2027-03-05", "--step", "59s"), '"59s" is not a duration of 60s to 1d'),
        (
            ("forecast", "--to", "2027-03-05", "--set", "local_time=10:00"),
            "which rule is changed? give --type",
        ),
        (
            ("forecast", "--to", "2027-03-05", "--type", "b", "--set", "color=red"),
            '"color" is not one of attributes,',
        ),
        (
            ("forecast", "--to", "2027-03-05", "--type", "b", "--set", "day_offset=x"),
            '"x" is not a whole number of days',
        ),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter(*arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []
