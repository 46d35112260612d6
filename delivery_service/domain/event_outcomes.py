"""What became of an event, summed over its deliveries, and what a stop can still do about it."""

from enum import Enum, IntEnum, auto
from typing import assert_never


class EventOutcome(IntEnum):
    """What became of an event; of several deliveries' outcomes the least number counts.

    The numbers are those of redletter.common.v1.Outcome. NONE: no delivery is known.
    """

    RECEIVED = 1
    OPEN = 2
    UNCLAIMED = 3
    EXPIRED = 4
    DEAD = 5
    CANCELLED = 6
    NONE = 7


class Standing(Enum):
    """How an event stands after its stop."""

    CANCELLED = auto()
    """Nobody has received it, nobody will."""
    ON_THE_WIRE = auto()
    """Not received so far; somebody may be sending it."""
    TOO_LATE = auto()
    """It was received, or had ended without the stop, or the stop does not cover it."""


def standing(outcome: EventOutcome | None, *, stopped: bool, covered: bool) -> Standing:
    """Return how an event stands after a stop was stored and has ended what nobody is sending.

    `outcome` is None when the event was not accepted: the stop waits for it. `stopped`: one of its
    deliveries was ended by a stop. `covered`: it was decided before the stop's instant.
    """
    match outcome:
        case None:
            return Standing.CANCELLED
        case (
            EventOutcome.RECEIVED | EventOutcome.NONE
        ):  # of a message without deliveries nothing can be promised
            return Standing.TOO_LATE
        case EventOutcome.OPEN | EventOutcome.UNCLAIMED:
            return Standing.ON_THE_WIRE if covered else Standing.TOO_LATE
        case EventOutcome.EXPIRED | EventOutcome.DEAD | EventOutcome.CANCELLED:
            return Standing.CANCELLED if stopped else Standing.TOO_LATE
        case _:
            assert_never(outcome)
