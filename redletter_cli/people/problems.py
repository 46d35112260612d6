"""What can be wrong with a list of people: the file as a whole, one row of it, or a part of a row."""

from dataclasses import dataclass

_SHOWN = 200  # characters of a refused value that are repeated, as the service does


class PeopleError(Exception):
    """The file cannot be read as a list of people; a sentence that says what to do about it."""


@dataclass(frozen=True)
class Rejection:
    """A row that is not imported: where, whose, which column, its value, why, and what is allowed."""

    line: int
    user_id: str
    field: str
    value: str
    reason: str
    allowed: str

    def sentence(self) -> str:
        """Return the rejection as one sentence."""
        whose = f" ({self.user_id})" if self.user_id else ""
        value = f' "{self.value}"' if self.value else ""
        allowed = f"; allowed: {self.allowed}" if self.allowed else ""
        return f"line {self.line}{whose}: {self.field}{value}: {self.reason}{allowed}"


@dataclass(frozen=True)
class Note:
    """A row that is imported, but not as the file says: which column, and what was done instead."""

    line: int
    user_id: str
    field: str
    value: str
    reason: str

    def sentence(self) -> str:
        """Return the note as one sentence."""
        value = f' "{self.value}"' if self.value else ""
        return f"line {self.line} ({self.user_id}): {self.field}{value}: {self.reason}"


@dataclass(frozen=True)
class Problem(Exception):
    """Why one cell cannot be used; becomes the row's rejection."""

    field: str
    value: str
    reason: str
    allowed: str

    def rejection(self, line: int, user_id: str) -> Rejection:
        """Return the rejection of the row at `line`."""
        return Rejection(line, user_id, self.field, self.value[:_SHOWN], self.reason, self.allowed)
