"""The verbs of `redletter holidays`: single days and a file of them."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from redletter.scheduler.v1 import holiday_pb2, holiday_service_pb2

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

EVE = Date(year=2027, month=12, day=24)


def test_set_and_delete_send_the_date(services: StandIn, redletter: Run) -> None:
    """The name may be left out; deleting says what is gone."""
    services.answers["SetHoliday"] = lambda request: holiday_service_pb2.SetHolidayResponse(
        holiday=request.holiday
    )
    code, out, _ = redletter("holidays", "set", "2027-12-24", "Christmas Eve", "-o", "json")
    assert (code, json.loads(out)) == (0, {"date": "2027-12-24", "name": "Christmas Eve"})
    assert redletter("holidays", "set", "2027-12-24")[0] == 0
    code, out, _ = redletter("holidays", "delete", "2027-12-24", "-o", "json")
    assert (code, json.loads(out)) == (0, {"date": "2027-12-24", "deleted": True})
    named, unnamed = services.named("SetHoliday")
    assert named.holiday == holiday_pb2.Holiday(date=EVE, name="Christmas Eve")
    assert unnamed.holiday == holiday_pb2.Holiday(date=EVE)
    assert services.named("DeleteHoliday")[0].date == EVE


def test_list_shows_dates_and_names(services: StandIn, redletter: Run) -> None:
    """One line per holiday."""
    services.answers["ListHolidays"] = holiday_service_pb2.ListHolidaysResponse(
        holidays=[holiday_pb2.Holiday(date=EVE, name="Christmas Eve")]
    )
    assert redletter("holidays", "list") == (0, "DATE        NAME\n2027-12-24  Christmas Eve\n", "")


def test_import_stores_good_lines_and_names_the_others(
    services: StandIn, redletter: Run, tmp_path: Path
) -> None:
    """Heading, comments and empty lines are passed over; a refused line is listed and the status is 1."""

    def answer(request: Any) -> Any:
        return holiday_service_pb2.SetHolidayResponse(holiday=request.holiday)

    services.answers["SetHoliday"] = answer
    text = '\ufeffDATE,NAME\n# ours\n2027-12-24,Christmas Eve\n\n2027-12-31,"New, Year"\n2027-02-29,x\n2027-01-01\n'
    (tmp_path / "h.csv").write_text(text, encoding="utf-8")
    code, out, err = redletter("holidays", "import", "h.csv")
    assert (code, err) == (1, "3 of 4 holidays stored\n")
    assert '6     2027-02-29  "2027-02-29" is not a date of the calendar' in out
    stored = [(r.holiday.date.day, r.holiday.name) for r in services.named("SetHoliday")]
    assert stored == [(24, "Christmas Eve"), (31, "New, Year"), (1, "")]
    code, out, _ = redletter("holidays", "import", "h.csv", "-o", "json")
    assert (code, json.loads(out)["accepted"], json.loads(out)["rejected"][0]["line"]) == (1, 3, 6)


def test_import_lists_what_the_service_refuses(services: StandIn, redletter: Run, tmp_path: Path) -> None:
    """A name that is too long is one refused line; a missing key stops the import."""
    (tmp_path / "h.csv").write_text("2027-12-24,x\n", encoding="utf-8")
    services.answers["SetHoliday"] = (grpc.StatusCode.INVALID_ARGUMENT, "name has 201 characters")
    code, out, _ = redletter("holidays", "import", "h.csv")
    assert (code, "name has 201 characters" in out) == (1, True)
    services.answers["SetHoliday"] = (grpc.StatusCode.PERMISSION_DENIED, "the key was revoked")
    code, _, err = redletter("holidays", "import", "h.csv")
    assert code == 1
    assert "stopped at line 1; repeat the import to go on" in err
    assert err.endswith("redletter: the key was revoked\n")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("set", "2027-13-01"), '"2027-13-01" is not a date of the calendar'),
        (("delete", "tomorrow"), '"tomorrow" is not a date of the calendar'),
        (("import", "none.csv"), "cannot read none.csv"),
        (("import", "empty.csv"), "empty.csv has 0 holidays; 1 to 5,000 are allowed"),
        (("import", "latin.csv"), "latin.csv is not UTF-8"),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take, and a file that cannot be read, end before any call."""
    (tmp_path / "empty.csv").write_text("date,name\n", encoding="utf-8")
    (tmp_path / "latin.csv").write_bytes(b"2027-12-24,No\xebl\n")
    code, out, err = redletter("holidays", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []
