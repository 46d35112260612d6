"""A forecast for people: a sentence, a table by rule, bars by step, and what looks wrong."""

import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from google.protobuf.timestamp_pb2 import Timestamp
from redletter.scheduler.v1 import schedule_service_pb2

from redletter_cli.render.plain import plain
from redletter_cli.render.table import print_rows

MOST_ROWS = 48
"""Bars that are shown; more steps are put together."""
_WIDTHS = (
    *(timedelta(hours=hours) for hours in (1, 2, 3, 4, 6, 12)),
    *(timedelta(days=days) for days in (1, 2, 7, 14)),
)
_WIDTH = 40


def print_forecast(answer: schedule_service_pb2.ForecastScheduleResponse, *, step: timedelta) -> None:
    """Print it to standard output; instants are in UTC, to the minute, the peak to the second."""
    _line(_summary(answer))
    if not answer.total:
        return
    _line()
    rules = [{"rule": r.event_type_id, "count": f"{r.count:,}"} for r in answer.by_event_type]
    print_rows(sys.stdout, {"EVENT TYPE": "rule", "COUNT": "count"}, rules)
    _line()
    for row in bars([(_moment(b.start_time), b.count) for b in answer.buckets], step=step):
        _line(row)
    for cluster in answer.clusters:
        _line(_warning(cluster))


def bars(counts: Sequence[tuple[datetime, int]], *, step: timedelta, most: int = MOST_ROWS) -> list[str]:
    """Return a line with a bar for each step that is not empty.

    More than `most` of them are put together to the narrowest of `_WIDTHS` that gives no more lines than that, from
    midnight in UTC.
    """
    if not counts:
        return []
    rows, form = dict(counts), "%Y-%m-%d %H:%M"
    for width in _WIDTHS:
        if len(rows) <= most:
            break
        if width > step:
            rows = _together(counts, width)
            form = "%Y-%m-%d" if width >= timedelta(days=1) else form
    largest = max(rows.values())
    digits = len(f"{largest:,}")
    return [
        f"{begin.strftime(form)}  {count:>{digits},}  {_bar(count, largest)}"
        for begin, count in sorted(rows.items())
    ]


def _together(counts: Sequence[tuple[datetime, int]], width: timedelta) -> dict[datetime, int]:
    midnight = counts[0][0].replace(hour=0, minute=0, second=0, microsecond=0)
    rows: Counter[datetime] = Counter()
    for begin, count in counts:
        rows[midnight + (begin - midnight) // width * width] += count
    return dict(rows)


def _bar(count: int, largest: int) -> str:
    mark = "█" if (sys.stdout.encoding or "").lower().startswith("utf") else "#"
    return mark * max(1, round(_WIDTH * count / largest))


def _summary(answer: schedule_service_pb2.ForecastScheduleResponse) -> str:
    if not answer.total:
        return "nothing falls due"
    at = f"{_moment(answer.peak_time):%Y-%m-%dT%H:%M:%SZ}"
    due = "falls" if answer.total == 1 else "fall"
    return f"{answer.total:,} {due} due; the most in one second: {answer.peak_per_second:,} at {at}"


def _warning(cluster: schedule_service_pb2.DateCluster) -> str:
    return (
        f"warning: {cluster.count:,} people have {cluster.occasion_kind} on --{cluster.month:02d}-{cluster.day:02d}, "
        f"{cluster.times_average:.1f} times as many as on an average day; is it the default of a form?"
    )


def _moment(timestamp: Timestamp) -> datetime:
    return timestamp.ToDatetime(tzinfo=UTC)


def _line(text: str = "") -> None:
    sys.stdout.write(f"{plain(text)}\n")
