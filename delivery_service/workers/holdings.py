"""What this replica holds in memory: from the offer of a delivery until its outcome is stored."""

from collections.abc import Iterable, Sequence

from delivery_service.domain.deliveries import QueuedDelivery
from delivery_service.store.outcomes import Outcome

Name = tuple[str, str]
"""Of a delivery: event id, endpoint id."""


class Holdings:
    """Deliveries by name: each is held once, whether it waits, is being sent, or is not stored yet."""

    def __init__(self) -> None:
        self._held: dict[Name, QueuedDelivery] = {}
        # Fetched again while the commit of their last outcome has not been heard of.
        self._early: dict[Name, QueuedDelivery] = {}

    def __len__(self) -> int:
        return len(self._held)

    def __contains__(self, name: Name) -> bool:
        return name in self._held

    def take(self, name: Name, row: QueuedDelivery) -> bool:
        """Hold a delivery; False when it is held already."""
        known = self._held.get(name)
        if known is None:
            self._held[name] = row
            return True
        # Not the one that is held: the row as its outcome left it. It goes on when that is heard of.
        if (row.round, row.attempts) > (known.round, known.attempts):
            self._early[name] = row
        return False

    def drop(self, names: Iterable[Name]) -> None:
        """Hold these no more."""
        for name in names:
            self._held.pop(name, None)

    def store(self, outcome: Outcome) -> tuple[QueuedDelivery | None, QueuedDelivery | None]:
        """Return what was held, and the same delivery if it was fetched again meanwhile: it must be offered anew."""
        name = (outcome.event_id, outcome.endpoint_id)
        return self._held.pop(name, None), self._early.pop(name, None)

    def forget_early(self) -> list[Name]:
        """Forget what was fetched again; return its names."""
        dropped = list(self._early)
        self._early.clear()
        return dropped

    def matching(self, tenant_id: str, event_ids: Sequence[str], user_id: str) -> set[Name]:
        """Return what is held of these events, or of this user."""
        wanted = set(event_ids)
        return {
            name
            for name, row in self._held.items()
            if row.tenant_id == tenant_id and (name[0] in wanted or (user_id and row.user_id == user_id))
        }
