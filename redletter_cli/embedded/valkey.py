"""One Valkey 9 server on 127.0.0.1."""

import socket
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType

from redletter_cli.embedded.binaries import valkey_program
from redletter_cli.embedded.directory import DirectoryLock, make_private
from redletter_cli.embedded.errors import PortTaken, StartFailed
from redletter_cli.embedded.ports import require_free
from redletter_cli.embedded.process import Child, Command

_HIGHEST_PORT = 55_535
_START_WITHIN = timedelta(seconds=10)
_STOP_WITHIN = timedelta(seconds=10)
_DEFAULTS = MappingProxyType(
    {"bind": "127.0.0.1", "daemonize": "no", "save": "", "appendonly": "no", "loglevel": "notice"}
)


class Valkey:
    """A Valkey server that keeps nothing on disk unless `settings` say so (`{"appendonly": "yes"}`).

    `settings` are directives of valkey.conf and win over the defaults; `program` is another server that
    takes the same ones, such as Redis 7.

    Raises:
        StartFailed: `data_dir` cannot be made or read.
        ValueError: `port` is above 55,535 (the cluster bus listens 10,000 higher).
    """

    def __init__(
        self,
        data_dir: Path,
        *,
        port: int,
        settings: Mapping[str, str] = MappingProxyType({}),
        program: Path | None = None,
    ) -> None:
        if not 0 < port <= _HIGHEST_PORT:
            raise ValueError(f"Valkey cannot use port {port}: allowed are 1 to {_HIGHEST_PORT}")
        self.data_dir = make_private(data_dir)
        self.port = port
        self._program = program
        self._settings = {**_DEFAULTS, **settings, "port": str(port), "dir": str(self.data_dir)}
        self._lock = DirectoryLock(self.data_dir)
        self._child: Child | None = None

    @property
    def pid(self) -> int | None:
        """The id of the server's process, None before the first start."""
        return self._child.pid if self._child else None

    def start(self) -> None:
        """Start, also after a crash, and return when it answers PING; a running server stays as it is.

        Raises:
            DataDirectoryInUse: another living process runs a server on the directory.
            PortTaken: somebody else listens on the port.
            StartFailed: it ended or did not answer within 10 s; carries its last words.
        """
        if self._child and not self.exited():
            return
        self._lock.acquire()
        try:
            require_free("Valkey", self.port)
            self._child = self._launch()
        except BaseException:
            self._lock.release()
            raise

    def stop(self) -> None:
        """Stop by SIGTERM, after 10 s by SIGKILL; nothing happens when it does not run."""
        if self._child:
            self._child.stop(_STOP_WITHIN)
        self._lock.release()

    def poll(self) -> int | None:
        """Return None while it runs or was never started, else the exit code."""
        return self._child.poll() if self._child else None

    def exited(self) -> bool:
        """Return whether it was started and has ended."""
        return self.poll() is not None

    def url(self, database: int = 0) -> str:
        """Return the URL of one of the 16 logical databases."""
        return f"redis://127.0.0.1:{self.port}/{database}"

    def _launch(self) -> Child:
        options = [part for name, value in self._settings.items() for part in (f"--{name}", value)]
        child = Child(
            Command(
                name="Valkey",
                argv=(str(self._program or valkey_program()), *options),
                log=self.data_dir / "valkey.log",
                cwd=self.data_dir,
            )
        )
        try:
            child.wait_until(lambda: self._answers(child.pid), within=_START_WITHIN)
        except StartFailed as failure:
            if "already in use" in child.output():
                raise PortTaken("Valkey", self.port) from failure
            raise
        return child

    def _answers(self, pid: int) -> bool:
        """PING says that it has read its files, INFO that it is ours: a stranger may have taken the port."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.sendall(b"PING\r\nINFO server\r\nQUIT\r\n")
                with connection.makefile("rb") as answers:
                    said = answers.read()
        except OSError:
            return False
        return said.startswith(b"+PONG") and f"\r\nprocess_id:{pid}\r\n".encode() in said
