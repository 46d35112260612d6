"""PostgreSQL's data directory: made complete or not at all, and cleared of what a killed server left."""

import os
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from redletter_cli.embedded.account import Account
from redletter_cli.embedded.binaries import postgres_program
from redletter_cli.embedded.directory import living_in
from redletter_cli.embedded.errors import DataDirectoryInUse
from redletter_cli.embedded.process import Child, Command

SUPERUSER = "redletter"

_FAST_SHUTDOWN = signal.SIGINT
_INITDB_WITHIN = timedelta(seconds=60)
_DEPARTURE_WITHIN = timedelta(seconds=10)
_DEPARTURE_POLL_SECONDS = 0.05


class Cluster:
    """`data_dir` with `pgdata/`, `password` (0600, of the superuser `redletter`) and the logs."""

    def __init__(self, data_dir: Path, account: Account) -> None:
        self.data_dir = data_dir
        self.pgdata = data_dir / "pgdata"
        self._account = account
        self._password = data_dir / "password"

    def make(self, *, durable: bool = True) -> None:
        """Run initdb when there is no cluster yet; killed half-way it leaves nothing that could be resumed.

        `durable` false leaves out the fsyncs.

        Raises:
            StartFailed: initdb failed; carries its last words.
        """
        self._account.require_way_to(self.data_dir)
        self._account.require_way_to(postgres_program("postgres"))
        self._account.own(self.data_dir)
        if self.pgdata.exists():
            return
        unfinished = self.data_dir / "pgdata.unfinished"
        shutil.rmtree(unfinished, ignore_errors=True)
        self._write_password(secrets.token_hex(24))
        options = (
            *("-D", str(unfinished), "--username", SUPERUSER, "--pwfile", str(self._password)),
            *("--auth=scram-sha-256", "--encoding=UTF8"),
            # Case and order by PostgreSQL's own Unicode tables: the same on every machine, no locale needed.
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8", "--locale=C"),
            *(() if durable else ("--no-sync",)),
        )
        self.run("initdb", options).finish(_INITDB_WITHIN)
        unfinished.rename(self.pgdata)

    def await_departure(self, within: timedelta = _DEPARTURE_WITHIN) -> None:
        """Wait until the back ends of a killed postmaster have left, then remove its postmaster.pid.

        Raises:
            DataDirectoryInUse: somebody still works in the directory after `within`.
        """
        end = time.monotonic() + within.total_seconds()
        while living := living_in(self.pgdata, program="postgres"):
            if time.monotonic() > end:
                numbers = ", ".join(map(str, living))
                raise DataDirectoryInUse(self.data_dir, f"PostgreSQL still runs on it (process {numbers})")
            time.sleep(_DEPARTURE_POLL_SECONDS)
        if Path("/proc/self/cwd").exists():
            # PostgreSQL takes a zombie, or a stranger with the old number, for its predecessor and refuses.
            # Nobody lives here, and shared memory in use is found by the directory's inode as well.
            (self.pgdata / "postmaster.pid").unlink(missing_ok=True)

    def is_ready(self, pid: int) -> bool:
        """Return whether postmaster `pid` accepts connections: line 8 of its file, where pg_ctl looks too."""
        try:
            lines = (self.pgdata / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) >= 8 and lines[0] == str(pid) and lines[7].strip() == "ready"

    def password(self) -> str:
        """Return the superuser's password.

        Raises:
            FileNotFoundError: the cluster was never made.
        """
        return self._password.read_text().strip()

    def run(self, program: str, options: tuple[str, ...]) -> Child:
        """Start `program` of the wheel under the cluster's account; it logs to `PROGRAM.log`."""
        return Child(
            Command(
                name=program,
                argv=(*self._account.wrapper, str(postgres_program(program)), *options),
                log=self.data_dir / f"{program}.log",
                cwd=self.data_dir,
                env=clean_environment(os.environ),
                stop_signal=_FAST_SHUTDOWN,
                user_id=self._account.user_id,
                group_id=self._account.user_id,
            )
        )

    def _write_password(self, password: str) -> None:
        self._password.unlink(missing_ok=True)
        self._password.touch(mode=0o600)
        self._password.write_text(f"{password}\n")
        self._account.own(self._password)


def clean_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """Return `environment` without libpq's and the server's variables, messages in English (we read them)."""
    kept = {name: value for name, value in environment.items() if not name.startswith(("PG", "LC_", "LANG"))}
    return {**kept, "LC_ALL": "C"}
