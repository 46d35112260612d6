"""Changes: what the scheduler has not confirmed yet, and which of it comes first."""

from dataclasses import dataclass
from enum import IntEnum

from whenever import Instant

from user_service.domain.care_switches import CareSwitch
from user_service.domain.tenants import Tenant
from user_service.domain.users import User


class Urgency(IntEnum):
    """Order of the feed. A tenant comes before all users: nobody is planned without its tenant.

    STOP is what must keep a message from being sent: a deletion, a care switch, an opt-out.
    """

    TENANT = -1
    STOP = 0
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
    care_switches: tuple[CareSwitch, ...] = ()


@dataclass(frozen=True, slots=True)
class Applied:
    """One version of one user or tenant that the scheduler has applied."""

    tenant_id: str
    user_id: str
    version: int


def urgency(before: User | None, after: User, *, usual: Urgency) -> Urgency:
    """Return the place in the feed of a write: a single call's new opt-out is STOP, else the usual one.

    An import that opts many people out keeps its place, or nothing else would get through for minutes.
    """
    if usual is not Urgency.SINGLE:
        return usual
    known = before.preferences.opted_out if before is not None else frozenset()
    return Urgency.STOP if after.preferences.opted_out - known else usual
