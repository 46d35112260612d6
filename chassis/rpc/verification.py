"""API keys verified by user_service, for the services that do not own them."""

from datetime import timedelta
from typing import TYPE_CHECKING

import grpc
from google.rpc import error_details_pb2
from grpc_status import rpc_status
from redletter.user.v1 import auth_service_pb2 as pb

from chassis.errors import DependencyUnavailable, Unauthenticated
from chassis.rpc.credentials import Principal, Verify

if TYPE_CHECKING:  # a type of the stubs only
    from redletter.user.v1.auth_service_pb2_grpc import AuthServiceAsyncStub

TIMEOUT_SECONDS = 5.0


def verify_with(stub: "AuthServiceAsyncStub") -> Verify:
    """Return the verification that asks user_service once per key and cache time."""

    async def verify(secret: str) -> tuple[Principal, float]:
        try:
            answer = await stub.VerifyApiKey(pb.VerifyApiKeyRequest(secret=secret), timeout=TIMEOUT_SECONDS)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.INVALID_ARGUMENT:  # not even of the form of a key
                raise Unauthenticated("this API key is not known") from None
            if error.code() is grpc.StatusCode.UNAUTHENTICATED and _is_about_the_key(error):
                raise Unauthenticated(error.details() or "this API key is not known") from None
            raise DependencyUnavailable(
                "user_service, which knows the API keys, does not answer; try again",
                retry_after=timedelta(seconds=1),
            ) from error
        caller = Principal(answer.tenant_id, answer.api_key_id, frozenset(answer.scopes))
        return caller, answer.cache_for.ToTimedelta().total_seconds()

    return verify


def _is_about_the_key(error: grpc.aio.AioRpcError) -> bool:
    """Tell a refused API key from a refused service credential, which is our own misconfiguration."""
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details if status else ():
        if detail.Is(info.DESCRIPTOR) and detail.Unpack(info):
            return "internal credential" not in (error.details() or "")
    return False
