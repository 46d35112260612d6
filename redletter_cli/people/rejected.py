"""Rejected rows as a file that a spreadsheet opens: whose, which column, why, and what is allowed."""

import csv
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from redletter_cli.people.problems import PeopleError, Rejection

HEADER = ("line", "user_id", "field", "value", "reason", "allowed")


class RejectedFile:
    """Writes rejections to `path`, which is made (anew) with the first of them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: IO[str] | None = None
        self._writer: Any = None

    def write(self, rejection: Rejection) -> None:
        """Append one rejection.

        Raises:
            PeopleError: the file cannot be written.
        """
        try:
            if self._file is None:
                self._open()
            self._writer.writerow([getattr(rejection, name) for name in HEADER])
        except OSError as error:
            raise PeopleError(f"cannot write {self.path}: {error.strerror or error}") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._file:
            self._file.close()

    def _open(self) -> None:
        self._file = self.path.open("w", encoding="utf-8", newline="")
        self._writer = csv.writer(self._file, lineterminator="\n")
        self._writer.writerow(HEADER)
