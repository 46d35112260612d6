"""One endpoint's lane in memory: what waits, how much may be under way, what an attempt looks like."""

import time
from collections import deque

from delivery_service.domain.deliveries import LaneKey, QueuedDelivery
from delivery_service.domain.endpoints import Endpoint, EndpointState
from delivery_service.domain.paces import Pace
from delivery_service.domain.retries import RetryPolicy
from delivery_service.domain.signatures import Signers
from delivery_service.store.endpoints import Target
from delivery_service.transport.requests import ClientIdentity, Request

_CONSTANT = (
    "Content-Type: application/json",
    "User-Agent: Redletter/0.1",
    "Accept:",  # libcurl's own header, left out
    "Expect:",
)
# A lane that answers nothing for so long keeps little in memory, for what it holds others cannot.
STALLED_SECONDS = 1.0


class Lane:
    """Deliveries of one endpoint that this replica holds, oldest first."""

    __slots__ = (
        "_constant",
        "_identity",
        "_most",
        "behind",
        "enabled",
        "idle_since",
        "in_flight",
        "key",
        "limit",
        "max_rate",
        "moved",
        "pace",
        "paused_until",
        "retry_policy",
        "signers",
        "stalled",
        "timeout_ms",
        "url",
        "waiting",
    )

    def __init__(self, key: LaneKey, *, most: int) -> None:
        self.key = key
        self.waiting: deque[QueuedDelivery] = deque()
        self.in_flight = 0
        self.behind = False
        """PostgreSQL has more for it."""
        self.idle_since = self.moved = time.monotonic()
        self.paused_until = 0.0
        """The receiver asked for nothing before this moment of the monotonic clock."""
        self.stalled = False
        self.enabled = False
        self.url = ""
        self.timeout_ms = 0
        self.max_rate = 0.0
        self.retry_policy = RetryPolicy()
        self.signers = Signers(())
        self._most = most
        self.pace = Pace(most)
        self.limit = self.pace.window
        """Attempts that may be under way at the same time, now."""
        self._constant: tuple[str, ...] = _CONSTANT
        self._identity: ClientIdentity | None = None

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is in flight."""
        return not self.waiting and not self.in_flight

    @property
    def slow(self) -> bool:
        """Whether it takes less than it might: it was asked to slow down, or gets no answers."""
        return self.stalled or self.pace.slowed

    def aim(self, target: Target | None) -> None:
        """Take the endpoint's present URL, limits, policy and secrets; None when it is gone."""
        if target is None or target.endpoint.state is not EndpointState.ENABLED or not target.secrets:
            self.enabled = False
            self.paused_until = 0.0  # what waits only ends; no receiver's wish delays that
            return
        endpoint = target.endpoint
        self.url = endpoint.url
        self.timeout_ms = int(endpoint.timeout.total_seconds() * 1000)
        self.signers = self.signers.renewed(target.secrets)
        self.retry_policy = endpoint.retry_policy
        self.max_rate = endpoint.max_rate
        self.pace.limit(min(endpoint.max_concurrency or self._most, self._most))
        self.limit = self.pace.window
        self._constant = (*_CONSTANT, *(f"{name}: {value}" for name, value in endpoint.headers))
        self._identity = _identity(endpoint)
        self.enabled = True

    def look(self, now: float) -> None:
        """Note whether what is under way has got no answer for too long; `now` is monotonic."""
        self.stalled = self.in_flight > 0 and now - self.moved > STALLED_SECONDS

    def request(self, row: QueuedDelivery) -> Request:
        """Return the signed POST of a delivery, stamped with the real time."""
        stamp = int(time.time())
        headers = [
            *self._constant,
            f"webhook-id: {row.event_id}",
            f"webhook-timestamp: {stamp}",
            f"webhook-signature: {self.signers.header(row.event_id, stamp, row.body)}",
        ]
        if row.traceparent:
            headers.append(f"traceparent: {row.traceparent}")
        return Request(self.url, headers, row.body, self.timeout_ms, self._identity)


def _identity(endpoint: Endpoint) -> ClientIdentity | None:
    if not endpoint.client_certificate:
        return None
    return ClientIdentity(endpoint.client_certificate, endpoint.client_key)
