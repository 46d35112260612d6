"""API keys: who may call, for which tenant, until when. The secret itself is stored nowhere."""

import hashlib
from dataclasses import dataclass
from enum import StrEnum

from whenever import Instant


class Scope(StrEnum):
    """What a key may do."""

    TENANT = "tenant"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret; `tenant_id` is None for an operator's. All instants are real."""

    api_key_id: str
    tenant_id: str | None
    name: str
    scopes: tuple[Scope, ...]
    create_time: Instant
    expire_time: Instant | None = None
    revoke_time: Instant | None = None

    def works_at(self, real: Instant) -> bool:
        """Return whether the key is neither revoked nor expired at the real instant."""
        return self.revoke_time is None and (self.expire_time is None or real < self.expire_time)


def digest(secret: str) -> bytes:
    """Return what is stored of a secret: its SHA-256. Secrets are random, so no salt is needed."""
    return hashlib.sha256(secret.encode()).digest()
