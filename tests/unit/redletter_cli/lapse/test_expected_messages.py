"""The independent count, checked by hand."""

from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from redletter_cli.dev.errors import Refused
from redletter_cli.lapse.expected import Layout, expect, kept_on, take_census
from redletter_cli.lapse.window import parse_window

LAYOUT = Layout(
    user_id="id",
    time_zone="zone",
    occasions=(("birthday", "born"), ("anniversary", "joined")),
    keep_incomplete=False,
    default_zone=None,
    encoding="utf-8",
    delimiter=",",
    limit=None,
)


def _file(tmp_path: Path, *rows: str) -> Path:
    path = tmp_path / "people.csv"
    path.write_text("\n".join(("id,zone,born,joined", *rows)) + "\n", encoding="utf-8")
    return path


def test_a_window_spans_its_dates_in_every_zone() -> None:
    """It begins when the first date begins in Kiribati and ends when the last is over twelve hours behind UTC."""
    window = parse_window("2028-02-27", "2028-03-02")
    assert window.begin == datetime(2028, 2, 26, 10, tzinfo=UTC)
    assert window.end == datetime(2028, 3, 3, 12, tzinfo=UTC)
    assert len(window.dates) == 5


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2027-02-29", "2027-03-01", "is no date"),
        ("2028-03-01", "2028-02-29", "is before"),
        ("0001-01-01", "0001-01-02", "need a year"),
    ],
)
def test_impossible_windows_are_refused(first: str, last: str, said: str) -> None:
    """Two dates of the calendar, in their order."""
    with pytest.raises(Refused, match=said):
        parse_window(first, last)


@pytest.mark.parametrize(
    ("year", "day"), [(2024, 29), (2027, 28), (2028, 29), (2100, 28), (2000, 29), (1900, 28)]
)
def test_the_29th_of_february_is_kept_on_the_28th_in_common_years(year: int, day: int) -> None:
    """2000 is a leap year, 1900 and 2100 are not."""
    assert kept_on(year, 2, 29) == date(year, 2, day)


def test_nine_o_clock_is_local(tmp_path: Path) -> None:
    """The due instant is nine o'clock in the person's own zone, quarter hours included."""
    census = take_census(_file(tmp_path, "a,Asia/Kathmandu,1990-05-05,2001-01-01"), LAYOUT)
    [message] = expect(census, parse_window("2027-05-05", "2027-05-05"))
    assert message.due == datetime(2027, 5, 5, 3, 15, tzinfo=UTC)
    assert (message.event_type, message.occurrence_date) == ("birthday", date(2027, 5, 5))


def test_a_skipped_date_moves_to_the_next(tmp_path: Path) -> None:
    """Samoa's missing 30 December 2011 keeps its nominal date and is due at nine on the 31st."""
    census = take_census(_file(tmp_path, "a,Pacific/Apia,1990-12-30,2001-01-01"), LAYOUT)
    [message] = expect(census, parse_window("2011-12-30", "2011-12-30"))
    assert message.occurrence_date == date(2011, 12, 30)
    assert message.due == datetime(2011, 12, 30, 19, tzinfo=UTC)


def test_the_day_itself_is_no_anniversary(tmp_path: Path) -> None:
    """The zeroth anniversary and those before it never fire; without a year all do."""
    rows = ("new,UTC,2027-05-05,2027-05-05", "later,UTC,2030-05-05,2030-05-05", "any,UTC,--05-05,--05-05")
    census = take_census(_file(tmp_path, *rows), LAYOUT)
    assert {m.user_id for m in expect(census, parse_window("2027-05-05", "2027-05-05"))} == {"any"}


def test_new_year_is_no_border(tmp_path: Path) -> None:
    """Dates around New Year are found in both years."""
    census = take_census(_file(tmp_path, "a,UTC,--12-31,--01-01"), LAYOUT)
    found = Counter(m.occurrence_date for m in expect(census, parse_window("2027-12-31", "2028-01-01")))
    assert found == {date(2027, 12, 31): 1, date(2028, 1, 1): 1}


def test_rows_that_say_too_little_do_not_count(tmp_path: Path) -> None:
    """Unknown zones, impossible and partial dates, missing ids and a wrong number of fields are passed over."""
    rows = (
        "ok,UTC,1990-05-05,2001-01-01",
        "zone,Europe/Atlantis,1990-05-05,2001-01-01",
        "day,UTC,2001-02-29,2001-01-01",
        "partial,UTC,1990-05,2001-01-01",
        ",UTC,1990-05-05,2001-01-01",
        "short,UTC,1990-05-05",
    )
    census = take_census(_file(tmp_path, *rows), LAYOUT)
    assert census.rows == 6
    assert list(census.people) == ["ok"]
    assert census.unfit_lines == (3, 4, 5, 6, 7)


def test_a_later_row_replaces_an_earlier_one(tmp_path: Path) -> None:
    """The same id twice is one person, as the file says last."""
    census = take_census(_file(tmp_path, "a,UTC,--05-05,--01-01", "a,Asia/Tokyo,--06-06,--01-01"), LAYOUT)
    [message] = expect(census, parse_window("2027-05-05", "2027-06-06"))
    assert message.occurrence_date == date(2027, 6, 6)
