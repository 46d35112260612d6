"""When roles, schemas and tables must be brought up to date: at the first start and after a new migration."""

import hashlib
import importlib.util
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from redletter_cli.dev.places import Places, read_json, write_json
from redletter_cli.dev.services import run_to_end
from redletter_cli.embedded import Postgres, StartFailed
from redletter_cli.embedded.databases import ensure_database

DATABASE = "redletter"

_WITHIN = timedelta(minutes=5)


def bring_up_to_date(server: Postgres, places: Places, environments: Mapping[str, Mapping[str, str]]) -> None:
    """Make the database, a role and a schema per service, and run the services' migrations side by side.

    `environments` is module -> environment of a process of it. Nothing runs when this data directory has seen
    exactly these migrations: it saves two seconds of every start.

    Raises:
        StartFailed: a migration failed; carries its last words.
    """
    wanted = {module: fingerprint(_migrations_of(module)) for module in environments}
    if read_json(places.schemas) == wanted:
        return
    ensure_database(server, DATABASE, roles=environments)
    children = [
        run_to_end(
            module, "migrate", env=environment, log=places.log(f"{module}-migrate"), cwd=places.services
        )
        for module, environment in environments.items()
    ]
    for child in children:
        child.finish(_WITHIN)
    write_json(places.schemas, wanted)


def fingerprint(directory: Path) -> str:
    """Return a digest of the names and contents of the migrations in `directory`."""
    digest = hashlib.sha256()
    for path in sorted(directory.glob("*.py")):
        digest.update(path.name.encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def _migrations_of(module: str) -> Path:
    # find_spec of a top-level package reads no line of it.
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise StartFailed(f"the package {module} is not installed; run make up")
    return Path(spec.origin).parent / "store" / "migrations" / "versions"
