"""A role that starts anew when a file of ours changes: for `skaffold dev`, never for production."""

import signal
import subprocess
import sys
import sysconfig
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import FrameType
from typing import Final

OURS: Final = ("chassis", "user_service", "scheduler_service", "delivery_service", "roles", "redletter")
LOOK_SECONDS: Final = 0.5
_GRACE_SECONDS: Final = 30.0


def main() -> int:
    """Run the role that the arguments name and start it again after each change; its exit code when it ends itself."""
    stopping = False

    def stop(_signal: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    child = _start(sys.argv[1:])
    seen = snapshot(_roots())
    while not stopping:
        time.sleep(LOOK_SECONDS)
        now = snapshot(_roots())
        if now != seen:
            changed = sorted(
                str(path) for path in now.keys() | seen.keys() if now.get(path) != seen.get(path)
            )
            sys.stderr.write(f"reloading: {', '.join(changed[:3])} changed\n")
            seen = now
            _end(child)
            child = _start(sys.argv[1:])
        elif child.poll() is not None and child.returncode == 0:
            return 0
    return _end(child)


def snapshot(roots: Sequence[Path]) -> Mapping[Path, int]:
    """Return every Python file below these directories with the time of its last change, in nanoseconds."""
    return {path: path.stat().st_mtime_ns for root in roots for path in root.rglob("*.py") if path.exists()}


def _roots() -> list[Path]:
    site = Path(sysconfig.get_path("purelib"))
    return [site / name for name in OURS if (site / name).is_dir()]


def _start(arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    return subprocess.Popen([sys.executable, "-m", "roles", *arguments])  # noqa: S603 - ourselves


def _end(child: "subprocess.Popen[bytes]") -> int:
    child.terminate()
    try:
        return child.wait(_GRACE_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        return child.wait()


if __name__ == "__main__":
    sys.exit(main())
