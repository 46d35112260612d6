"""Which ended deliveries a person means, and what happens to all of them: counted first, asked, then begun."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import typer
from google.protobuf.duration_pb2 import Duration
from redletter.client import Client
from redletter.delivery.v1 import delivery_filter_pb2, delivery_pb2

from redletter_cli.commands.operations import end_as, until_over
from redletter_cli.commands.options import OutputFormat, duration, enum_value, instant
from redletter_cli.commands.session import say, show_one
from redletter_cli.render.document import document

LONGEST_WITHIN = "35d"

Within = Annotated[
    str | None,
    typer.Option(metavar="SPAN", help="How long the new round is worth sending, 1s to 35d. Default: 24h."),
]
MaxPerSecond = Annotated[int, typer.Option(min=1, max=5000, help="Most new rounds per second.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only count them.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until it is over; shows how far it is.")]


@dataclass(frozen=True)
class Chosen:
    """The options that say which ended deliveries are meant."""

    endpoint: Annotated[str, typer.Option(help="Only to this endpoint.")] = ""
    state: Annotated[
        list[str] | None, typer.Option(help="Only ended so. Repeatable. Default: dead and expired.")
    ] = None
    cause: Annotated[
        list[str] | None,
        typer.Option(help="Only with this cause, for example timeout or http-status. Repeatable."),
    ] = None
    user: Annotated[str, typer.Option(metavar="USER", help="Only of this user.")] = ""
    event_type: Annotated[
        str, typer.Option("--event-type", "--type", metavar="EVENT_TYPE", help="Only of this event type.")
    ] = ""
    end_after: Annotated[
        str | None, typer.Option("--from", metavar="INSTANT", help="Only ended then or later.")
    ] = None
    end_before: Annotated[
        str | None, typer.Option("--to", metavar="INSTANT", help="Only ended earlier than that.")
    ] = None

    @property
    def given(self) -> bool:
        """Whether any of them is given."""
        return self != Chosen()

    def filter(self) -> delivery_filter_pb2.DeliveryFilter:
        """Return the filter.

        Raises:
            typer.BadParameter: a state, cause or instant is none.
        """
        unmeant = ("PENDING", "CANCELLED")
        states, causes = delivery_pb2.Delivery.State.DESCRIPTOR, delivery_pb2.DeliveryCause.DESCRIPTOR
        return delivery_filter_pb2.DeliveryFilter(
            endpoint_id=self.endpoint,
            states=[
                enum_value(states, s, "--state", without=unmeant) for s in dict.fromkeys(self.state or ())
            ],
            causes=[enum_value(causes, c, "--cause") for c in dict.fromkeys(self.cause or ())],
            user_id=self.user,
            event_type_id=self.event_type,
            end_after=instant(self.end_after, "--from") if self.end_after else None,
            end_before=instant(self.end_before, "--to") if self.end_before else None,
        )


def within_of(text: str | None) -> Duration | None:
    """Return how long a new round is worth sending; None: as the service has it.

    Raises:
        typer.BadParameter: it is no span of 1 s to 35 days.
    """
    if text is None:
        return None
    span = Duration()
    span.FromTimedelta(duration(text, "--within", at_most=LONGEST_WITHIN))
    return span


@dataclass(frozen=True)
class Manner:
    """How a verb over many goes about it."""

    dry_run: bool
    yes: bool
    wait: bool
    output: OutputFormat


def all_of_them(
    client: Client, begin: Callable[[bool], tuple[int, str]], question: str, manner: Manner
) -> None:
    """Count, ask, begin, and wait if that is wanted; `begin` gets whether to count only, and returns both.

    `question` has `{count}` where the number belongs.

    Raises:
        typer.BadParameter: there is nobody to ask.
    """
    if not (manner.dry_run or manner.yes or sys.stdin.isatty()):
        raise typer.BadParameter("there is nobody to ask; count with --dry-run, or go on with --yes")
    count, operation_id = begin(True)[0], ""
    if count and not manner.dry_run and (manner.yes or _agreed(question, count)):
        count, operation_id = begin(False)
    if operation_id and manner.wait:
        operation = until_over(client, operation_id)
        show_one(manner.output, document(operation))
        end_as(operation)
        return
    show_one(manner.output, {"count": count, "operation_id": operation_id or None})
    if operation_id:
        say(f"`redletter operations wait {operation_id}` says when it is done")
    elif not manner.dry_run:
        say("nothing was done")


def _agreed(question: str, count: int) -> bool:
    return typer.confirm(question.format(count=f"{count:,}"), err=True)
