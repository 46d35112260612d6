"""What a call can end with, other than its answer.

RedletterError
├── ApiError            the service refused or could not; `code`, `reason` and `message` say why
│   └── Unreachable     nobody answered at the address at all
└── WebhookRejected     a webhook is not what it claims to be (`redletter.webhooks`)
"""

from dataclasses import dataclass
from datetime import timedelta
from typing import cast

import grpc
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2, status_pb2

_DETAILS_KEY = "grpc-status-details-bin"
# What gRPC says when the caller itself cancelled or closed. Any other bare CANCELLED came from the other side: seen
# once in 30,000 events while replicas were replaced, so taken for a replica that stopped as the call came in.
_OWN_DOING = frozenset({"Locally cancelled by application!", "Channel closed!"})


class RedletterError(Exception):
    """Any error of this package."""


@dataclass(frozen=True)
class Violation:
    """One refused field: its path in the request, and a sentence that says what is wrong and allowed."""

    field: str
    description: str


class ApiError(RedletterError):
    """A call that did not succeed.

    `code` is the gRPC status by name (`INVALID_ARGUMENT`), `reason` a value of
    `redletter.common.v1.ErrorReason` without its prefix (`UNKNOWN_TIME_ZONE`; empty when the answer did not
    come from Redletter), `message` a sentence, `retry_after` how long to wait when the service said so.
    """

    def __init__(
        self,
        code: str,
        message: str,
        *,
        reason: str = "",
        violations: tuple[Violation, ...] = (),
        retry_after: timedelta | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.violations = violations
        self.retry_after = retry_after


class Unreachable(ApiError):
    """Nobody answered at `address`, where `service` (`user`, `scheduler`, `delivery`) was expected."""

    def __init__(self, service: str, address: str, why: str) -> None:
        super().__init__("UNAVAILABLE", f"cannot reach {service}_service at {address}: {why}")
        self.service = service
        self.address = address
        self.why = why


class WebhookRejected(RedletterError):
    """A webhook whose signature, age or headers do not hold; treat its body as an attacker's."""


def from_rpc_error(error: grpc.RpcError, *, service: str, address: str) -> ApiError:
    """Return the error that a failed call means; `service` and `address` name who was called."""
    call = _call(error)
    code = call.code().name if call else "UNKNOWN"
    text = (call.details() if call else None) or str(error)
    status = _status(call) if call else None
    if status is None:
        # Every answer of Redletter carries details. Without them it is gRPC itself that speaks: nobody listens,
        # the connection broke, or the deadline passed.
        return _without_details(code, text, service, address)
    return from_status(status, code=code)


def from_status(status: status_pb2.Status, *, code: str = "") -> ApiError:
    """Return the error that a status means, for example of one item of a batch."""
    info, bad, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.BadRequest(),
        error_details_pb2.RetryInfo(),
    )
    has_retry = False
    for detail in status.details:
        _ = detail.Unpack(info) or detail.Unpack(bad)
        has_retry = detail.Unpack(retry) or has_retry
    return ApiError(
        code or _code_name(status.code),
        status.message,
        reason=info.reason,
        violations=tuple(Violation(v.field, v.description) for v in bad.field_violations),
        retry_after=retry.retry_delay.ToTimedelta() if has_retry else None,
    )


def too_large(method: str, size: int, limit: int) -> ApiError:
    """Return the error of a request that was not sent because no service would take it."""
    return ApiError(
        "INVALID_ARGUMENT",
        f"the request of {method} has {size:,} bytes; at most {limit:,} are allowed",
        reason="TOO_LARGE",
    )


def _without_details(code: str, text: str, service: str, address: str) -> ApiError:
    if code == "UNAVAILABLE" or (code == "CANCELLED" and text not in _OWN_DOING):
        return Unreachable(service, address, text)
    if code == "DEADLINE_EXCEEDED":
        return ApiError(code, f"{service}_service at {address} did not answer in time")
    return ApiError(code, text)


def _call(error: grpc.RpcError) -> grpc.Call | None:
    # What gRPC raises is both, which no annotation of it says.
    return cast("grpc.Call", error) if hasattr(error, "trailing_metadata") else None


def _status(call: grpc.Call) -> status_pb2.Status | None:
    for key, value in call.trailing_metadata() or ():
        if key == _DETAILS_KEY and isinstance(value, bytes):
            try:
                return status_pb2.Status.FromString(value)
            except DecodeError:
                return None
    return None


def _code_name(number: int) -> str:
    return next((code.name for code in grpc.StatusCode if code.value[0] == number), "UNKNOWN")
