"""What breaks while people are due: three schedulers, two deliveries, real PostgreSQL and Valkey, a receiver.

`python -m benchmarks.faults [--only NAME ...] [--people N] [--rounds N] [--keep] [--json FILE]`. Each scenario has
a tenant and people of its own, due over a peak of seconds; in the middle of it the fault happens. One line
each: how many people, and how many of them lost, doubled (a second id, message or outcome), early, repeated on
the wire under the same id; seconds from the (last) fault until nothing was more than a second late any more, and the latest. Exit 1 unless lost, double
and early are 0 everywhere.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from benchmarks.fault.looking import Harm
from benchmarks.fault.people import Peak, prepare
from benchmarks.fault.scenarios import SCENARIOS, Scenario
from benchmarks.fault.stage import Receiver, Stage
from benchmarks.fault.tally import Tally, arrivals, doubled_in_stores, tally

SETTLED_WITHIN_SECONDS = 45.0
_TWICE_SECONDS = 1.5  # what comes twice comes soon after
_ENROL_SECONDS, _PEOPLE_PER_SECOND = 8.0, 600  # from the start of a scenario until its first person is due


def main() -> int:
    """Run the scenarios one after the other on one deployment; return the exit code."""
    options = _parser().parse_args()
    chosen = [s for s in SCENARIOS if not options.only or s.name in options.only]
    lines: list[dict[str, object]] = []
    right = True
    with tempfile.TemporaryDirectory(prefix="redletter-faults-", ignore_cleanup_errors=True) as made:
        stage = Stage(Path(made), _quiet)
        try:
            stage.start()
            sys.stdout.write(_HEAD)
            for number in range(options.rounds):
                for scenario in chosen:
                    found, harm = run(stage, scenario, people=options.people, number=number)
                    right &= found.right
                    lines.append({"scenario": scenario.name, **asdict(found), "remark": harm.remark})
                    sys.stdout.write(_line(scenario, found, harm))
                    sys.stdout.flush()
                    if options.keep or not found.right:
                        _keep(stage, f"{scenario.name}-{number}")
        except BaseException:
            _keep(stage, "failure")
            raise
        finally:
            stage.close()
    if options.json:
        options.json.write_text(json.dumps(lines, indent=2) + "\n", encoding="utf-8")
    return 0 if right else 1


def run(stage: Stage, scenario: Scenario, *, people: int, number: int) -> tuple[Tally, Harm]:
    """Let one scenario happen and count."""
    sink = Receiver(stage.directory / f"{scenario.name}-{number}.jsonl")
    sink.start()
    stage.keeping = True
    try:
        fed = int(people * scenario.fed)
        peak = prepare(
            stage.deployment.accounts,
            scenario.name,
            sink.port,
            seconds=scenario.seconds,
            ahead=_ENROL_SECONDS + scenario.seconds / 10 + people / _PEOPLE_PER_SECOND,
        )
        peak.enrol(people - fed)
        stage.wait(until=peak.begins - 0.5)
        feeding = peak.feed(fed, over=scenario.seconds - 2) if fed else None
        harm = scenario.run(stage, peak)
        if feeding is not None:
            feeding.join()
        _settle(stage, peak, sink)
        too_many = doubled_in_stores(
            _store(stage, "scheduler-1"), _store(stage, "delivery-1"), peak.tenant_id
        )
        peak.client.close()
    finally:
        sink.stop()
        stage.keeping = True
    got = arrivals(sink.record)
    return tally(peak.people, got, fault=harm.began, doubled_in_stores=too_many), harm


def _settle(stage: Stage, peak: Peak, sink: Receiver) -> None:
    deadline = peak.ends + SETTLED_WITHIN_SECONDS
    stage.wait(until=peak.ends)
    stage.wait(
        until=deadline,
        condition=lambda: (
            sink.lines() >= len(peak.people)
            and len({a.user_id for a in arrivals(sink.record)}) >= len(peak.people)
        ),
    )
    stage.wait(until=time.time() + _TWICE_SECONDS)


def _store(stage: Stage, name: str) -> str:
    return stage.environment(name)["REDLETTER_DATABASE_URL"]


_HEAD = (
    f"{'scenario':21}{'people':>7}{'lost':>6}{'double':>7}{'early':>6}{'repeats':>8}"
    f"{'recovered':>11}{'latest':>9}  remark\n"
)


def _line(scenario: Scenario, found: Tally, harm: Harm) -> str:
    return (
        f"{scenario.name:21}{found.people:>7}{found.lost:>6}{found.double:>7}{found.early:>6}{found.repeats:>8}"
        f"{found.recovered:>9.1f} s{found.latest:>7.1f} s  {harm.remark}\n"
    )


def _keep(stage: Stage, name: str) -> None:
    """Keep the logs of a run that went wrong; the directory of the deployment is removed."""
    kept = Path(tempfile.mkdtemp(prefix=f"redletter-faults-{name}-"))
    found = [*stage.deployment.places.log("any").parent.glob("*.log"), *stage.directory.glob("*.log")]
    for log in found:
        (kept / log.name).write_bytes(log.read_bytes())
    sys.stderr.write(f"logs of {name}: {kept}\n")


def _quiet(said: str) -> None:
    sys.stderr.write(f"  {said}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    names: Sequence[str] = [scenario.name for scenario in SCENARIOS]
    parser.add_argument("--only", nargs="+", choices=names, metavar="NAME", help=", ".join(names))
    parser.add_argument("--people", type=int, default=2_000, help="per scenario (default 2000)")
    parser.add_argument("--rounds", type=int, default=1, help="how often each (default 1)")
    parser.add_argument(
        "--keep", action="store_true", help="keep the logs of every run, not only of wrong ones"
    )
    parser.add_argument("--json", type=Path, help="file for the same as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
