"""Which instants belong to the asked dates: a date begins in Kiribati and ends in the west of the Pacific."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from redletter_cli.dev.errors import Refused

# The earliest zone on earth is 14 h ahead of UTC, the latest 12 h behind it.
_AHEAD = timedelta(hours=14)
_BEHIND = timedelta(hours=12)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The local dates from `first` to `last`, both included."""

    first: date
    last: date

    @property
    def begin(self) -> datetime:
        """The instant at which `first` begins in the earliest zone; business time is held here."""
        return datetime.combine(self.first, time(), UTC) - _AHEAD

    @property
    def end(self) -> datetime:
        """The instant at which `last` is over everywhere."""
        return datetime.combine(self.last, time(), UTC) + timedelta(days=1) + _BEHIND

    @property
    def dates(self) -> list[date]:
        """Every date of the window in order."""
        return [self.first + timedelta(days=n) for n in range((self.last - self.first).days + 1)]

    def __contains__(self, instant: datetime) -> bool:
        # Who is due exactly at the beginning was already so when the file was imported.
        return self.begin < instant < self.end


def parse_window(first: str, last: str) -> Window:
    """Return the window of two dates `YYYY-MM-DD`.

    Raises:
        Refused: one is no date, they are in the wrong order, or at the edge of the calendar.
    """
    window = Window(first=_date(first, "--from"), last=_date(last, "--to"))
    if window.last < window.first:
        raise Refused(f"--to {last} is before --from {first}")
    if window.first.year < 3 or window.last.year > 9997:
        raise Refused("--from and --to need a year between 0003 and 9997")
    return window


def _date(text: str, option: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(f'{option} "{text}" is no date; write it like 2028-02-29') from None
