"""From the wire to the re-issue of many events."""

from typing import Final

from redletter.scheduler.v1 import event_pb2 as pb
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from whenever import Instant

from chassis.errors import InvalidInput
from chassis.wire import instant
from chassis.words import checked_text
from scheduler_service.store.filters import Filter
from scheduler_service.store.reissues import Reissue

DEFAULT_PER_SECOND: Final = 50


def parsed_reissue(request: service_pb.ReissueEventsRequest, now: Instant) -> Reissue:
    """Return what is to be issued again: of what has ended by now.

    Raises:
        InvalidInput: an instant that no calendar has, a window without any instant, or a reason that
            cannot be kept.
    """
    after = instant(request.due_after, field="due_after")
    before = instant(request.due_before, field="due_before")
    if after >= before:
        raise InvalidInput.at(
            "due_before",
            f"{before.format_iso()} is not after due_after",
            value=before.format_iso(),
            allowed=f"later than {after.format_iso()}",
        )
    reason = pb.EventReason.Name(request.ended_reason).removeprefix("EVENT_REASON_")
    asked = Filter(
        event_type_id=request.event_type_id,
        states=tuple(pb.Event.State.Name(state).removeprefix("STATE_") for state in request.states),
        due_after=after.to_stdlib(),
        due_before=before.to_stdlib(),
        reason="" if reason == "UNSPECIFIED" else reason,
        decided_before=now.to_stdlib(),
    )
    return Reissue(
        asked, checked_text(request.reason, field="reason"), request.max_per_second or DEFAULT_PER_SECOND
    )
