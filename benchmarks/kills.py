"""kill -9 of every process once, in the busiest hours of a lapse; then the same count as without.

`python -m benchmarks.kills FILE.csv [--date 2028-04-05] [lapse options...]` runs `redletter lapse`
over one date at 600x and, while it is nine o'clock between Newfoundland and Hawaii, kills user_service,
both schedulers, both deliveries, PostgreSQL and Valkey, one every few seconds. The supervisor
starts them again. The lapse's own report says what was missing, double or early.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from datetime import date, datetime, timedelta
from pathlib import Path

VICTIMS = (
    "scheduler-1", "delivery-1", "user-1", "postgres", "scheduler-2", "valkey", "delivery-2",
)  # fmt: skip
SPEED = 600
# Hours UTC of the date between which most of America's mornings lie.
BUSY_FROM, BUSY_TO = 12, 18
WITHIN_SECONDS = 1_800.0


def main() -> int:
    """Run, print who was killed when and the lapse's verdict; the lapse's exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--date", type=date.fromisoformat, default=date(2028, 4, 5))
    options, passed_on = parser.parse_known_args()
    with tempfile.TemporaryDirectory(prefix="redletter-kills-", ignore_cleanup_errors=True) as made:
        data, report = Path(made) / "data", Path(made) / "report.json"
        day = options.date.isoformat()
        argv = [
            sys.executable, "-m", "redletter_cli", "lapse", str(options.file),
            "--from", day, "--to", day, "--speed", str(SPEED),
            "--keep", str(data), "--report", str(report),
            "--rejected", str(Path(made) / "rejected.csv"), *passed_on,
        ]  # fmt: skip
        lapse = subprocess.Popen(argv)
        killed = _kill_all(lapse, data, options.date)
        code = lapse.wait(timeout=WITHIN_SECONDS)
        sys.stdout.write(f"killed {len(killed)} of {len(VICTIMS)}: {', '.join(killed)}\n")
    return code or (0 if len(killed) == len(VICTIMS) else 1)


def _kill_all(lapse: subprocess.Popen[bytes], data: Path, day: date) -> list[str]:
    begins = datetime.fromisoformat(f"{day.isoformat()}T00:00:00+00:00")
    span = timedelta(hours=BUSY_TO - BUSY_FROM) / len(VICTIMS)
    killed = []
    for index, name in enumerate(VICTIMS):
        due = begins + timedelta(hours=BUSY_FROM) + span * index
        if not _await_business(lapse, data / "clock.json", due):
            break
        pid = _pid(data / "processes.json", name)
        os.kill(pid, signal.SIGKILL)
        killed.append(name)
        sys.stdout.write(f"killed {name} ({pid}) at business {due.isoformat()}\n")
        sys.stdout.flush()
    return killed


def _await_business(lapse: subprocess.Popen[bytes], path: Path, due: datetime) -> bool:
    deadline = time.monotonic() + WITHIN_SECONDS
    while lapse.poll() is None and time.monotonic() < deadline:
        if path.exists():
            clock = json.loads(path.read_text(encoding="utf-8"))
            if clock.get("reached") and datetime.fromisoformat(clock["reached"]) >= due:
                return True
        time.sleep(0.05)
    return False


def _pid(path: Path, name: str) -> int:
    """Return the victim's process id; one that is being started again is awaited."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        pids = json.loads(path.read_text(encoding="utf-8"))
        if name in pids:
            return int(pids[name])
        time.sleep(0.05)
    raise TimeoutError(f"{name} does not run")


if __name__ == "__main__":
    sys.exit(main())
