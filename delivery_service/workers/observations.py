"""What the lanes and the recorder count; set per batch, because a labelled metric costs 3 us."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector

ATTEMPTS = Counter("redletter_delivery_attempts_total", "Outcomes recorded, by what they were.", ["result"])
RETRIES = Counter("redletter_delivery_retries_total", "Attempts that will be followed by another one.")
QUEUE_OPEN = Gauge(
    "redletter_delivery_queue_open", "Pending deliveries, the inbox included (at most a million)."
)
QUEUE_AGE = Gauge(
    "redletter_delivery_queue_age_seconds",
    "Real time for which the oldest delivery that may be sent now waits for a replica.",
)
QUEUE_ANALYSES = Counter(
    "redletter_delivery_queue_analyses_total",
    "Times a slow batch of outcomes let PostgreSQL count the queue again for its plans.",
)
LANE_INFLIGHT = Gauge("redletter_delivery_lane_inflight", "Attempts in flight from this replica.")
LANE_HELD = Gauge("redletter_delivery_lane_held", "Deliveries in this replica's memory.")
LANES = Gauge("redletter_delivery_lanes", "Open lanes of this replica, by how they are.", ["state"])
LANE_WINDOW = Gauge(
    "redletter_delivery_lane_window", "Attempts that all open lanes together may have in flight now."
)
SLOWDOWNS = Counter(
    "redletter_delivery_slowdowns_total",
    "Times an endpoint's pace was halved: 429, 503, or no answer in time.",
)
PAUSES = Counter("redletter_delivery_pauses_total", "Times a Retry-After held a whole lane.")
GIVEN_BACK = Counter(
    "redletter_delivery_given_back_total",
    "Deliveries that left memory unsent, to be fetched again: parked, paused, or held by a lane that stands.",
)
INBOX_UNCLAIMED = Gauge(
    "redletter_delivery_inbox_unclaimed", "Unacknowledged messages in all inboxes (at most a million)."
)
INBOX_OLDEST = Gauge(
    "redletter_delivery_inbox_oldest_seconds", "Business time since the oldest of them was accepted."
)
INBOX_STREAMS = Gauge("redletter_delivery_inbox_streams", "Open streams of inbox readers of this replica.")
INBOX_PULLED = Counter("redletter_delivery_inbox_pulled_total", "Inbox messages leased to readers.")
INBOX_ACKED = Counter("redletter_delivery_inbox_acked_total", "Inbox messages acknowledged.")
INBOX_DISCARDED = Counter("redletter_delivery_inbox_discarded_total", "Inbox messages deleted.")
INBOX_LEASES_EXPIRED = Counter(
    "redletter_delivery_inbox_leases_expired_total", "Leases that ran out and went to the next reader."
)

_BOUNDS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0, 86_400.0)


class Lateness(Collector):
    """A histogram that takes hundreds of values at once."""

    def __init__(self) -> None:
        self._counts = [0] * (len(_BOUNDS) + 1)
        self._sum = 0.0

    def observe(self, seconds: Iterable[float]) -> None:
        """Add the business time from due to received of each delivery."""
        counts = self._counts
        for value in seconds:
            counts[bisect_left(_BOUNDS, value)] += 1
            self._sum += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Give the histogram to Prometheus."""
        total = 0
        buckets: list[tuple[str, float]] = []
        for bound, count in zip((*map(str, _BOUNDS), "+Inf"), self._counts, strict=True):
            total += count
            buckets.append((bound, float(total)))
        yield HistogramMetricFamily(
            "redletter_delivery_lateness_seconds",
            "Business time from due to received.",
            buckets=buckets,
            sum_value=self._sum,
        )


LATENESS = Lateness()
REGISTRY.register(LATENESS)
