"""A list in which every row is a trap, lived through in a minute."""

import json
from pathlib import Path
from typing import Any

from tests.e2e.conftest import Start

TRAPS = Path(__file__).with_name("traps.csv")


def _lapse(start: Start, tmp_path: Path, *arguments: str) -> dict[str, Any]:
    command = start(
        "lapse",
        str(TRAPS),
        *("--occasion", "birthday=birthday", "--occasion", "anniversary:joined=joined"),
        *("--report", "report.json", *arguments),
    )
    code = command.wait()
    assert code == 0, "".join(command.said)
    report: dict[str, Any] = json.loads((tmp_path / "report.json").read_text())
    return report


def _received(report: dict[str, Any]) -> dict[str, dict[str, int]]:
    return {day["date"]: day["received"] for day in report["dates"]}


def test_the_29th_of_february_arrives_once_for_everyone_who_has_it(start: Start, tmp_path: Path) -> None:
    """In a leap year every date is kept on its own day, at nine in each zone, once; impossible rows are refused."""
    report = _lapse(start, tmp_path, "--from", "2028-02-28", "--to", "2028-02-29", "--speed", "7200")
    assert _received(report) == {
        # old-1899, first-east, both, comma, nameless, moved (once, in New York: line 24 names the same person); leap-2000 and both joined then
        "2028-02-28": {"anniversary": 2, "birthday": 6},
        # leap-2000, leap-yearless, leap-1896, leap-link, last-west-2; zeroth has no anniversary yet
        "2028-02-29": {"anniversary": 1, "birthday": 5},
    }
    assert report["rows"] == 24
    assert report["rejected"] == 8
    assert report["at_nine"] == report["received"] == report["expected"]
    assert report["clean"]


def test_a_date_that_a_zone_skips_is_kept_on_the_next_one(start: Start, tmp_path: Path) -> None:
    """Samoa had no 30 December 2011: whoever is due on it gets the message at nine on the 31st."""
    report = _lapse(start, tmp_path, "--from", "2011-12-30", "--to", "2011-12-30", "--speed", "7200")
    assert _received(report) == {"2011-12-30": {"birthday": 1}}
    assert report["clean"]
