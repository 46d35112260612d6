"""Lateness around nine o'clock in New York: half an hour of a lapse at 60x, so that 100 ms are 6 s.

`python -m benchmarks.lateness FILE.csv [--date 2028-04-06]` reads a file with the columns of the
Lahman list (person_id, birthday, debut, time_zone).
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from redletter_cli.dev.deployment import Deployment, Shape
from redletter_cli.dev.ports import Ports, free_base
from redletter_cli.lapse.expected import Layout
from redletter_cli.lapse.run import Hooks, Lapse, run_lapse
from redletter_cli.lapse.window import Window
from redletter_cli.people import Mapping, OccasionColumn

SPEED = 60.0
AROUND = timedelta(minutes=15)


@dataclass(frozen=True, kw_only=True)
class AroundNine(Window):
    """A quarter of an hour before and after nine o'clock in New York."""

    @property
    def begin(self) -> datetime:
        """08:45 in New York."""
        return self._nine - AROUND

    @property
    def end(self) -> datetime:
        """09:15 in New York."""
        return self._nine + AROUND

    @property
    def _nine(self) -> datetime:
        return datetime.combine(self.first, time(9), ZoneInfo("America/New_York"))


def main() -> int:
    """Run once and print how late the messages of the half hour were; 1 when anything differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--date", type=date.fromisoformat, default=date(2028, 4, 6))
    options = parser.parse_args()
    lapse = Lapse(
        file=options.file,
        mapping=Mapping(
            occasions=(
                OccasionColumn(kind="birthday", occasion_id="birthday", column="birthday"),
                OccasionColumn(kind="anniversary", occasion_id="debut", column="debut"),
            )
        ),
        layout=Layout(
            user_id="person_id",
            time_zone="time_zone",
            occasions=(("birthday", "birthday"), ("anniversary", "debut")),
            keep_incomplete=False,
            default_zone=None,
            encoding="utf-8",
            delimiter=",",
            limit=None,
        ),
        window=AroundNine(first=options.date, last=options.date),
        speed=SPEED,
    )
    hooks = Hooks(
        stage=lambda text: sys.stderr.write(text + "\n") and None,
        progress=lambda _share, _count: None,
        rejected=lambda _rejection: None,
        noted=lambda _note: None,
    )
    with tempfile.TemporaryDirectory(prefix="redletter-lateness-", ignore_cleanup_errors=True) as made:
        deployment = Deployment(Path(made) / "data", ports=Ports(free_base()), shape=Shape(), say=hooks.stage)
        try:
            outcome = run_lapse(lapse, deployment, hooks)
        finally:
            deployment.close()
    late = sorted(outcome.verdict.lateness)
    sys.stdout.write(
        f"{outcome.verdict.received} of {outcome.verdict.expected} messages, early {outcome.verdict.count('early')};"
        f" lateness p50 {_at(late, 0.5):.0f} ms, p99 {_at(late, 0.99):.0f} ms, worst {_at(late, 1):.0f} ms real\n"
    )
    return 0 if outcome.clean else 1


def _at(late: list[float], share: float) -> float:
    """Return the quantile of business seconds of lateness, as real milliseconds."""
    return late[min(len(late) - 1, int(len(late) * share))] / SPEED * 1000 if late else 0.0


if __name__ == "__main__":
    sys.exit(main())
