"""What arrived, message by message, with its distance from the due time on both clocks."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime

from whenever import Instant

from redletter_cli.dev.arrivals import Arrival
from redletter_cli.dev.clock import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """A verified message at its first arrival; `lateness` in business seconds, negative is early."""

    webhook_id: str
    user_id: str
    event_type: str
    occurrence_date: date
    due: datetime
    lateness: float
    marked_late: bool


class Inbound:
    """Everything that reached the receiver of one run."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._times: Counter[str] = Counter()
        self.messages: dict[str, Received] = {}
        self.refused: list[str] = []

    @property
    def repeats(self) -> int:
        """How often an id came again."""
        return self._times.total() - len(self._times)

    def take(self, arrivals: Iterable[Arrival]) -> None:
        """Add what has arrived."""
        for arrival in arrivals:
            received = self._read(arrival) if arrival.verified else None
            if received is None:
                self.refused.append(f"{arrival.webhook_id}: {arrival.reason or 'not the body of a message'}")
                continue
            self._times[arrival.webhook_id] += 1
            self.messages.setdefault(arrival.webhook_id, received)

    def _read(self, arrival: Arrival) -> Received | None:
        try:
            data = arrival.body["data"]
            due = Instant.parse_iso(arrival.body["timestamp"])
            return Received(
                webhook_id=arrival.webhook_id,
                user_id=data["user"]["id"],
                event_type=data["event_type"],
                occurrence_date=date.fromisoformat(data["occurrence_date"]),
                due=due.to_stdlib(),
                lateness=(self._clock.at(arrival.real_time) - due).total("seconds"),
                marked_late=bool(data["late"]),
            )
        except (KeyError, TypeError, ValueError):
            return None
