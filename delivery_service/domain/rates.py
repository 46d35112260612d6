"""A maximum rate as whole events per whole seconds, and how much of it one replica asks for at once."""

import math
from typing import Final, NamedTuple

SLICE_SECONDS: Final = 0.1
"""A replica asks for about this much of a rate at once, and no more often."""
_LONGEST_WINDOW: Final = 10
_CLOSE_ENOUGH: Final = 0.95


class Window(NamedTuple):
    """At most `amount` in any `seconds`."""

    amount: int
    seconds: int


def window(rate: float) -> Window:
    """Return the shortest window of whole numbers that is not above `rate` (per second) and at most 5 % below it.

    None is longer than ten seconds, unless the rate is less than one in ten seconds.
    """
    for seconds in range(1, _LONGEST_WINDOW + 1):
        amount = math.floor(rate * seconds)
        if amount and amount >= _CLOSE_ENOUGH * rate * seconds:
            return Window(amount, seconds)
    amount = math.floor(rate * _LONGEST_WINDOW)
    return Window(amount, _LONGEST_WINDOW) if amount else Window(1, math.ceil(1 / rate))


def slice_of(rate: float) -> int:
    """Return the most that is asked for at once."""
    return max(1, math.ceil(rate * SLICE_SECONDS))


def pause_after(cost: int, rate: float) -> float:
    """Return the seconds until the next asking after `cost` were granted: alone, no replica exceeds `rate`."""
    return max(SLICE_SECONDS, cost / rate)
