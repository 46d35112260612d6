"""How much one replica takes on."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """Attempts per lane and in all, deliveries in memory per lane and in all.

    `drain_seconds` is how long a stopping replica waits for answers; what has none by then is handed
    back and sent again by another replica.
    """

    concurrency: int
    in_flight: int
    window: int
    held: int
    drain_seconds: float
