"""A release goes out while everybody works: each process is replaced, and nobody notices."""

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_rolling_restart_loses_nothing_repeats_nothing_and_fails_no_call() -> None:
    """While each process is replaced, every event arrives once and no call through the SDK raises."""
    options = ("--rate", "50", "--seconds", "12", "--drain", "0.2", "--json")
    done = subprocess.run(
        (sys.executable, "-m", "benchmarks.rolling", *options),
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip

    assert done.stdout, done.stderr
    result = json.loads(done.stdout)
    assert (result["lost"], result["repeats"], result["unexpected"], result["errors"]) == (0, 0, 0, {})
    assert (result["inbox_unread"], result["inbox_repeats"], result["ended_unasked"]) == (0, 0, [])
    assert [one["exit_code"] for one in result["replacements"]] == [0] * 6
    assert result["events"] == 600
    assert done.returncode == 0
