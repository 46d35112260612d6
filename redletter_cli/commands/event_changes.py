"""`redletter events skip`, `reschedule`, `cancel` and `reissue`: single events, changed by hand."""

from contextlib import closing
from typing import Annotated, Any

import typer
from redletter.scheduler.v1 import event_service_pb2

from redletter_cli.commands.failure import refusal
from redletter_cli.commands.moments import AtInstant, AtLocal, set_due
from redletter_cli.commands.options import ApiKey, Config, EventId, Output, OutputFormat, Reason
from redletter_cli.commands.session import connect, show_list, show_one
from redletter_cli.render.document import document, enum_name

_PER_CALL = 500
_CANCEL_COLUMNS = {"EVENT": "event_id", "RESULT": "result", "REASON": "reason"}
_TOO_LATE = "it was received, is on the wire, or had ended before"


def skip(
    event_id: EventId, *, output: Output = OutputFormat.TABLE, config: Config = None, api_key: ApiKey = None
) -> None:
    """Leave this cycle out; the next one is planned. An event that is decided cannot be skipped."""
    with closing(connect(config, api_key)) as client:
        answer = client.events.SkipEvent(event_service_pb2.SkipEventRequest(event_id=event_id))
    show_one(output, document(answer.event))


def reschedule(
    event_id: EventId,
    *,
    at: AtInstant = None,
    local: AtLocal = None,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Move a planned event of this cycle to another moment, which then stands above quiet hours and rule."""
    request = event_service_pb2.RescheduleEventRequest(event_id=event_id)
    if not set_due(request, at=at, local=local):
        raise typer.BadParameter('to when? give --at INSTANT or --local "DATE TIME"')
    with closing(connect(config, api_key)) as client:
        answer = client.events.RescheduleEvent(request)
    show_one(output, document(answer.event))


def cancel(
    event_ids: Annotated[
        list[str], typer.Argument(metavar="EVENT_ID...", help="What shall not be received.")
    ],
    *,
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Stop events, planned ones and those under way.

    CANCELLED: it will not be received. CANCELLING: delivery_service is told until it has answered.
    TOO_LATE: received, on the wire, or ended before. Ends with 1 when one was too late or is not known.
    """
    rows: list[dict[str, Any]] = []
    wanted = list(dict.fromkeys(event_ids))
    with closing(connect(config, api_key)) as client:
        for start in range(0, len(wanted), _PER_CALL):
            ids = wanted[start : start + _PER_CALL]
            rows += _cancelled(
                ids,
                client.events.BatchCancelEvents(event_service_pb2.BatchCancelEventsRequest(event_ids=ids)),
            )
    show_list(output, _CANCEL_COLUMNS, rows)
    if any(row["reason"] for row in rows):
        raise typer.Exit(1)


def reissue(
    event_id: EventId,
    *,
    reason: Reason,
    instance: Annotated[
        str,
        typer.Option(
            metavar="ID", help="Your own id of this re-issue. Without one every call makes an event."
        ),
    ] = "",
    output: Output = OutputFormat.TABLE,
    config: Config = None,
    api_key: ApiKey = None,
) -> None:
    """Make a new event with the message of an ended one, due now; the person may get it twice."""
    with closing(connect(config, api_key)) as client:
        answer = client.events.ReissueEvent(
            event_service_pb2.ReissueEventRequest(event_id=event_id, reason=reason, instance=instance)
        )
    show_one(output, document(answer.event))


def _cancelled(ids: list[str], answer: event_service_pb2.BatchCancelEventsResponse) -> list[dict[str, Any]]:
    rows = []
    for event_id, achieved, result in zip(ids, answer.cancel_results, answer.results, strict=True):
        late = achieved == event_service_pb2.CANCEL_RESULT_TOO_LATE
        rows.append(
            {
                "event_id": event_id,
                "result": enum_name(event_service_pb2.CancelResult.DESCRIPTOR, achieved),
                "reason": refusal(result) or (_TOO_LATE if late else None),
            }
        )
    return rows
