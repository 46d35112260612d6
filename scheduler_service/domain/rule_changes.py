"""Changes of event types: which edits are a new version, which of them move due times."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from whenever import Instant

from chassis.errors import AlreadyExists, NotFound
from scheduler_service.domain.event_types import EventType, EventTypeState

MAX_EVENT_TYPES: Final = 1_000
"""How many event types a tenant may have that are not deleted."""

MOVES_DUE_TIMES: Final = frozenset(
    {
        "state",
        "local_time",
        "day_offset",
        "deliver_within",
        "rrule",
        "gap",
        "fold",
        "skipped_date",
        "on_enrol",
        "weekend_shift",
        "spread",
    }
)
"""Edits of these plan everybody again; all others count from the next decision on."""


def edited(rule: EventType, changes: Mapping[str, Any], *, now: Instant) -> EventType:
    """Return the rule with these values; the same object when it has them already.

    One that becomes active is enrolled `now`: what fell due while it was not is not made up for.
    """
    new = {name: value for name, value in changes.items() if getattr(rule, name) != value}
    if not new:
        return rule
    return replace(
        rule,
        **new,
        version=rule.version + 1,
        timing_version=rule.timing_version + bool(new.keys() & MOVES_DUE_TIMES),
        enrol_time=now if new.get("state") is EventTypeState.ACTIVE else rule.enrol_time,
    )


def touched(rule: EventType, *, moves_due_times: bool) -> EventType:
    """Return the next version of a rule whose surroundings changed: its name, its tenant's holidays."""
    return replace(rule, version=rule.version + 1, timing_version=rule.timing_version + moves_due_times)


def revived(deleted: EventType, wanted: EventType) -> EventType:
    """Return a new rule as the next version of the deleted one of its name, so that cycles are remembered.

    Raises:
        AlreadyExists: it is not deleted, or was for another kind of occasion or recurrence.
    """
    name = wanted.event_type_id
    if deleted.state is not EventTypeState.DELETED:
        raise AlreadyExists(f"there is an event type {name!r} already; update it instead")
    for field in ("occasion_kind", "recurrence"):
        was = getattr(deleted, field)
        if was != getattr(wanted, field):
            raise AlreadyExists(
                f"there was an event type {name!r} with {field} {str(was)!r}, whose cycles are remembered; it is"
                f" revived with the same {field} only, so take another name for {str(getattr(wanted, field))!r}"
            )
    return replace(wanted, version=deleted.version + 1, timing_version=deleted.timing_version + 1)


def require_present(rule: EventType) -> None:
    """Refuse what cannot be done with a rule that is deleted.

    Raises:
        NotFound: it is.
    """
    if rule.state is EventTypeState.DELETED:
        raise NotFound(f"event type {rule.event_type_id!r} is deleted; create it again to revive it")
