"""When each lane will have something to fetch, as far as this replica knows. No I/O."""

import heapq

from delivery_service.domain.deliveries import LaneKey


class Expectations:
    """The next instant of each lane, in seconds of the real clock; one instant per lane, the earliest counts."""

    def __init__(self) -> None:
        self._next: dict[LaneKey, float] = {}
        # Of each lane at least its present instant; what does not match `_next` is out of date.
        self._heap: list[tuple[float, LaneKey]] = []

    def __len__(self) -> int:
        return len(self._next)

    def expect(self, key: LaneKey, at: float) -> None:
        """Expect something at `at`, unless there is something to expect earlier."""
        known = self._next.get(key)
        if known is None or at < known:
            self._next[key] = at
            heapq.heappush(self._heap, (at, key))

    def due(self, now: float) -> list[LaneKey]:
        """Return the lanes whose instant has come, the earliest first; they are expected no more."""
        found: list[LaneKey] = []
        while self._heap and self._heap[0][0] <= now:
            at, key = heapq.heappop(self._heap)
            if self._next.get(key) == at:
                del self._next[key]
                found.append(key)
        return found

    def earliest(self) -> float | None:
        """Return the earliest instant."""
        while self._heap and self._next.get(self._heap[0][1]) != self._heap[0][0]:
            heapq.heappop(self._heap)
        return self._heap[0][0] if self._heap else None
