"""Which events a listing, a count or a re-issue is about; only what is asked for becomes a condition."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final

from chassis.conditions import Term, containing, joined

BEGINNING: Final = datetime(1, 1, 2, tzinfo=UTC)
END: Final = datetime(9999, 12, 30, tzinfo=UTC)
PLANNED: Final = "PLANNED"
ENDED: Final = ("SENT", "SUPPRESSED", "EXPIRED", "CANCELLED", "FAILED")


@dataclass(frozen=True, slots=True)
class Filter:
    """All of it must hold; what is empty or None is not asked. Intervals are half-open: [after, before).

    `states` are names without prefix, empty for all. `decided_before` and `reason` are of ended events only.
    """

    user_id: str = ""
    event_type_id: str = ""
    states: tuple[str, ...] = ()
    due_after: datetime | None = None
    due_before: datetime | None = None
    created_after: datetime | None = None
    created_before: datetime | None = None
    priority: int = 0
    metadata: tuple[tuple[str, str], ...] = field(default=())
    reason: str = ""
    decided_before: datetime | None = None

    @property
    def ended_states(self) -> list[str]:
        """Which states of ended events are asked for; none of them means none of the ended events."""
        return [state for state in ENDED if not self.states or state in self.states]

    @property
    def wants_planned(self) -> bool:
        """True when planned events are asked for."""
        return not self.states or PLANNED in self.states


def of_ended(asked: Filter) -> tuple[str, dict[str, Any]]:
    """Return the conditions on a row of `events` and what is bound to them."""
    made = "coalesce(CAST(request ->> 'create_time' AS timestamptz), decide_time)"
    terms: list[Term] = [
        ("user_id = :user_id", "user_id", asked.user_id),
        *_shared(asked),
        (f"{made} >= :created_after", "created_after", asked.created_after),
        (f"{made} < :created_before", "created_before", asked.created_before),
        ("priority = :priority", "priority", asked.priority),
        ("reason = :reason", "reason", asked.reason),
        ("decide_time < :decided_before", "decided_before", asked.decided_before),
    ]
    if len(asked.ended_states) < len(ENDED):
        terms.append(("state = ANY(CAST(:states AS text[]))", "states", asked.ended_states))
    return joined(terms)


def of_planned(asked: Filter, *, types_of_priority: list[str]) -> tuple[str, dict[str, Any]]:
    """Return the conditions on a row of `plans` and what is bound to them.

    `types_of_priority` are the event types whose priority is the one asked for.
    """
    made = "CAST(request ->> 'create_time' AS timestamptz)"
    terms: list[Term] = [
        *_shared(asked),
        (f"request IS NOT NULL AND {made} >= :created_after", "created_after", asked.created_after),
        (f"request IS NOT NULL AND {made} < :created_before", "created_before", asked.created_before),
    ]
    text, bound = joined(terms)
    if asked.priority:
        text += (
            " AND coalesce(CAST(request ->> 'priority' AS int) = :priority,"
            " event_type_id = ANY(CAST(:types_of_priority AS text[])))"
        )
        bound |= {"priority": asked.priority, "types_of_priority": types_of_priority}
    return text, bound


def _shared(asked: Filter) -> list[Term]:
    contained, name, metadata = containing("(request -> 'metadata')", dict(asked.metadata))
    return [
        ("event_type_id = :event_type_id", "event_type_id", asked.event_type_id),
        ("due_time >= :due_after", "due_after", asked.due_after),
        ("due_time < :due_before", "due_before", asked.due_before),
        (f"request IS NOT NULL AND {contained}", name, metadata),
    ]
