"""The one time-zone source: the pinned `tzdata` wheel, never the system's zone files.

The system's files differ from machine to machine (a one-hour error for Vancouver was shown), so two
pods would plan two instants for one birthday. `pin()` is the first thing every process does.
"""

import difflib
import functools
import importlib.resources
import zoneinfo
from typing import Final

import tzdata
import whenever

from chassis.errors import InvalidInput

VERSION: Final[str] = tzdata.IANA_VERSION
"""The IANA release of the wheel, e.g. `2026f`; plans are stamped with it."""

_NOT_A_ZONE: Final = "Factory"  # means "nobody configured this machine"; no person lives there
_SHOWN: Final = 64  # characters of a refused value that are looked at and repeated to the caller


def version() -> str:
    """Return the IANA release of the pinned wheel, e.g. `2026f`."""
    return VERSION


def pin() -> None:
    """Point `whenever` and `zoneinfo` at the tzdata wheel only; call before the first zone is loaded.

    Raises:
        RuntimeError: the wheel's zone files are missing or unreadable. No wheel, no start.
    """
    whenever.reset_tzpath(())
    whenever.clear_tzcache()
    zoneinfo.reset_tzpath(())
    zoneinfo.ZoneInfo.clear_cache()
    zone_files = importlib.resources.files("tzdata") / "zoneinfo"
    if not (zone_files / "Etc" / "UTC").is_file() or not names():
        raise RuntimeError(f"The tzdata wheel {VERSION} has no zone files at {zone_files}; install it again.")


@functools.cache
def names() -> frozenset[str]:
    """Return every accepted zone name: exactly the wheel's list, links included, without `Factory`."""
    listed = (importlib.resources.files("tzdata") / "zones").read_text(encoding="utf-8").split()
    return frozenset(listed) - {_NOT_A_ZONE}


@functools.cache
def _spellings() -> dict[str, str]:
    """Return what people write, lower case -> zone: the whole name and its last segment."""
    spellings: dict[str, str] = {}
    # Longest first: of two zones with one last segment (America/Louisville and
    # America/Kentucky/Louisville) the shorter name stays.
    for name in sorted(names(), key=lambda n: (-len(n), n)):
        spellings[name.rpartition("/")[2].lower()] = name
    spellings.update((name.lower(), name) for name in names())
    return spellings


@functools.lru_cache(maxsize=1024)  # 5 ms each, and an import repeats its few wrong names by the thousand
def nearest(name: str, n: int = 3) -> tuple[str, ...]:
    """Return up to `n` zone names that look most like `name`, best first; case and blanks do not count."""
    wanted = "_".join(name[:_SHOWN].lower().split())
    spellings = _spellings()
    close = difflib.get_close_matches(wanted, spellings, n=2 * n, cutoff=0.6)
    return tuple(dict.fromkeys(spellings[spelling] for spelling in close))[:n]


def require_known(name: str, *, field: str) -> str:
    """Return `name` unchanged if it is a known zone.

    Raises:
        InvalidInput: reason UNKNOWN_TIME_ZONE; the sentence names the value and the nearest names.
    """
    if name in names():
        return name
    similar = nearest(name)
    example = f"nearest: {', '.join(similar)}" if similar else "such as Europe/Berlin"
    raise InvalidInput.at(
        field,
        f'"{name[:_SHOWN]}" is not a known time zone',
        value=name[:_SHOWN],
        allowed=f"an IANA name of tzdata {VERSION}, {example}",
        reason="UNKNOWN_TIME_ZONE",
    )
