"""Restores: was the reader's store, or ours, brought back from a backup?

The reader counts the pages it applies, in the transaction that applies them, and says its count with
each call. We remember the last one. The two may differ by the one page whose acknowledgement was lost.
"""

from dataclasses import dataclass
from enum import StrEnum, auto
from typing import assert_never


class Restored(StrEnum):
    """Which store knows less than it did."""

    READER = "READER"
    STORE = "STORE"


class Verdict(StrEnum):
    """What a pull says about the two stores."""

    AS_KNOWN = auto()
    ADVANCED = auto()
    SUSPECT = auto()
    READER_RESTORED = auto()
    STORE_RESTORED = auto()

    @property
    def restored(self) -> Restored | None:
        """The store that was restored, if one was."""
        match self:
            case Verdict.AS_KNOWN | Verdict.ADVANCED | Verdict.SUSPECT:
                return None
            case Verdict.READER_RESTORED:
                return Restored.READER
            case Verdict.STORE_RESTORED:
                return Restored.STORE
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True)
class Seen:
    """What our store remembers: the last serial, and whether the last pull was behind it."""

    serial: int
    suspected: bool


def verdict(seen: Seen, serial: int, *, confirmed: int) -> Verdict:
    """Judge a pull by the reader's serial, and by the one that we have answered it before.

    A serial behind ours is SUSPECT the first time: a call that was overtaken by later ones (a frozen
    leader's, a delayed one) looks the same, but is not repeated without one of the others in between.
    """
    if serial < seen.serial:
        return Verdict.READER_RESTORED if seen.suspected else Verdict.SUSPECT
    if serial > seen.serial + 1 or confirmed > seen.serial:
        return Verdict.STORE_RESTORED
    if serial == seen.serial and not seen.suspected:
        return Verdict.AS_KNOWN
    return Verdict.ADVANCED


def acknowledges(seen: Seen, serial: int) -> bool:
    """Return whether an acknowledgement with this serial may remove anything.

    One further ahead than one page comes from a reader that knows more than our store does: versions
    that it has applied may be others than ours of the same number. One behind was merely overtaken.
    """
    return serial <= seen.serial + 1
