"""Changes: what the scheduler has not confirmed yet, and which of it comes first."""

from dataclasses import dataclass
from enum import IntEnum

from whenever import Instant

from user_service.domain.tenants import Tenant
from user_service.domain.users import User


class Urgency(IntEnum):
    """Order of the feed. A tenant comes before all users: nobody is planned without its tenant."""

    TENANT = -1
    DELETION = 0
    SINGLE = 1
    BATCH = 2


@dataclass(frozen=True, slots=True)
class Tombstone:
    """The user is gone since this business instant."""

    delete_time: Instant


@dataclass(frozen=True, slots=True)
class Change:
    """The newest state of one user or tenant (`user_id` empty); marked at the real instant `change_time`."""

    tenant_id: str
    user_id: str
    version: int
    change_time: Instant
    state: User | Tenant | Tombstone


@dataclass(frozen=True, slots=True)
class Applied:
    """One version of one user or tenant that the scheduler has applied."""

    tenant_id: str
    user_id: str
    version: int
