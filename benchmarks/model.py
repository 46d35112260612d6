"""The model-based test of the scheduler, longer than the test-suite has time for.

`python -m benchmarks.model [--steps N] [--seed S] [--walk N] [--shrink N] [--json FILE]`. Random walks over people,
edits, moves, deletions, care switches, pauses, rules, events by hand, crashes and clock jumps, each on an empty
store with two real replicas; what is compared, and when, stands in tests/integration/scheduler_service/model*.py.
Prints per walk its steps and its events by state, and at the end the sums. A walk that goes wrong is told with its
last steps, and with `--shrink` made shorter first. Exit 1 when anything went wrong.
"""

import argparse
import asyncio
import json
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import redis
import structlog

from chassis import zones
from chassis.migrations import migrate
from redletter_cli.embedded import Postgres, Valkey, start_on_free_port
from redletter_cli.embedded.databases import clone_database, create_database, drop_database, seal
from scheduler_service.store import MIGRATIONS, SCHEMA
from tests.integration.scheduler_service.model_machine import Step, walk
from tests.integration.scheduler_service.model_walk import BEGINS, Outcome, shorter, walked

_SETTINGS = {"shared_buffers": "128MB", "fsync": "off", "full_page_writes": "off", "max_connections": "200"}
_TEMPLATE = "model_template"
_SHOWN = 60


@dataclass
class Servers:
    """One PostgreSQL and one Valkey; each walk gets a store of its own."""

    postgres: Postgres
    valkey: Valkey

    def __post_init__(self) -> None:
        self._numbers = count(1)
        create_database(self.postgres, _TEMPLATE)
        migrate(self.postgres.url(_TEMPLATE), schema=SCHEMA, directory=MIGRATIONS)
        seal(self.postgres, _TEMPLATE)

    def run(self, seed: int, steps: Sequence[Step]) -> Outcome:
        """Make one walk."""
        database = f"model_{next(self._numbers)}"
        clone_database(self.postgres, _TEMPLATE, to=database)
        with redis.Redis.from_url(self.valkey.url()) as client:
            client.flushall()
        try:
            begin = BEGINS[seed % len(BEGINS)]
            return asyncio.run(
                walked(self.postgres.url(database), self.valkey.url(), begin=begin, steps=steps)
            )
        finally:
            drop_database(self.postgres, database)


def main() -> int:
    """Walk until the steps are made; return the exit code."""
    options = _parser().parse_args()
    zones.pin()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    total, events, kinds, wrong = Outcome(), Counter[str](), Counter[str](), []
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="redletter-model-", ignore_cleanup_errors=True) as made:
        home = Path(made)
        home.chmod(0o755)
        servers = _servers(home)
        try:
            for seed in count(options.seed):
                if total.steps >= options.steps:
                    break
                steps = walk(seed, min(options.walk, options.steps - total.steps))
                outcome = servers.run(seed, steps)
                print(f"seed {seed}: {outcome}", flush=True)
                total.steps += outcome.steps
                total.looks += outcome.looks
                total.ledgers += outcome.ledgers
                events += outcome.events
                kinds += outcome.kinds
                if outcome.wrong:
                    wrong.append(seed)
                    found = _shrunk(servers, seed, steps, outcome, tries=options.shrink)
                    print("\n".join(["", *found.trace[-_SHOWN:], f"WRONG: {found.wrong}", ""]), flush=True)
        finally:
            servers.postgres.stop()
            servers.valkey.stop()
    total.events, total.kinds = events, kinds
    print(f"{total} in {time.monotonic() - began:.0f} s; walks that went wrong: {len(wrong)} {wrong}")
    print(", ".join(f"{name} {number}" for name, number in kinds.most_common()))
    if options.json:
        figures = {"steps": total.steps, "looks": total.looks, "ledgers": total.ledgers, "events": events}
        options.json.write_text(json.dumps({**figures, "kinds": kinds, "wrong": wrong}, indent=2) + "\n")
    return 1 if wrong else 0


def _shrunk(servers: Servers, seed: int, steps: Sequence[Step], outcome: Outcome, *, tries: int) -> Outcome:
    """Return the outcome of the shortest walk found that goes wrong as well."""
    found = outcome

    def goes_wrong(fewer: Sequence[Step]) -> bool:
        nonlocal found
        again = servers.run(seed, fewer)
        if again.wrong:
            found = again
        return bool(again.wrong)

    shorter(steps[: outcome.steps], goes_wrong, tries=tries)
    return found


def _servers(home: Path) -> Servers:
    postgres = start_on_free_port(lambda port: Postgres(home / "postgres", port=port, settings=_SETTINGS))
    valkey = start_on_free_port(lambda port: Valkey(home / "valkey", port=port))
    return Servers(postgres, valkey)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=5_000, help="in total (default 5000)")
    parser.add_argument("--seed", type=int, default=1, help="of the first walk; the next one has the next")
    parser.add_argument("--walk", type=int, default=250, help="steps of one walk (default 250)")
    parser.add_argument("--shrink", type=int, default=0, help="how often to try a shorter walk (default 0)")
    parser.add_argument("--json", type=Path, help="file for the same as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
