"""Which lanes are open in this replica, and how much each may take into memory."""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from delivery_service.coordination.rates import Rates
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.shares import Shares
from delivery_service.store.endpoints import Target
from delivery_service.workers.breakers import Breakers
from delivery_service.workers.lane import Lane
from delivery_service.workers.limits import Limits
from delivery_service.workers.observations import LANE_WINDOW, LANES

_IDLE_SECONDS = 60.0
# Of a lane that gets no answers, or fewer than it could: per attempt that may be under way.
_SLOW_WINDOW = 16
_LEAST_HELD = 16
_STATES = ("open", "slowed", "stalled", "paused", "parked")


class Roster:
    """The open lanes by key."""

    def __init__(self, breakers: Breakers, rates: Rates, limits: Limits) -> None:
        self._breakers = breakers
        self._rates = rates
        self._concurrency = limits.concurrency
        self._window = limits.window
        self._shares = Shares(limits.held, small=min(_LEAST_HELD, limits.window))
        self._lanes: dict[LaneKey, Lane] = {}

    def __iter__(self) -> Iterator[Lane]:
        return iter(list(self._lanes.values()))

    def __getitem__(self, key: LaneKey) -> Lane:
        return self._lanes[key]

    def get(self, key: LaneKey) -> Lane | None:
        """Return an open lane."""
        return self._lanes.get(key)

    def unknown(self, keys: Iterable[LaneKey]) -> list[LaneKey]:
        """Return the endpoints that have no lane yet: their targets must be opened first.

        Those that have one keep it for a while: rows for them are on their way.
        """
        wanted = set(keys)
        for key in wanted & self._lanes.keys():
            self._lanes[key].idle_since = time.monotonic()
        return [key for key in wanted if key not in self._lanes]

    def open(self, keys: Iterable[LaneKey], targets: Mapping[LaneKey, Target]) -> None:
        """Open lanes; an endpoint without a target is gone, its deliveries will end as dead."""
        for key in keys:
            if key not in self._lanes:
                self._lanes[key] = Lane(key, most=self._concurrency)
                self._aim(self._lanes[key], targets.get(key))

    def aim(self, keys: Iterable[LaneKey], targets: Mapping[LaneKey, Target]) -> None:
        """Take the present URLs, states, limits and secrets of these lanes' endpoints."""
        for key in keys:
            if key in self._lanes:
                self._aim(self._lanes[key], targets.get(key))

    def close_idle(self) -> None:
        """Close what has been empty for a minute."""
        now = time.monotonic()
        for key, lane in list(self._lanes.items()):
            if not lane.empty or lane.paused_until > now:
                lane.idle_since = now
            elif now - lane.idle_since > _IDLE_SECONDS:
                del self._lanes[key]
                self._rates.forget(key)

    def keys(self) -> list[LaneKey]:
        """Return the key of every open lane."""
        return list(self._lanes)

    def window(self, lane: Lane) -> int:
        """Return how many deliveries a lane may hold, however much room there is."""
        if lane.paused_until > time.monotonic() or self._breakers.parked(lane.key):
            return 0
        if self._breakers.probing(lane.key) or lane.stalled:
            return 1
        return self._slow_window(lane) if lane.pace.slowed else self._window

    def room_of(self, key: LaneKey, *, held: int) -> int:
        """Return how many more deliveries of one endpoint may come in while `held` are held in all.

        None while its breaker or the receiver itself asks for nothing, one while a probe is due.
        """
        lane = self._lanes.get(key)
        if lane is None:
            if self._breakers.parked(key):
                return 0
            most = 1 if self._breakers.probing(key) else self._window
            return min(most, self._shares.room(0, held))
        waiting = len(lane.waiting)
        return max(0, min(self.window(lane) - waiting, self._shares.room(waiting, held)))

    def surplus(self, lane: Lane, *, held: int) -> int:
        """Return how many of its waiting deliveries a slow lane has to give back; nearly all when memory is short."""
        if not lane.slow:
            return 0
        waiting = len(lane.waiting)
        crowded = self._shares.room(max(waiting, _LEAST_HELD), held) == 0
        return waiting - (1 if crowded else self._slow_window(lane))

    def _slow_window(self, lane: Lane) -> int:
        return min(self._window, lane.pace.window * _SLOW_WINDOW)

    def observe(self) -> None:
        """Count the lanes by how they are."""
        now = time.monotonic()
        states = Counter(self._state(lane, now) for lane in self._lanes.values())
        for state in _STATES:
            LANES.labels(state).set(states[state])
        LANE_WINDOW.set(sum(lane.limit for lane in self._lanes.values()))

    def _state(self, lane: Lane, now: float) -> str:
        if self._breakers.parked(lane.key):
            return "parked"
        if lane.paused_until > now:
            return "paused"
        if lane.stalled:
            return "stalled"
        return "slowed" if lane.pace.slowed else "open"

    def _aim(self, lane: Lane, target: Target | None) -> None:
        lane.aim(target)
        self._rates.aim(lane.key, lane.max_rate)
        if target is not None:
            self._breakers.aim(lane.key, target.endpoint.breaker_policy)
