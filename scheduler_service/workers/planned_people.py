"""What all of the leader's planning does: read people's plans, locked; plan one person after the other; write."""

from collections.abc import Iterable, Mapping, Sequence

import structlog
from prometheus_client import Counter
from sqlalchemy.ext.asyncio import AsyncConnection

from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import USER_PART_BYTES, user_part
from scheduler_service.domain.planning import Changes, Planner
from scheduler_service.domain.plans import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.store import plans

log = structlog.get_logger()

PLANNED = Counter("redletter_scheduler_plans_written_total", "Plans that were written or forgotten.")
UNPLANNABLE = Counter(
    "redletter_scheduler_unplannable_total",
    "People that could not be planned: changes are kept and tried again, plans stay as they are.",
)

Key = tuple[str, str]
"""Tenant and user."""


async def plans_of(
    connection: AsyncConnection, key: bytes, people: Iterable[Key]
) -> dict[Key, dict[bytes, Plan]]:
    """Return these people's plans by plan id, locked in id order; `key` is the ids' key.

    By the user's part of the id: the tombstones of somebody who was deleted no longer name them.
    """
    owners = {user_part(key, *person): person for person in people}
    found: dict[Key, dict[bytes, Plan]] = {}
    for plan in await plans.of_users(connection, list(owners)):
        found.setdefault(owners[plan.plan_id[:USER_PART_BYTES]], {})[plan.plan_id] = plan
    return found


def plan_each(
    planner: Planner,
    people: Iterable[Recipient],
    *,
    rules: Mapping[str, Sequence[EventType]],
    defaults: Mapping[str, TenantDefaults],
    existing: Mapping[Key, Mapping[bytes, Plan]],
) -> tuple[Changes, dict[Key, str]]:
    """Return what makes these people's plans right, and who cannot be planned and why; that stops nobody else."""
    changes = Changes()
    unplanned: dict[Key, str] = {}
    for person in people:
        key, own = (person.tenant_id, person.user_id), Changes()
        try:
            planner.plan_user(
                person,
                rules.get(person.tenant_id, ()),
                defaults=defaults[person.tenant_id],
                existing=existing.get(key, {}),
                changes=own,
            )
        except Exception as error:  # noqa: BLE001 - for example a zone that another release of tzdata has
            unplanned[key] = unplannable(key, error)
            continue
        changes.upserts += own.upserts
        changes.deletes += own.deletes
    return changes, unplanned


def unplannable(key: Key, error: Exception) -> str:
    """Say that a person cannot be planned; return the reason in a word."""
    UNPLANNABLE.inc()
    log.error("recipient.unplannable", tenant_id=key[0], user_id=key[1], error=type(error).__name__)
    return type(error).__name__


async def write(connection: AsyncConnection, changes: Changes) -> None:
    """Write what planning decided, in one statement each."""
    await plans.upsert(connection, changes.upserts)
    await plans.delete(connection, changes.deletes)
    PLANNED.inc(len(changes.upserts) + len(changes.deletes))
