"""Sending again under the same id: which deliveries may have a new round, and until when it is worth sending.

A round is one turn of getting an event to an endpoint: attempts counted from zero, a `deliver_by` of its own.
What the rounds before came to stays as it was.
"""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Final

from whenever import Instant

from chassis.errors import IllegalTransition, NotFound, RedletterError
from delivery_service.domain.deliveries import INBOX, DeliveryState
from delivery_service.domain.endpoints import EndpointState
from delivery_service.domain.settlements import Settlement

REDELIVER_DELIVERIES: Final = "redeliver_deliveries"
DISCARD_DEAD_LETTERS: Final = "discard_dead_letters"

KINDS: Final = frozenset({REDELIVER_DELIVERIES, DISCARD_DEAD_LETTERS})
"""Kinds of delivery's operations; a caller may stop each of them."""

DEFAULT_WITHIN: Final = timedelta(hours=24)
# A stop is remembered for as long: an event decided earlier could be one of somebody who must never get it,
# and nobody would know any more.
WINDOW: Final = timedelta(days=35)
_MARGIN: Final = timedelta(minutes=1)
LAST_ROUND: Final = 32_767


class Refusal(StrEnum):
    """Why a delivery has no new round."""

    UNKNOWN = "no such delivery"
    INBOX = "the inbox sends nothing"
    FORGOTTEN = "beyond retention"
    OPEN = "a round is still open"
    ENDPOINT_GONE = "the endpoint is gone"
    ENDPOINT_DISABLED = "the endpoint is disabled"
    STOPPED = "the event was stopped"
    TOO_OLD = "decided too long ago"
    TOO_OFTEN = "it had all the rounds there are"
    SETTLED = "settled meanwhile"


@dataclass(frozen=True, slots=True)
class Candidate:
    """A delivery as it stands: its latest ended round, and what a new one depends on.

    `round` and `state` are None when no round has ended, `decide_time` when its message is gone, `endpoint` when
    its endpoint is. `kept_until` is the end of retention, None: unknown.
    """

    event_id: str
    endpoint_id: str
    round: int | None
    state: DeliveryState | None
    settlement: Settlement
    is_open: bool
    decide_time: Instant | None
    kept_until: Instant | None
    endpoint: EndpointState | None
    stopped: bool


def deadline(candidate: Candidate, *, now: Instant, within: timedelta) -> "Instant | Refusal":
    """Return the `deliver_by` of the delivery's new round, or why it has none.

    It is `within` from `now`, but never beyond retention or the time for which stops are remembered.
    """
    if candidate.endpoint_id == INBOX:
        return Refusal.INBOX
    if candidate.is_open:
        return Refusal.OPEN
    if candidate.round is None:
        return Refusal.UNKNOWN
    if candidate.decide_time is None:
        return Refusal.FORGOTTEN
    if candidate.stopped:
        return Refusal.STOPPED
    if candidate.endpoint is not EndpointState.ENABLED:
        return Refusal.ENDPOINT_GONE if candidate.endpoint is None else Refusal.ENDPOINT_DISABLED
    last = candidate.decide_time.add(seconds=(WINDOW - _MARGIN).total_seconds())
    if candidate.round >= LAST_ROUND:
        return Refusal.TOO_OFTEN
    if now >= last:
        return Refusal.TOO_OLD
    if candidate.kept_until is not None and now >= candidate.kept_until:
        return Refusal.FORGOTTEN
    return min(now.add(seconds=within.total_seconds()), last, candidate.kept_until or last)


def error(refusal: Refusal, candidate: Candidate) -> RedletterError:
    """Return the refusal as an error with its values."""
    what = f'the delivery of "{candidate.event_id}" to "{candidate.endpoint_id}"'
    if refusal is Refusal.UNKNOWN:
        return NotFound(f'there is no delivery of "{candidate.event_id}" to "{candidate.endpoint_id}"')
    if refusal is Refusal.FORGOTTEN:
        return NotFound(f"the message of {what} is {refusal} and cannot be sent again")
    allowed = _ALLOWED.get(refusal, "")
    return IllegalTransition(f"{what} cannot be redelivered: {refusal}{allowed}")


_ALLOWED: Final = {
    Refusal.INBOX: "; its messages wait for their reader",
    Refusal.OPEN: "; wait for its end, or cancel the event",
    Refusal.ENDPOINT_DISABLED: "; enable it first",
    Refusal.STOPPED: " (cancelled, or its user deleted or switched off); it is never sent again",
    Refusal.TOO_OLD: f"; at most {WINDOW.days} days after the decision are allowed",
}
