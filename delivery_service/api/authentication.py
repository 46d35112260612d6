"""API keys are verified by user_service."""

from datetime import timedelta

import grpc
from redletter.user.v1 import auth_service_pb2, auth_service_pb2_grpc

from chassis.errors import DependencyUnavailable, Unauthenticated
from chassis.rpc.credentials import Principal
from chassis.wire import span

_TIMEOUT = timedelta(seconds=2)


class KeyVerification:
    """Asks AuthService whose key it is; an answer may be remembered as long as it says."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = auth_service_pb2_grpc.AuthServiceStub(channel)

    async def __call__(self, secret: str) -> tuple[Principal, float]:
        """Return the key's principal and the seconds it may be remembered.

        Raises:
            Unauthenticated: the key is unknown, expired, revoked, or no key at all.
            DependencyUnavailable: user_service does not answer.
        """
        request = auth_service_pb2.VerifyApiKeyRequest(secret=secret)
        try:
            answer = await self._stub.VerifyApiKey(request, timeout=_TIMEOUT.total_seconds())
        except grpc.aio.AioRpcError as error:
            if error.code() in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.INVALID_ARGUMENT):
                raise Unauthenticated("the API key is unknown, expired or revoked") from None
            raise DependencyUnavailable("API keys cannot be verified: user_service does not answer") from None
        caller = Principal(answer.tenant_id, answer.api_key_id, frozenset(answer.scopes))
        return caller, span(answer.cache_for).total_seconds()
