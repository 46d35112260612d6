"""What counts as exactly once, and how each departure from it is named."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from whenever import Instant

from redletter_cli.dev.arrivals import Arrival
from redletter_cli.dev.clock import Clock
from redletter_cli.lapse.expected import Expected
from redletter_cli.lapse.received import Inbound
from redletter_cli.lapse.verdict import Verdict, compare, percentile
from redletter_cli.lapse.window import parse_window

WINDOW = parse_window("2028-02-29", "2028-02-29")
DUE = datetime(2028, 2, 29, 9, tzinfo=UTC)
ANCHOR = Instant.from_utc(2026, 11, 22)
CLOCK = Clock(start=Instant(WINDOW.begin), anchor=ANCHOR, speed=3600.0)


def _expected(user_id: str) -> Expected:
    return Expected(
        user_id=user_id,
        event_type="birthday",
        occurrence_date=date(2028, 2, 29),
        due=DUE,
        zone=ZoneInfo("UTC"),
    )


def _arrival(user_id: str, webhook_id: str, **changes: Any) -> Arrival:
    late = changes.pop("late", timedelta(minutes=1))
    real = ANCHOR.add(seconds=((DUE + late) - WINDOW.begin) / timedelta(seconds=3600))
    body = {
        "timestamp": DUE.isoformat(),
        "data": {
            "user": {"id": user_id},
            "event_type": "birthday",
            "occurrence_date": "2028-02-29",
            "late": False,
        },
    } | changes.pop("body", {})
    return Arrival(
        webhook_id=webhook_id, real_time=real, verified=changes.pop("verified", True), reason="", body=body
    )


def _verdict(expected: list[Expected], *arrivals: Arrival) -> Verdict:
    inbound = Inbound(CLOCK)
    inbound.take(arrivals)
    return compare(expected, inbound, WINDOW)


def test_one_message_each_is_clean() -> None:
    """Everything expected, once, at nine, not early."""
    verdict = _verdict([_expected("a"), _expected("b")], _arrival("a", "1"), _arrival("b", "2"))
    assert verdict.is_clean(crashes=0)
    assert verdict.received == verdict.expected == verdict.at_nine == 2
    assert verdict.dates[0].expected == verdict.dates[0].received


@pytest.mark.parametrize(
    ("arrivals", "kind"),
    [
        ([], "missing"),
        ([_arrival("a", "1"), _arrival("a", "2")], "double"),
        ([_arrival("a", "1"), _arrival("stranger", "2")], "unexpected"),
        ([_arrival("a", "1", late=timedelta(seconds=-4))], "early"),
        ([_arrival("a", "1", body={"timestamp": "2028-02-29T09:00:01Z"})], "wrong_time"),
    ],
)
def test_each_departure_has_its_name(arrivals: list[Arrival], kind: str) -> None:
    """Exactly one difference of that kind, with the person and the date, and the run is not clean."""
    verdict = _verdict([_expected("a")], *arrivals)
    assert [difference.kind for difference in verdict.differences] == [kind]
    assert not verdict.is_clean(crashes=0)


def test_the_same_id_again_is_a_repeat_that_only_a_crash_excuses() -> None:
    """A repeat is no second message; without a crash there is no reason for it."""
    verdict = _verdict([_expected("a")], _arrival("a", "1"), _arrival("a", "1"))
    assert verdict.differences == []
    assert verdict.repeats == 1
    assert not verdict.is_clean(crashes=0)
    assert verdict.is_clean(crashes=1)


def test_what_is_not_verified_does_not_count() -> None:
    """A message with a wrong signature leaves its person without one and is listed."""
    verdict = _verdict([_expected("a")], _arrival("a", "1", verified=False))
    assert verdict.count("missing") == 1
    assert len(verdict.refused) == 1
    assert not verdict.is_clean(crashes=1)


def test_two_occasions_of_a_kind_on_one_date_are_two_messages() -> None:
    """Whoever has two anniversaries on a date gets two messages, and neither is a double."""
    twice = [_expected("a"), _expected("a")]
    assert _verdict(twice, _arrival("a", "1"), _arrival("a", "2")).is_clean(crashes=0)
    assert _verdict(twice, _arrival("a", "1")).count("missing") == 1


def test_what_is_due_after_the_window_is_not_compared() -> None:
    """Time goes on while the last messages are waited for; what falls due then is nobody's fault."""
    after = {"timestamp": (WINDOW.end + timedelta(hours=1)).isoformat()}
    arrival = _arrival("b", "2", late=timedelta(days=3), body=after)
    assert _verdict([_expected("a")], _arrival("a", "1"), arrival).is_clean(crashes=0)


@pytest.mark.parametrize(("share", "value"), [(0.0, 1.0), (0.5, 50.0), (0.99, 99.0), (1.0, 100.0)])
def test_percentiles_are_values_that_occurred(share: float, value: float) -> None:
    """The smallest value that the share of all values does not exceed."""
    assert percentile([float(n) for n in range(1, 101)], share) == value
