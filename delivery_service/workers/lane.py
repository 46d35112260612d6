"""One endpoint's lane in memory: what waits, and what an attempt to it looks like."""

import time
from collections import deque

from delivery_service.domain.deliveries import LaneKey, QueuedDelivery
from delivery_service.domain.endpoints import EndpointState
from delivery_service.domain.signatures import Signer, Signers
from delivery_service.store.endpoints import Target
from delivery_service.transport.requests import Request

_CONSTANT = (
    "Content-Type: application/json",
    "User-Agent: Redletter/0.1",
    "Accept:",  # libcurl's own header, left out
    "Expect:",
)


class Lane:
    """Deliveries of one endpoint that this replica holds, oldest first."""

    __slots__ = (
        "behind",
        "enabled",
        "idle_since",
        "in_flight",
        "key",
        "signers",
        "timeout_ms",
        "url",
        "version",
        "waiting",
    )

    def __init__(self, key: LaneKey, target: Target | None) -> None:
        self.key = key
        self.waiting: deque[QueuedDelivery] = deque()
        self.in_flight = 0
        self.behind = False
        self.idle_since = time.monotonic()
        self.enabled = False
        self.url = ""
        self.timeout_ms = 0
        self.signers = Signers(())
        self.aim(target)

    @property
    def empty(self) -> bool:
        """Whether nothing waits and nothing is in flight."""
        return not self.waiting and not self.in_flight

    def aim(self, target: Target | None) -> None:
        """Take the endpoint's present URL, timeout and secrets; None when it is gone."""
        if target is None or target.endpoint.state is not EndpointState.ENABLED or not target.secrets:
            self.enabled = False
            return
        self.url = target.endpoint.url
        self.timeout_ms = int(target.endpoint.timeout.total_seconds() * 1000)
        self.signers = Signers(tuple(Signer(secret.secret_id, secret.key) for secret in target.secrets))
        self.enabled = True

    def request(self, row: QueuedDelivery) -> Request:
        """Return the signed POST of a delivery, stamped with the real time."""
        stamp = int(time.time())
        headers = [
            *_CONSTANT,
            f"webhook-id: {row.event_id}",
            f"webhook-timestamp: {stamp}",
            f"webhook-signature: {self.signers.header(row.event_id, stamp, row.body)}",
        ]
        if row.traceparent:
            headers.append(f"traceparent: {row.traceparent}")
        return Request(self.url, headers, row.body, self.timeout_ms)
