"""The end of a lapse, for people and for programs."""

from collections.abc import Mapping
from typing import IO, Any

from redletter_cli.lapse.run import Lapse, Outcome
from redletter_cli.lapse.verdict import DateCount, percentile
from redletter_cli.render.plain import plain
from redletter_cli.render.table import print_rows

_SHOWN = 20


def document(lapse: Lapse, outcome: Outcome) -> dict[str, Any]:
    """Return everything a program may want to compare; lateness in seconds."""
    verdict = outcome.verdict
    return {
        "file": str(lapse.file),
        "from": lapse.window.first.isoformat(),
        "to": lapse.window.last.isoformat(),
        "speed": lapse.speed,
        "rows": outcome.summary.rows,
        "accepted": outcome.summary.accepted,
        "rejected": outcome.summary.rejected,
        "noted": outcome.summary.noted,
        "dates": [{"date": day.occurrence_date.isoformat(), **_counts(day)} for day in verdict.dates],
        "fringe": _counts(verdict.fringe),
        "expected": verdict.expected,
        "received": verdict.received,
        "at_nine": verdict.at_nine,
        **{kind: verdict.count(kind) for kind in ("missing", "double", "unexpected", "early", "wrong_time")},
        "repeats": verdict.repeats,
        "refused": list(verdict.refused),
        "lateness_seconds": _lateness(lapse, outcome),
        "crashes": outcome.crashes,
        "import_disagreements": list(outcome.disagreements),
        "differences": [
            {
                "kind": d.kind,
                "user_id": d.user_id,
                "event_type": d.event_type,
                "occurrence_date": d.occurrence_date.isoformat(),
                "detail": d.detail,
            }
            for d in verdict.differences
        ],
        "seconds": round(outcome.seconds, 1),
        "clean": outcome.clean,
    }


def print_report(file: IO[str], report: Mapping[str, Any]) -> None:
    """Print a document of `document` as a table and a few sentences."""
    event_types = sorted({name for day in report["dates"] for name in (*day["expected"], *day["received"])})
    rows = [_row(day["date"], day, event_types) for day in report["dates"]]
    if any(report["fringe"].values()):
        rows.append(_row("other dates", report["fringe"], event_types))
    columns = {"LOCAL DATE": "date", **{name.upper(): name for name in event_types}}
    columns |= {"EXPECTED": "expected", "RECEIVED": "received", "": "verdict"}
    print_rows(file, columns, rows)
    for line in _sentences(report):
        file.write(f"{plain(line)}\n")


def _counts(day: DateCount) -> dict[str, dict[str, int]]:
    return {"expected": dict(sorted(day.expected.items())), "received": dict(sorted(day.received.items()))}


def _lateness(lapse: Lapse, outcome: Outcome) -> dict[str, dict[str, float]]:
    ordered = outcome.verdict.lateness
    business = {
        "p50": percentile(ordered, 0.5),
        "p99": percentile(ordered, 0.99),
        "max": percentile(ordered, 1.0),
    }
    return {
        "real": {name: round(value / lapse.speed, 4) for name, value in business.items()},
        "business": {name: round(value, 1) for name, value in business.items()},
    }


def _row(name: str, day: Mapping[str, Mapping[str, int]], event_types: list[str]) -> dict[str, Any]:
    expected, received = day["expected"], day["received"]
    per_type = {kind: f"{received.get(kind, 0)} of {expected.get(kind, 0)}" for kind in event_types}
    same = all(received.get(kind, 0) == expected.get(kind, 0) for kind in {*expected, *received})
    return {
        "date": name,
        **per_type,
        "expected": sum(expected.values()),
        "received": sum(received.values()),
        "verdict": "ok" if same else "DIFFERS",
    }


def _sentences(report: Mapping[str, Any]) -> list[str]:
    late = report["lateness_seconds"]
    lines = [
        (
            f"{report['received']:,} of {report['expected']:,} messages received and verified by standardwebhooks, "
            f"{report['at_nine']:,} due at 09:00:00 local time"
        ),
        (
            f"missing {report['missing']}, double {report['double']}, unexpected {report['unexpected']}, "
            f"early {report['early']}, at a wrong time {report['wrong_time']}, refused {len(report['refused'])}, "
            f"repeated under the same id {report['repeats']}"
        ),
        (
            f"lateness: p50 {late['real']['p50'] * 1000:,.0f} ms, p99 {late['real']['p99'] * 1000:,.0f} ms real "
            f"(p50 {late['business']['p50']:,.0f} s, p99 {late['business']['p99']:,.0f} s in business time)"
        ),
    ]
    if report["crashes"]:
        lines.append(f"{report['crashes']} processes ended without being asked to and were started again")
    lines += [f"disagreement: {line}" for line in report["import_disagreements"][:_SHOWN]]
    lines += [f"refused: {line}" for line in report["refused"][:_SHOWN]]
    lines += [
        f"{d['kind']}: {d['user_id']} {d['event_type']} {d['occurrence_date']}, {d['detail']}"
        for d in report["differences"][:_SHOWN]
    ]
    left_out = len(report["differences"]) - _SHOWN
    if left_out > 0:
        lines.append(f"and {left_out:,} more; --output json lists all")
    lines.append(
        "exactly once: everything is as the independent count says" if report["clean"] else "NOT as counted"
    )
    return lines
