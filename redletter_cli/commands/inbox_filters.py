"""Which messages of the inbox a verb is about."""

from dataclasses import dataclass
from typing import Annotated

import typer
from redletter.common.v1 import priority_pb2
from redletter.delivery.v1 import inbox_service_pb2

from redletter_cli.commands.options import EventTypeFilter, enum_value, instant, key_values

Request = inbox_service_pb2.ListInboxRequest | inbox_service_pb2.PullInboxRequest


@dataclass(frozen=True)
class Wanted:
    """All of it must hold; what is not given is not asked."""

    user: Annotated[str, typer.Option(help="Only this user's.")] = ""
    event_type: EventTypeFilter = ""
    priority: Annotated[str | None, typer.Option(help="Only of this priority: low, normal or high.")] = None
    created_after: Annotated[str | None, typer.Option(metavar="INSTANT", help="Accepted then or later.")] = (
        None
    )
    created_before: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Accepted earlier than that.")
    ] = None
    metadata: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=VALUE", help="Only with this entry in metadata. Repeatable: with all."),
    ] = None

    def set_on(self, request: Request) -> None:
        """Set the filters of a request.

        Raises:
            typer.BadParameter: one of them cannot be read; names option, value and what is allowed.
        """
        request.user_id, request.event_type_id = self.user, self.event_type
        request.metadata.update(key_values(self.metadata, "--metadata"))
        if self.priority is not None:
            request.priority = enum_value(priority_pb2.Priority.DESCRIPTOR, self.priority, "--priority")
        if self.created_after is not None:
            request.created_after.CopyFrom(instant(self.created_after, "--created-after"))
        if self.created_before is not None:
            request.created_before.CopyFrom(instant(self.created_before, "--created-before"))
