#!/usr/bin/env python3
"""Check the contracts, offline: generated code fresh, lint, format, and nothing broken since the last release.

    python scripts/proto/check.py               one line per step; exit 1 when any of them fails
    python scripts/proto/check.py --release     make the present contracts the ones that are compared with

The released image is built from our files only and compared with an image, not with the directory: with several
modules in the workspace buf would report every released file as deleted.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUF = Path(sys.executable).with_name("buf")
GENERATE = Path(__file__).with_name("generate.py")
RELEASED = ROOT / "protos" / "released.binpb"


def run(*command: str | Path) -> str:
    """Run a command at the root; return what it complained about, empty when it succeeded."""
    if not Path(command[0]).exists():
        return f"{command[0]} is missing; install the `check` group of requirements."
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)  # noqa: S603
    output = (done.stdout + done.stderr).strip()
    return "" if done.returncode == 0 else output or f"exit code {done.returncode}"


def check_generated() -> str:
    """Complain when the generated Python differs from what `protos/` gives; also provides `.build/googleapis`."""
    return run(sys.executable, GENERATE, "--check")


def check_lint() -> str:
    """Complain about names, layout and missing comments, and about rules that do not compile."""
    return run(BUF, "lint")


def check_format() -> str:
    """Complain about files that `buf format -w protos` would change."""
    return run(BUF, "format", "--diff", "--exit-code", "protos")


def check_breaking() -> str:
    """Complain about changes that break code generated from the released contracts."""
    if not RELEASED.exists():
        return (
            f"{RELEASED.relative_to(ROOT)} is missing; restore it from git: it is what clients already use."
        )
    with tempfile.TemporaryDirectory() as scratch:
        current = Path(scratch) / "current.binpb"
        return run(BUF, "build", "-o", current) or run(BUF, "breaking", current, "--against", RELEASED)


def release() -> str:
    """Write the image of the present contracts that later ones are compared with."""
    return run(BUF, "build", "--path", "protos/redletter", "--exclude-source-info", "-o", RELEASED)


CHECKS: dict[str, Callable[[], str]] = {
    "generated code is fresh": check_generated,
    "lint": check_lint,
    "format": check_format,
    "nothing broken since the release": check_breaking,
}


def perform(steps: dict[str, Callable[[], str]]) -> int:
    """Perform every step, print one line for each and what a failed one complained about; return the exit code."""
    failed = 0
    for name, step in steps.items():
        complaint = step()
        failed += bool(complaint)
        print(f"protos: {name}: {'FAILED' if complaint else 'ok'}")
        if complaint:
            print(complaint)
    return min(failed, 1)


def main() -> int:
    """Check or release; return the exit code."""
    parser = argparse.ArgumentParser(description="Check the contracts in protos/.")
    parser.add_argument(
        "--release", action="store_true", help="accept the present contracts as the released ones"
    )
    if parser.parse_args().release:
        return perform({"generated code is fresh": check_generated, "release": release})
    return perform(CHECKS)


if __name__ == "__main__":
    sys.exit(main())
