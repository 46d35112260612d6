"""What a caller wants of an inbox, checked."""

from datetime import datetime
from typing import Literal

from redletter.delivery.v1 import inbox_service_pb2 as wire

from chassis.errors import InvalidInput
from chassis.wire import instant
from chassis.words import checked_words
from delivery_service.store.inbox_filters import InboxFilter

Request = wire.ListInboxRequest | wire.PullInboxRequest


def parsed(request: Request) -> InboxFilter:
    """Return what a listing or a reader is about.

    Raises:
        InvalidInput: an instant that no calendar has, a span that ends before it begins, or metadata that is none.
    """
    after, before = _time(request, "created_after"), _time(request, "created_before")
    if after is not None and before is not None and after >= before:
        raise InvalidInput.at(
            "created_after",
            f"{after.isoformat()} is not before created_before, {before.isoformat()}: nothing can be between them",
            value=after.isoformat(),
            allowed="an instant before created_before",
        )
    return InboxFilter(
        request.user_id,
        request.event_type_id,
        int(request.priority),
        after,
        before,
        tuple(sorted(checked_words(request.metadata).items())),
    )


def _time(request: Request, name: Literal["created_after", "created_before"]) -> datetime | None:
    return instant(getattr(request, name), field=name).to_stdlib() if request.HasField(name) else None
