"""`redletter users`: the people of the tenant."""

import sys
from contextlib import closing
from pathlib import Path
from typing import Annotated

import typer
from redletter.errors import ApiError
from redletter.user.v1 import user_service_pb2

from redletter_cli.commands.care_switches import care_switch, care_switches
from redletter_cli.commands.options import ApiKey, Config, Limit, Output, OutputFormat, UserId, known_zone
from redletter_cli.commands.preferences import set_preferences
from redletter_cli.commands.session import connect, documents, pages, say, show_list, show_one
from redletter_cli.people import (
    Incomplete,
    Mapping,
    OccasionColumn,
    OnEnrol,
    Progress,
    Summary,
    count_rows,
    import_people,
)
from redletter_cli.people.rejected import RejectedFile
from redletter_cli.render.document import document, json_text

__all__ = ["import_people", "users"]

users = typer.Typer(help="The people of the tenant.", no_args_is_help=True, add_completion=False)

_COLUMNS = {
    "USER": "user_id",
    "GIVEN NAME": "given_name",
    "FAMILY NAME": "family_name",
    "TIME ZONE": "time_zone",
    "LOCALE": "locale",
    "OCCASIONS": "dates",
}

_WORTH_A_RATE = 1000


@users.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="CSV with a header row.")],
    *,
    id_column: Annotated[str | None, typer.Option(help="Default: user_id, person_id or id.")] = None,
    given_name_column: Annotated[str | None, typer.Option(help="Default: given_name, if there.")] = None,
    family_name_column: Annotated[str | None, typer.Option(help="Default: family_name, if there.")] = None,
    zone_column: Annotated[str | None, typer.Option(help="IANA names. Default: time_zone.")] = None,
    locale_column: Annotated[str | None, typer.Option(help="BCP 47 tags. Default: locale, if there.")] = None,
    occasion: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND[:ID]=COLUMN",
            help="A column of dates (YYYY-MM-DD, or --MM-DD). Repeatable. Default: birthday=birthday.",
        ),
    ] = None,
    attribute: Annotated[
        list[str] | None, typer.Option(metavar="COLUMN", help="A column kept as an attribute. Repeatable.")
    ] = None,
    incomplete: Annotated[
        Incomplete, typer.Option(help="What becomes of a person whose date is missing or partial.")
    ] = Incomplete.REJECT,
    default_zone: Annotated[
        str | None, typer.Option(metavar="ZONE", help="The zone of persons who have none; else rejected.")
    ] = None,
    on_enrol: Annotated[
        OnEnrol,
        typer.Option(help="Occasions that fall on today, after their hour: next year, or still today."),
    ] = OnEnrol.NEXT,
    rejected: Annotated[Path, typer.Option(help="Where rejected rows go, if there are any.")] = Path(
        "rejected.csv"
    ),
    encoding: Annotated[str, typer.Option(help="For example latin-1 or cp1252.")] = "utf-8",
    delimiter: Annotated[str, typer.Option(help=r"What separates columns, for example ';' or '\t'.")] = ",",
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first rows.")] = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Import a list of people; good rows are stored, each rejected one is written to a file with its reason.

    Repeating an import changes nothing. Ends with 1 when a row was rejected, with 2 when the file cannot be read.
    """
    from redletter_cli.render.progress import bar

    mapping = Mapping(
        id_column=id_column,
        given_name_column=given_name_column,
        family_name_column=family_name_column,
        zone_column=zone_column,
        locale_column=locale_column,
        occasions=tuple(_occasion(text) for text in occasion or ()),
        attributes=tuple(attribute or ()),
        incomplete=incomplete,
        default_zone=None if default_zone is None else known_zone(default_zone, "--default-zone"),
        on_enrol=on_enrol,
        encoding=encoding,
        delimiter=_delimiter(delimiter),
        limit=limit,
    )
    total = count_rows(file, mapping)
    with closing(connect(config, api_key)) as client, RejectedFile(rejected) as refused:
        with bar(file.name, total) as show:
            reached = Progress(0, 0)

            def progress(at: Progress) -> None:
                nonlocal reached
                reached = at
                show(at.done)

            try:
                summary = import_people(
                    client, file, mapping, progress, rejected=refused.write, noted=lambda n: say(n.sentence())
                )
            except ApiError:
                # What was acknowledged is stored, and repeating an import changes nothing of it.
                say(
                    f"stopped after {reached.done:,} of {total:,} rows, of which {reached.done - reached.rejected:,}"
                    " are stored; repeat the import to go on"
                )
                raise
        _report(summary, refused, output)
    if summary.rejected:
        raise typer.Exit(1)


@users.command()
def get(
    user_id: UserId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Show one person."""
    with closing(connect(config, api_key)) as client:
        answer = client.users.GetUser(user_service_pb2.GetUserRequest(user_id=user_id))
    show_one(output, document(answer.user))


@users.command("list")
def list_users(
    *,
    zone: Annotated[str, typer.Option(help="Only people with exactly this zone.")] = "",
    limit: Limit = 100,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """List people in the order of their ids."""
    with closing(connect(config, api_key)) as client:
        found, more = pages(
            lambda size, token: client.users.ListUsers(
                user_service_pb2.ListUsersRequest(time_zone=zone, page_size=size, page_token=token)
            ),
            lambda page: page.users,
            limit,
        )
    rows = documents(found)
    if output is OutputFormat.TABLE:
        for row in rows:
            row["dates"] = [f"{o['occasion_id'] or o['kind']} {o['date']}" for o in row["occasions"]]
    show_list(output, _COLUMNS, rows, more=more)


@users.command()
def delete(
    user_id: UserId,
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Delete a person with everything known about them; nothing more is sent, also what is queued."""
    with closing(connect(config, api_key)) as client:
        client.users.DeleteUser(user_service_pb2.DeleteUserRequest(user_id=user_id))
    show_one(output, {"user_id": user_id, "deleted": True})


users.command("set-preferences")(set_preferences)
users.command("care-switch")(care_switch)
users.command("care-switches")(care_switches)


def _occasion(text: str) -> OccasionColumn:
    try:
        return OccasionColumn.parse(text)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--occasion") from None


def _delimiter(text: str) -> str:
    delimiter = "\t" if text == r"\t" else text
    if len(delimiter) != 1:
        raise typer.BadParameter(f'"{text}" is not one character', param_hint="--delimiter")
    return delimiter


def _report(summary: Summary, refused: RejectedFile, output: OutputFormat) -> None:
    if output is OutputFormat.JSON:
        sys.stdout.write(
            json_text(
                {
                    "rows": summary.rows,
                    "accepted": summary.accepted,
                    "rejected": summary.rejected,
                    "noted": summary.noted,
                    "seconds": round(summary.seconds, 3),
                    "rejected_file": str(refused.path) if summary.rejected else None,
                }
            )
        )
        return
    # Of a few people the rate would only tell how long connecting takes.
    rate = f" ({summary.rows / summary.seconds:,.0f}/s)" if summary.rows >= _WORTH_A_RATE else ""
    sys.stdout.write(
        f"{summary.accepted:,} of {summary.rows:,} people imported in {summary.seconds:.1f} s{rate}\n"
    )
    if summary.noted:
        sys.stdout.write(f"{summary.noted:,} of them not as the file says; each is named above\n")
    if summary.rejected:
        sys.stdout.write(f"{summary.rejected:,} rejected; each with its reason in {refused.path}\n")
