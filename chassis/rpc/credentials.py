"""Who is calling: API keys on the public port, a signed token between the services."""

import hashlib
import hmac
import time
from collections.abc import Awaitable, Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from chassis.errors import Forbidden, Unauthenticated

OPERATOR = "operator"
TENANT = "tenant"

# Both ends use real clocks; receivers of the token accept what two honest clocks can differ by.
TOKEN_SECONDS = 300
_LONGEST_STAMP = 12


@dataclass(frozen=True)
class Principal:
    """The caller of one request: its tenant ("" for an operator), key and scopes."""

    tenant_id: str
    api_key_id: str
    scopes: frozenset[str]


_principal: ContextVar[Principal] = ContextVar("principal")


def principal() -> Principal:
    """Return the caller of the request that is being served."""
    return _principal.get()


def tenant_id() -> str:
    """Return the caller's tenant.

    Raises:
        Forbidden: the key belongs to no tenant.
    """
    caller = _principal.get()
    if not caller.tenant_id or TENANT not in caller.scopes:
        raise Forbidden("this method needs a tenant's key; the given key is an operator's")
    return caller.tenant_id


def require_operator() -> Principal:
    """Return the caller if it is an operator.

    Raises:
        Forbidden: it is not.
    """
    caller = _principal.get()
    if OPERATOR not in caller.scopes:
        raise Forbidden("this method needs an operator's key; the given key is a tenant's")
    return caller


def enter(caller: Principal) -> None:
    """Make `caller` the principal of the current task."""
    _principal.set(caller)


Verify = Callable[[str], Awaitable[tuple[Principal, float]]]
"""Takes the secret of a key; returns its principal and how many seconds that may be remembered."""

_LONGEST_CACHE = 10_000


class ApiKeys:
    """Authenticates `authorization: Bearer rl_...` and remembers what was verified for a while."""

    def __init__(self, verify: Verify) -> None:
        self._verify = verify
        self._known: dict[bytes, tuple[Principal, float]] = {}

    async def __call__(self, metadata: Mapping[str, str]) -> Principal:
        """Return the caller, or raise Unauthenticated."""
        scheme, _, secret = metadata.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secret:
            raise Unauthenticated("no API key: send the metadata `authorization: Bearer <key>`")
        digest = hashlib.sha256(secret.encode()).digest()
        known = self._known.get(digest)
        if known and known[1] > time.monotonic():
            return known[0]
        caller, seconds = await self._verify(secret)
        if len(self._known) >= _LONGEST_CACHE:
            self._known.clear()
        self._known[digest] = (caller, time.monotonic() + seconds)
        return caller


class InternalToken:
    """Signs and checks `authorization: Internal <unix time>.<hmac>` with the services' shared secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret.encode()

    def header(self) -> str:
        """Return the value of the authorization header for a call made now."""
        now = str(int(time.time()))
        return f"Internal {now}.{self._sign(now)}"

    async def __call__(self, metadata: Mapping[str, str]) -> Principal:
        """Return the internal caller, or raise Unauthenticated."""
        scheme, _, token = metadata.get("authorization", "").partition(" ")
        stamp, _, signature = token.partition(".")
        if scheme != "Internal" or not stamp.isdigit() or len(stamp) > _LONGEST_STAMP:
            raise Unauthenticated("no internal credential: this port is for Redletter's own services")
        if abs(time.time() - int(stamp)) > TOKEN_SECONDS:
            raise Unauthenticated("the internal credential is too old: check the clocks of the services")
        if not hmac.compare_digest(self._sign(stamp), signature):
            raise Unauthenticated("the internal credential is wrong: check REDLETTER_INTERNAL_SECRET")
        return Principal("", "internal", frozenset())

    def _sign(self, stamp: str) -> str:
        return hmac.digest(self._secret, stamp.encode(), "sha256").hex()
