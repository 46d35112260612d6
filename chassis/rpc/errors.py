"""Errors become gRPC statuses here and nowhere else; each carries google.rpc.ErrorInfo with a reason."""

from collections.abc import Iterator, Sequence

import asyncpg
import grpc
import sqlalchemy.exc
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2, status_pb2

from chassis import errors
from chassis.database import is_away
from chassis.wire import duration

DOMAIN = "redletter"

# A status travels in the trailers, which clients cap at 8 KB; a larger one would arrive as another error.
_LONGEST_MESSAGE = 1_000
_LONGEST_VIOLATIONS = 2_500

_CODES: dict[type[errors.RedletterError], int] = {
    errors.InvalidInput: code_pb2.INVALID_ARGUMENT,
    errors.NotFound: code_pb2.NOT_FOUND,
    errors.AlreadyExists: code_pb2.ALREADY_EXISTS,
    errors.IllegalTransition: code_pb2.FAILED_PRECONDITION,
    errors.StaleVersion: code_pb2.ABORTED,
    errors.TooManyRequests: code_pb2.RESOURCE_EXHAUSTED,
    errors.Unauthenticated: code_pb2.UNAUTHENTICATED,
    errors.Forbidden: code_pb2.PERMISSION_DENIED,
    errors.DependencyUnavailable: code_pb2.UNAVAILABLE,
}

# A statement that took too long, or waited too long for a lock, may succeed when it is repeated.
_TOO_LONG = (asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError)


def status_of(error: errors.RedletterError) -> status_pb2.Status:
    """Return the status of an error, with its details; also used for the items of a batch."""
    status = status_pb2.Status(code=_CODES[_known_type(error)], message=_cut(error.message, _LONGEST_MESSAGE))
    for detail in _details(error):
        status.details.add().Pack(detail)
    return status


def named(error: Exception) -> errors.RedletterError | None:
    """Return the error of our tree that a foreign exception means, or None if it means a bug."""
    if isinstance(error, errors.RedletterError):
        return error
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        cause = error.orig.__cause__ if error.orig else None
        away = is_away(error) or isinstance(cause, _TOO_LONG)
        return errors.DependencyUnavailable("the database does not answer; try again") if away else None
    if isinstance(error, grpc.aio.AioRpcError):
        return errors.DependencyUnavailable("another Redletter service does not answer; try again")
    if isinstance(error, _TOO_LONG) or is_away(error):
        return errors.DependencyUnavailable("a dependency does not answer; try again")
    return None


def internal(request_id: str) -> status_pb2.Status:
    """Return the status of a bug: a request id to look up in the logs, and nothing from inside."""
    status = status_pb2.Status(
        code=code_pb2.INTERNAL, message=f"internal error; the logs know more under request id {request_id}"
    )
    status.details.add().Pack(error_details_pb2.ErrorInfo(reason="INTERNAL", domain=DOMAIN))
    status.details.add().Pack(error_details_pb2.RequestInfo(request_id=request_id))
    return status


def _first(violations: Sequence[errors.FieldViolation]) -> Iterator[errors.FieldViolation]:
    """Yield as many violations as fit into the trailers, at least one."""
    room = _LONGEST_VIOLATIONS
    for violation in violations:
        sentence = violation.sentence()
        room -= len(violation.field.encode()) + len(sentence.encode())
        if room < 0 and violation is not violations[0]:
            return
        yield violation


def _cut(text: str, longest: int) -> str:
    """Return `text` in at most about `longest` bytes, its cut end marked."""
    encoded = text.encode()
    if len(encoded) <= longest:
        return text
    return encoded[:longest].decode(errors="ignore") + "..."


def _known_type(error: errors.RedletterError) -> type[errors.RedletterError]:
    return next(kind for kind in type(error).__mro__ if kind in _CODES)


def _details(error: errors.RedletterError) -> Iterator[Message]:
    yield error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN)
    if isinstance(error, errors.InvalidInput):
        yield error_details_pb2.BadRequest(
            field_violations=[
                error_details_pb2.BadRequest.FieldViolation(
                    field=v.field, description=_cut(v.sentence(), _LONGEST_MESSAGE), reason=error.reason
                )
                for v in _first(error.violations)
            ]
        )
    if isinstance(error, errors.TooManyRequests | errors.DependencyUnavailable):
        yield error_details_pb2.RetryInfo(retry_delay=duration(error.retry_after))
    if isinstance(error, errors.TooManyRequests):
        yield error_details_pb2.QuotaFailure(
            violations=[
                error_details_pb2.QuotaFailure.Violation(subject=error.subject, description=error.message)
            ]
        )
