"""One short unit of work on a few rows, tried again when it lost a race: the chassis' own."""

from chassis.transactions import ATTEMPTS, LostRaceError, settled

__all__ = ["ATTEMPTS", "LostRaceError", "settled"]
