"""What lies where in the data directory of a deployment."""

import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Places:
    """The paths below one data directory (`.redletter` unless told otherwise)."""

    root: Path

    @property
    def postgres(self) -> Path:
        """PostgreSQL's directory: its data, its log, the superuser's password."""
        return self.root / "postgres"

    @property
    def valkey(self) -> Path:
        """Valkey's directory; nothing in it must survive."""
        return self.root / "valkey"

    @property
    def services(self) -> Path:
        """Working directory of the service processes; also how a predecessor's are recognised."""
        return self.root / "services"

    @property
    def client(self) -> Path:
        """Addresses and keys for the command line (0600)."""
        return self.root / "client.json"

    @property
    def clock(self) -> Path:
        """How far business time has come."""
        return self.root / "clock.json"

    @property
    def processes(self) -> Path:
        """Process ids of what runs now, by name."""
        return self.root / "processes.json"

    @property
    def schemas(self) -> Path:
        """Which migrations the database has seen."""
        return self.root / "schemas.json"

    @property
    def sample(self) -> Path:
        """Exists once the sample is imported."""
        return self.root / "sample.json"

    @property
    def arrivals(self) -> Path:
        """What the webhook receiver got, one JSON line per POST."""
        return self.root / "arrivals.jsonl"

    @property
    def receiver_secret(self) -> Path:
        """The secret that the webhook receiver verifies with (0600)."""
        return self.root / "receiver_secret"

    def log(self, name: str) -> Path:
        """Return the log file of the process `name`."""
        return self.root / "logs" / f"{name}.log"

    def internal_secret(self) -> str:
        """Return the services' shared secret; made at the first call, kept 0600."""
        path = self.root / "internal_secret"
        if not path.exists():
            write_private(path, secrets.token_hex(32))
        return path.read_text(encoding="utf-8").strip()


def read_json(path: Path) -> dict[str, Any]:
    """Return the object in `path`, empty when there is no such file."""
    if not path.exists():
        return {}
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def write_json(path: Path, content: dict[str, Any]) -> None:
    """Replace `path` by `content`, readable by its owner only; a reader sees the old or the new, never half."""
    write_private(path, json.dumps(content, indent=2) + "\n")


def write_private(path: Path, text: str) -> None:
    """Replace `path` by `text` with mode 0600."""
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    fresh.replace(path)
