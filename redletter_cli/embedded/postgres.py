"""One PostgreSQL 18 server on 127.0.0.1: made once, resumed ever after."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from redletter_cli.embedded.account import current_account
from redletter_cli.embedded.cluster import SUPERUSER, Cluster
from redletter_cli.embedded.directory import DirectoryLock, make_private
from redletter_cli.embedded.errors import DataDirectoryInUse, EmbeddedError, PortTaken, StartFailed
from redletter_cli.embedded.ports import require_free
from redletter_cli.embedded.process import Child

_START_WITHIN = timedelta(seconds=60)  # a start after a crash replays the log
_STOP_WITHIN = timedelta(seconds=30)  # a fast shutdown writes a checkpoint
_DEFAULTS = MappingProxyType(
    {
        "listen_addresses": "127.0.0.1",
        "unix_socket_directories": "",
        "max_connections": "200",
        "shared_buffers": "256MB",
        "shared_preload_libraries": "pg_stat_statements",
        "io_method": "sync",
        # Containers often have 64 MB of /dev/shm.
        "dynamic_shared_memory_type": "mmap",
        "timezone": "UTC",
        "log_timezone": "UTC",
    }
)


class Postgres:
    """A PostgreSQL server whose superuser is `redletter`; `settings` are its parameters and win over the defaults.

    Everything is kept below `data_dir`; no permission outside it changes.

    Raises:
        StartFailed: `data_dir` cannot be made or read.
    """

    def __init__(
        self, data_dir: Path, *, port: int, settings: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        self.data_dir = make_private(data_dir)
        self.port = port
        self._settings = {**_DEFAULTS, **settings}
        self._account = current_account()
        self._cluster = Cluster(self.data_dir, self._account)
        self._lock = DirectoryLock(self.data_dir)
        self._child: Child | None = None

    @property
    def notice(self) -> str:
        """A sentence about the user it runs as, for the person at the terminal, or empty."""
        return self._account.notice

    @property
    def pid(self) -> int | None:
        """The id of the postmaster, None before the first start."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start, also after a crash, and return when it accepts connections; a running server stays as it is.

        Processes of a killed predecessor get ten seconds to leave.

        Raises:
            DataDirectoryInUse: another living process runs a server on the directory.
            PortTaken: somebody else listens on the port.
            StartFailed: it ended or was not ready within 60 s; carries its last words.
        """
        if self._child and not self.exited():
            return
        self._lock.acquire()
        try:
            require_free("PostgreSQL", self.port)
            self._cluster.make(durable=self._settings.get("fsync") != "off")
            self._cluster.await_departure()
            self._child = self._launch()
        except BaseException:
            self._lock.release()
            raise

    def stop(self) -> None:
        """Stop by SIGINT (fast shutdown), after 30 s by SIGKILL; nothing happens when it does not run."""
        if self._child:
            self._child.stop(_STOP_WITHIN)
        self._lock.release()

    def poll(self) -> int | None:
        """Return None while it runs or was never started, else the exit code."""
        return self._child.poll() if self._child else None

    def exited(self) -> bool:
        """Return whether it was started and has ended."""
        return self.poll() is not None

    def password(self, role: str = SUPERUSER) -> str:
        """Return the role's password: the stored one of the superuser, for any other role derived from it.

        Raises:
            FileNotFoundError: the server was never started.
        """
        stored = self._cluster.password()
        if role == SUPERUSER:
            return stored
        return hmac.digest(stored.encode(), role.encode(), hashlib.sha256).hex()

    def url(self, database: str, role: str = SUPERUSER) -> str:
        """Return the SQLAlchemy URL (asyncpg) of `database` for `role`."""
        return f"postgresql+asyncpg://{role}:{self.password(role)}@127.0.0.1:{self.port}/{database}"

    def _launch(self) -> Child:
        parameters = [part for name, value in self._settings.items() for part in ("-c", f"{name}={value}")]
        child = self._cluster.run(
            "postgres", ("-D", str(self._cluster.pgdata), "-p", str(self.port), *parameters)
        )
        try:
            child.wait_until(lambda: self._cluster.is_ready(child.pid), within=_START_WITHIN)
        except StartFailed as failure:
            raise self._explain(child.output(), failure) from failure
        return child

    def _explain(self, output: str, failure: StartFailed) -> EmbeddedError:
        if "could not create any TCP/IP sockets" in output:
            return PortTaken("PostgreSQL", self.port)
        if 'lock file "postmaster.pid"' in output or "pre-existing shared memory block" in output:
            return DataDirectoryInUse(self.data_dir, "PostgreSQL still runs on it")
        return failure
