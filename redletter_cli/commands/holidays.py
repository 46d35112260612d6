"""`redletter holidays`: the days on which the tenant's working life rests."""

import csv
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer
from redletter.errors import ApiError
from redletter.scheduler.v1 import holiday_pb2, holiday_service_pb2

from redletter_cli.commands.failure import Failure, sentence
from redletter_cli.commands.moments import whole_date
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat
from redletter_cli.commands.session import connect, documents, pages, say, show_list, show_one
from redletter_cli.render.document import document

holidays = typer.Typer(
    help="Days from which event types with a weekend shift keep away.",
    no_args_is_help=True,
    add_completion=False,
)

_COLUMNS = {"DATE": "date", "NAME": "name"}
_REFUSED_COLUMNS = {"LINE": "line", "VALUE": "value", "REASON": "reason"}
_MOST = 5000

Day = Annotated[str, typer.Argument(metavar="DATE", help="For example 2027-12-24.")]


@dataclass(frozen=True)
class _Row:
    line: int
    date: str
    name: str


@holidays.command("set")
def set_holiday(
    date: Day,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What people call it.")] = "",
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Add a holiday, or rename the one of that date."""
    holiday = holiday_pb2.Holiday(date=whole_date(date, "DATE"), name=name)
    with closing(connect(config, api_key)) as client:
        answer = client.holidays.SetHoliday(holiday_service_pb2.SetHolidayRequest(holiday=holiday))
    show_one(output, document(answer.holiday))


@holidays.command()
def delete(
    date: Day, *, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None
) -> None:
    """Remove the holiday of a date."""
    request = holiday_service_pb2.DeleteHolidayRequest(date=whole_date(date, "DATE"))
    with closing(connect(config, api_key)) as client:
        client.holidays.DeleteHoliday(request)
    show_one(output, {"date": date, "deleted": True})


@holidays.command("list")
def list_holidays(
    *, limit: Limit = 100, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None
) -> None:
    """List holidays in the order of their dates."""
    with closing(connect(config, api_key)) as client:
        found, more = pages(
            lambda size, token: client.holidays.ListHolidays(
                holiday_service_pb2.ListHolidaysRequest(page_size=size, page_token=token)
            ),
            lambda page: page.holidays,
            limit,
        )
    show_list(output, _COLUMNS, documents(found), more=more)


@holidays.command("import")
def import_holidays(
    file: Annotated[
        Path, typer.Argument(metavar="FILE.csv", help="Lines DATE,NAME; the name may be missing.")
    ],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Add the holidays of a file; those that are there already are renamed, the others stay.

    Good lines are stored, each refused one is listed with its reason; ends with 1 if there is one.
    """
    from redletter_cli.render.progress import bar

    rows = _rows(file)
    refused: list[dict[str, Any]] = []
    with closing(connect(config, api_key)) as client, bar(file.name, len(rows)) as show:
        for done, row in enumerate(rows, 1):
            try:
                holiday = holiday_pb2.Holiday(date=whole_date(row.date, "DATE"), name=row.name)
                client.holidays.SetHoliday(holiday_service_pb2.SetHolidayRequest(holiday=holiday))
            except typer.BadParameter as error:
                refused.append({"line": row.line, "value": row.date, "reason": error.message})
            except ApiError as error:
                if error.code != "INVALID_ARGUMENT":
                    say(f"stopped at line {row.line}; repeat the import to go on, it changes nothing twice")
                    raise
                refused.append({"line": row.line, "value": row.name, "reason": sentence(error)})
            show(done)
    _report(len(rows), refused, output)
    if refused:
        raise typer.Exit(1)


def _rows(file: Path) -> list[_Row]:
    """Return the lines of a file, without empty ones, comments (`#`) and a heading.

    Raises:
        Failure: it cannot be read, is not UTF-8, or has no holiday or too many, with exit status 2.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as error:
        raise Failure(f"cannot read {file}: {error.strerror or error}", exit_code=2) from None
    except UnicodeDecodeError as error:
        raise Failure(f"{file} is not UTF-8: {error.reason} at byte {error.start}", exit_code=2) from None
    reader = csv.reader(text.splitlines())
    rows = [
        _Row(reader.line_num, cells[0].strip(), ",".join(cells[1:]).strip())
        for cells in reader
        if cells and cells[0].strip() and not cells[0].startswith("#") and cells[0].strip().lower() != "date"
    ]
    if not 0 < len(rows) <= _MOST:
        raise Failure(f"{file} has {len(rows):,} holidays; 1 to {_MOST:,} are allowed", exit_code=2)
    return rows


def _report(count: int, refused: list[dict[str, Any]], output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        show_one(output, {"rows": count, "accepted": count - len(refused), "rejected": refused})
        return
    if refused:
        show_list(output, _REFUSED_COLUMNS, refused)
    say(f"{count - len(refused):,} of {count:,} holidays stored")
