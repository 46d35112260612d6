"""One owner per data directory, and who still lives in it after the owner died."""

import fcntl
import os
from pathlib import Path

from redletter_cli.embedded.errors import DataDirectoryInUse, StartFailed


class DirectoryLock:
    """An advisory lock on `directory/owner.lock` that ends with this process, however it ends."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, or keep it when it is already ours.

        Raises:
            DataDirectoryInUse: another owner lives; its process id is named.
        """
        if self._descriptor is not None:
            return
        # Opened close-on-exec, as Python does: a server that outlives us for a moment must not hold the lock.
        descriptor = os.open(self._directory / "owner.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = os.pread(descriptor, 20, 0).decode().strip() or "unknown"
            os.close(descriptor)
            raise DataDirectoryInUse(self._directory, f"process {owner} runs a server on it") from None
        os.truncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; nothing happens when it is not ours."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def make_private(directory: Path) -> Path:
    """Create `directory` with mode 0700 when it is missing or empty and return it absolute.

    Raises:
        StartFailed: it is a file, or may not be made or read here.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not any(directory.iterdir()):
            directory.chmod(0o700)
    except OSError as error:
        raise StartFailed(f"the data directory {directory} cannot be used: {error.strerror}") from error
    return directory.resolve()


def living_in(directory: Path, *, program: str) -> list[int]:
    """Return the ids of living processes named `program` that work in `directory`.

    Zombies are not living: where nobody reaps (many containers) `kill -0` takes them for a server forever, and a
    process id from before a reboot may be anybody's today. Reads /proc; empty on systems without it.
    """
    return [
        int(entry.name)
        for entry in Path("/proc").glob("[0-9]*")
        if _command_name(entry) == program and _works_in(entry, directory)
    ]


def _command_name(entry: Path) -> str:
    try:
        return (entry / "comm").read_text().strip()
    except OSError:
        return ""  # ended while we looked


def _works_in(entry: Path, directory: Path) -> bool:
    try:
        return (entry / "cwd").readlink() == directory
    except OSError:
        return False  # ended, a zombie, or another user's
