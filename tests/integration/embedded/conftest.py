"""Processes that own servers, and how to see that something is really gone."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from redletter_cli.embedded.account import current_account

_OWNER = Path(__file__).with_name("owner.py")
_ROOT = Path(__file__).parents[3]
_NOBODY = 65534


@dataclass(frozen=True)
class Owner:
    """A running owner.py and the first line it printed."""

    process: subprocess.Popen[str]
    facts: dict[str, Any]


StartOwner = Callable[..., Owner]


@pytest.fixture
def directory() -> Iterator[Path]:
    """Give a directory that is removed at once, not kept for three runs: a cluster has 40 MB."""
    with tempfile.TemporaryDirectory(prefix="redletter-test-", ignore_cleanup_errors=True) as made:
        # Root without user namespaces runs PostgreSQL as nobody, who must be able to get there.
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def start_owner() -> Iterator[StartOwner]:
    """Give `start_owner(directory, ordinary_user=False)`; owners still running at the end stop their servers."""
    started: list[subprocess.Popen[str]] = []

    def start(directory: Path, *, ordinary_user: bool = False) -> Owner:
        wrapper, user = _ordinary_user(directory) if ordinary_user else ((), None)
        process = subprocess.Popen(
            (*wrapper, sys.executable, str(_OWNER), str(directory)),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": os.pathsep.join((str(_ROOT), *filter(None, sys.path)))},
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )
        started.append(process)
        assert process.stdout is not None
        return Owner(process, json.loads(process.stdout.readline()))

    yield start
    for process in started:
        process.communicate()


def _ordinary_user(directory: Path) -> tuple[tuple[str, ...], int | None]:
    """Return the wrapper, or else the user id, with which a child has no privilege, whoever runs the tests."""
    if os.geteuid() != 0:
        return (), None
    if wrapper := current_account().wrapper:
        return wrapper, None
    os.chown(directory, _NOBODY, _NOBODY)
    return (), _NOBODY


@pytest.fixture
def gone() -> Callable[[int], bool]:
    """Give `gone(pid)`: True as soon as the process has ended, False when it still lives after ten seconds."""

    def is_gone(pid: int) -> bool:
        end = time.monotonic() + 10
        while _is_running(pid):
            if time.monotonic() > end:
                return False
            time.sleep(0.01)
        return True

    return is_gone


def _is_running(pid: int) -> bool:
    # A zombie that nobody reaps has ended, although /proc still shows it.
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"
