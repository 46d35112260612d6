"""`redletter lapse`: what would happen to this list of people, told by letting it happen, fast."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from collections.abc import Mapping as Header
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from chassis import zones
from redletter_cli.commands.options import Output, OutputFormat, known_zone
from redletter_cli.dev.clock import require_speed
from redletter_cli.dev.deployment import open_deployment
from redletter_cli.dev.errors import Refused
from redletter_cli.dev.ports import Ports, free_base
from redletter_cli.dev.signals import stop_on_signals
from redletter_cli.dev.topology import Shape
from redletter_cli.embedded import StartFailed
from redletter_cli.lapse.expected import Layout
from redletter_cli.lapse.report import document, print_report
from redletter_cli.lapse.run import Hooks, Lapse, run_lapse
from redletter_cli.lapse.window import parse_window
from redletter_cli.people import Incomplete, Mapping, OccasionColumn, count_rows
from redletter_cli.people.reading import header
from redletter_cli.people.rejected import RejectedFile
from redletter_cli.render.document import json_text
from redletter_cli.render.plain import plain
from redletter_cli.render.progress import bar


def lapse(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV with a header row.")],
    *,
    from_: Annotated[
        str, typer.Option("--from", metavar="DATE", help="First local date, for example 2028-02-27.")
    ],
    to: Annotated[str, typer.Option("--to", metavar="DATE", help="Last local date, included.")],
    speed: Annotated[float, typer.Option(help="Business seconds per real second.")] = 3600.0,
    id_column: Annotated[str | None, typer.Option(help="Default: user_id, person_id or id.")] = None,
    given_name_column: Annotated[str | None, typer.Option(help="Default: given_name, if there.")] = None,
    family_name_column: Annotated[str | None, typer.Option(help="Default: family_name, if there.")] = None,
    zone_column: Annotated[str | None, typer.Option(help="IANA names. Default: time_zone.")] = None,
    locale_column: Annotated[str | None, typer.Option(help="BCP 47 tags. Default: locale, if there.")] = None,
    occasion: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[:ID]=COLUMN", help="A column of dates. Repeatable. Default: birthday=birthday."
        ),
    ] = None,
    incomplete: Annotated[
        Incomplete, typer.Option(help="What becomes of a person whose date is missing or partial.")
    ] = Incomplete.REJECT,
    default_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="The zone of persons who have none; else rejected.")
    ] = None,
    rejected: Annotated[Path, typer.Option(help="Where rejected rows go, if there are any.")] = Path(
        "rejected.csv"
    ),
    encoding: Annotated[str, typer.Option(help="For example latin-1 or cp1252.")] = "utf-8",
    delimiter: Annotated[str, typer.Option(help="What separates columns.")] = ",",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Keep data and logs there; must be empty. Default: removed."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Also write the report as JSON.")
    ] = None,
    schedulers: Annotated[int, typer.Option(help="Processes of scheduler_service.")] = 2,
    deliveries: Annotated[int, typer.Option(help="Processes of delivery_service.")] = 2,
    output: Output = OutputFormat.TABLE,
) -> None:
    """Import a list of people, let business time run over some dates, and compare with an independent count.

    Everything runs on this machine in a directory of its own. Ends with 1 when anything differs from the count.
    """
    zones.pin()
    mapping = Mapping(
        id_column=id_column,
        given_name_column=given_name_column,
        family_name_column=family_name_column,
        zone_column=zone_column,
        locale_column=locale_column,
        occasions=tuple(_occasion(text) for text in occasion or ()),
        incomplete=incomplete,
        default_zone=known_zone(default_zone, "--default-zone") if default_zone else None,
        encoding=encoding,
        delimiter=delimiter,
        limit=limit,
    )
    task = Lapse(
        file=file,
        mapping=mapping,
        layout=layout_of(file, mapping),
        window=parse_window(from_, to),
        speed=require_speed(speed),
    )
    found = _run(task, Shape(schedulers=schedulers, deliveries=deliveries), keep=keep, rejected=rejected)
    if report:
        report.write_text(json_text(found), encoding="utf-8")
    if output is OutputFormat.JSON:
        sys.stdout.write(json_text(found))
    else:
        print_report(sys.stdout, found)
    if not found["clean"]:
        raise typer.Exit(1)


def layout_of(file: Path, mapping: Mapping) -> Layout:
    """Return by which names the independent count finds the columns that `mapping` means.

    Raises:
        PeopleError: the file cannot be read or lacks a column.
    """
    count_rows(file, mapping)
    columns = header(file, mapping)
    return Layout(
        user_id=columns.user_id.name,
        time_zone=columns.time_zone.name if columns.time_zone else "",
        occasions=tuple((wanted.kind, column.name) for wanted, column in columns.occasions),
        keep_incomplete=mapping.incomplete is Incomplete.WITHOUT_OCCASION,
        default_zone=mapping.default_zone,
        encoding=mapping.encoding,
        delimiter=mapping.delimiter,
        limit=mapping.limit,
    )


def _run(task: Lapse, shape: Shape, *, keep: Path | None, rejected: Path) -> Header[str, Any]:
    stopping = stop_on_signals()
    with _directory(keep) as root, RejectedFile(rejected) as refused:
        deployment = open_deployment(root, ports=Ports(free_base()), shape=shape, say=_say)
        if keep:
            _say(f"data, logs and process ids are in {deployment.places.root}")
        try:
            hours = round((task.window.end - task.window.begin) / timedelta(hours=1))
            with bar("business hours", hours) as show:
                hooks = Hooks(
                    stage=_say,
                    progress=lambda share, _: show(int(share * hours)),
                    rejected=refused.write,
                    noted=lambda note: _say(note.sentence()),
                )
                outcome = run_lapse(task, deployment, hooks)
        finally:
            if stopping.is_set():
                _say("stopping")
            deployment.close()
        if outcome.summary.rejected:
            _say(f"{outcome.summary.rejected:,} rows were rejected; each with its reason in {refused.path}")
    return document(task, outcome)


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        made = Path(tempfile.mkdtemp(prefix="redletter-lapse-"))
        try:
            yield made
        except StartFailed:
            raise  # its sentence names a log
        except BaseException:
            shutil.rmtree(made, ignore_errors=True)
            raise
        shutil.rmtree(made, ignore_errors=True)
        return
    if keep.exists() and (not keep.is_dir() or any(keep.iterdir())):
        raise Refused(f"--keep {keep} is not an empty directory; a lapse starts from nothing")
    yield keep


def _occasion(text: str) -> OccasionColumn:
    try:
        return OccasionColumn.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--occasion") from None


def _say(line: str) -> None:
    sys.stderr.write(f"{plain(line)}\n")
    sys.stderr.flush()
