"""Why a server could not be started; each message is one sentence for the person at the terminal."""

from pathlib import Path


class EmbeddedError(Exception):
    """Any failure to run a server or a child; `redletter dev` prints it and exits with 2."""


class StartFailed(EmbeddedError):
    """The child ended, or was not ready in time; the message carries the reason it gave and its log."""


class PortTaken(EmbeddedError):
    """Somebody else listens on the port."""

    def __init__(self, server: str, port: int) -> None:
        super().__init__(
            f"port {port} on 127.0.0.1 is taken, so {server} cannot listen there; "
            "stop what listens on it or choose another port"
        )
        self.port = port


class DataDirectoryInUse(EmbeddedError):
    """A living server, or a living owner of one, holds the data directory."""

    def __init__(self, data_dir: Path, why: str) -> None:
        super().__init__(
            f"the data directory {data_dir} is in use: {why}; stop that one or choose another directory"
        )
        self.data_dir = data_dir
