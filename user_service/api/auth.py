"""AuthService: verifies keys for the other services; and the same look-up for our own public port."""

from datetime import timedelta
from typing import Final

from redletter.user.v1 import auth_service_pb2, auth_service_pb2_grpc

from chassis.clocks import BusinessClock
from chassis.rpc.credentials import Principal
from chassis.wire import duration
from user_service.api.calls import Context
from user_service.store.api_keys import ApiKeys

# How long a revoked key may still be accepted by whoever has verified it before.
CACHE_FOR: Final = timedelta(seconds=30)


class Verification:
    """Looks keys up in the store, by the real clock."""

    def __init__(self, keys: ApiKeys, clock: BusinessClock) -> None:
        self._keys = keys
        self._clock = clock

    async def __call__(self, secret: str) -> tuple[Principal, float]:
        """Return whose key this is and for how many seconds that may be remembered.

        Raises:
            Unauthenticated: it is unknown, expired or revoked.
        """
        real = self._clock.real()
        key = await self._keys.verify(secret, real=real)
        seconds = CACHE_FOR.total_seconds()
        if key.expire_time is not None:
            seconds = min(seconds, (key.expire_time - real).total("seconds"))
        return Principal(key.tenant_id or "", key.api_key_id, frozenset(key.scopes)), seconds


class AuthServicer(auth_service_pb2_grpc.AuthServiceServicer):
    """Internal: whose key is this?"""

    def __init__(self, verify: Verification) -> None:
        self._verify = verify

    async def VerifyApiKey(
        self, request: auth_service_pb2.VerifyApiKeyRequest, _context: Context
    ) -> auth_service_pb2.VerifyApiKeyResponse:
        """Answer tenant, key and scopes of a secret."""
        caller, seconds = await self._verify(request.secret)
        return auth_service_pb2.VerifyApiKeyResponse(
            tenant_id=caller.tenant_id,
            api_key_id=caller.api_key_id,
            scopes=sorted(caller.scopes),
            cache_for=duration(timedelta(seconds=seconds)),
        )
