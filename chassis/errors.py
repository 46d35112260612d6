"""The errors the domain and the store raise; `chassis.rpc.errors` maps each to one gRPC status.

    RedletterError
    ├── InvalidInput           INVALID_ARGUMENT
    ├── NotFound               NOT_FOUND
    ├── AlreadyExists          ALREADY_EXISTS
    ├── IllegalTransition      FAILED_PRECONDITION
    ├── StaleVersion           ABORTED
    ├── TooManyRequests        RESOURCE_EXHAUSTED
    ├── Unauthenticated        UNAUTHENTICATED
    ├── Forbidden              PERMISSION_DENIED
    └── DependencyUnavailable  UNAVAILABLE

A message is a sentence with its values: what was wrong, what is allowed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True)
class FieldViolation:
    """One field that was refused: its path, the value as given, the reason, and what is allowed."""

    field: str
    reason: str
    value: str = ""
    allowed: str = ""

    def sentence(self) -> str:
        """Return `field: reason (allowed: ...)` without empty parts."""
        allowed = f" (allowed: {self.allowed})" if self.allowed else ""
        return f"{self.field}: {self.reason}{allowed}"


class RedletterError(Exception):
    """Any failure with a name; `reason` is a value of redletter.common.v1.ErrorReason without its prefix."""

    reason = "INTERNAL"

    def __init__(self, message: str, *, reason: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.reason = reason or type(self).reason


class InvalidInput(RedletterError):
    """The request can never succeed as it is; every refused field is named."""

    reason = "INVALID_FIELD"

    def __init__(self, violations: Sequence[FieldViolation], *, reason: str | None = None) -> None:
        super().__init__("; ".join(v.sentence() for v in violations), reason=reason)
        self.violations = tuple(violations)

    @classmethod
    def at(
        cls, field: str, why: str, *, value: str = "", allowed: str = "", reason: str | None = None
    ) -> "InvalidInput":
        """Return the error for one refused field."""
        return cls([FieldViolation(field, why, value, allowed)], reason=reason)

    def under(self, prefix: str) -> "InvalidInput":
        """Return the same error with every field path moved below `prefix`."""
        moved = [FieldViolation(f"{prefix}.{v.field}", v.reason, v.value, v.allowed) for v in self.violations]
        return InvalidInput(moved, reason=self.reason)


class NotFound(RedletterError):
    """The named resource does not exist for this tenant."""

    reason = "NOT_FOUND"


class AlreadyExists(RedletterError):
    """A resource with this id exists and differs."""

    reason = "ALREADY_EXISTS_DIFFERENT"


class IllegalTransition(RedletterError):
    """The resource is in a state that does not allow this."""

    reason = "ILLEGAL_STATE"


class StaleVersion(RedletterError):
    """The caller's etag, or a term of leadership, is no longer the current one."""

    reason = "STALE_ETAG"


class TooManyRequests(RedletterError):
    """A limit is used up; `retry_after` says when to come back."""

    reason = "RATE_LIMITED"

    def __init__(self, message: str, *, retry_after: timedelta, subject: str = "") -> None:
        super().__init__(message)
        self.retry_after = retry_after
        self.subject = subject


class Unauthenticated(RedletterError):
    """No credential, or one that is not known."""

    reason = "UNAUTHENTICATED"


class Forbidden(RedletterError):
    """The credential is known and not allowed to do this."""

    reason = "FORBIDDEN"


class DependencyUnavailable(RedletterError):
    """A dependency did not answer; the same request may succeed after `retry_after`."""

    reason = "DEPENDENCY_UNAVAILABLE"

    def __init__(self, message: str, *, retry_after: timedelta = timedelta(seconds=1)) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class ReleaseSkipped(Exception):
    """A migration that an older release could live with stands behind one that it cannot: a release was left out."""


class LocksHeld(Exception):
    """A migration did not get a lock in all its tries: somebody keeps a table in a long transaction."""
