"""What a refused call says: its code, its reason, its fields."""

from collections.abc import Awaitable
from dataclasses import dataclass, field

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status


@dataclass
class Refusal:
    """One error as a client sees it."""

    code: grpc.StatusCode | None = None
    message: str = ""
    reason: str = ""
    fields: dict[str, str] = field(default_factory=dict)


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """Return the details of a failed call."""
    found = Refusal(error.code(), error.details() or "")
    status = rpc_status.from_call(error)
    for detail in status.details if status else ():
        info, bad = error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
        if detail.Is(info.DESCRIPTOR):
            detail.Unpack(info)
            found.reason = info.reason
        if detail.Is(bad.DESCRIPTOR):
            detail.Unpack(bad)
            found.fields = {v.field: v.description for v in bad.field_violations}
    return found


async def refusal(call: Awaitable[object]) -> Refusal:
    """Return how `call` is refused; fail when it is not."""
    try:
        await call
    except grpc.aio.AioRpcError as error:
        return refusal_of(error)
    raise AssertionError("the call was not refused")
