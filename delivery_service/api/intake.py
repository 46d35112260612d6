"""IntakeService: where decided events come in, and stops. Internal."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

import grpc
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import intake_service_pb2 as wire
from redletter.delivery.v1 import intake_service_pb2_grpc
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.errors import InvalidInput
from chassis.wire import instant, timestamp
from delivery_service.api.accepted_events import offered
from delivery_service.domain.event_outcomes import EventOutcome, Standing
from delivery_service.store import event_outcomes, ledger
from delivery_service.store.event_outcomes import Judged
from delivery_service.store.messages import Addressed, Offered
from delivery_service.store.stops import Cancelled


class Intake(Protocol):
    """What takes events and stops over."""

    async def accept(self, handover_id: str, offered: Sequence[Offered]) -> list[Addressed]:
        """Store events and create their deliveries."""

    async def cancel(
        self, *, tenant_id: str, event_ids: list[str], user_id: str, decided_before: Instant, reason: str
    ) -> Cancelled:
        """Stop events."""


class IntakeServicer(intake_service_pb2_grpc.IntakeServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, engine: AsyncEngine, intake: Intake) -> None:
        self._engine = engine
        self._intake = intake

    async def AcceptEvents(
        self, request: wire.AcceptEventsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.AcceptEventsResponse:
        """Store events and create their deliveries."""
        parsed = [offered(event, traceparent=request.traceparent) for event in request.events]
        fit = {event[0]: event for event in parsed if not isinstance(event, str)}
        accepted = await self._intake.accept(request.handover_id, list(fit.values())) if fit else _NOTHING
        return wire.AcceptEventsResponse(results=_results(parsed, accepted))

    async def CancelEvents(
        self, request: wire.CancelEventsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.CancelEventsResponse:
        """Stop events that were decided before an instant."""
        cancelled = await self._intake.cancel(
            tenant_id=request.tenant_id,
            event_ids=sorted(set(request.events.event_ids)),
            user_id=request.user_id,
            decided_before=instant(request.decided_before),
            reason=request.reason,
        )
        return wire.CancelEventsResponse(
            cancelled=cancelled.ended,
            on_the_wire=cancelled.events(Standing.ON_THE_WIRE),
            cancelled_event_ids=cancelled.events(Standing.CANCELLED),
            too_late_event_ids=cancelled.events(Standing.TOO_LATE),
        )

    async def BatchGetOutcomes(
        self, request: wire.BatchGetOutcomesRequest, _context: grpc.aio.ServicerContext
    ) -> wire.BatchGetOutcomesResponse:
        """Answer what became of events."""
        asked = [query for query in request.events if _is_date(query)]
        found = await event_outcomes.outcomes(
            self._engine,
            request.tenant_id,
            [query.event_id for query in asked],
            [_date(query) for query in asked],
        )
        return wire.BatchGetOutcomesResponse(
            outcomes=[
                _outcome(query.event_id, found.get(query.event_id, _UNKNOWN)) for query in request.events
            ]
        )

    async def SummarizeDate(
        self, request: wire.SummarizeDateRequest, _context: grpc.aio.ServicerContext
    ) -> wire.SummarizeDateResponse:
        """Sum up the messages of one date."""
        found = await ledger.summary(self._engine, request.tenant_id, _required_date(request))
        return wire.SummarizeDateResponse(
            messages=found.messages,
            checksum=found.checksum,
            outcomes=[
                wire.OutcomeCount(outcome=outcome_pb2.Outcome.Name(outcome), count=count)
                for outcome, count in sorted(found.outcomes.items())
            ],
        )

    async def ListMessages(
        self, request: wire.ListMessagesRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListMessagesResponse:
        """List the messages of one date."""
        found = await ledger.listing(
            self._engine,
            request.tenant_id,
            _required_date(request),
            after=request.after_event_id,
            size=request.page_size or ledger.LARGEST_PAGE,
        )
        return wire.ListMessagesResponse(
            outcomes=[_outcome(event_id, judged) for event_id, judged in found.items()]
        )


_NOTHING: list[Addressed] = []
_UNKNOWN = Judged(EventOutcome.NONE, None)


def _results(parsed: "Sequence[Offered | str]", accepted: list[Addressed]) -> list[wire.AcceptResult]:
    results = wire.AcceptResult
    new = {delivery.event_id: delivery.stopped for delivery in accepted}
    answers: list[wire.AcceptResult] = []
    for event in parsed:
        refusal = event if isinstance(event, str) else None
        if refusal is not None:
            answers.append(results(result=results.RESULT_REFUSED, reason=refusal))
            continue
        # Taken out: the same event a second time in one call is known.
        stopped = new.pop(event[0], None)
        if stopped is None:
            answers.append(results(result=results.RESULT_KNOWN))
        else:
            answers.append(results(result=results.RESULT_STOPPED if stopped else results.RESULT_ACCEPTED))
    return answers


def _is_date(query: wire.OutcomeQuery) -> bool:
    try:
        _date(query)
    except ValueError:
        return False
    return True


def _required_date(request: wire.SummarizeDateRequest | wire.ListMessagesRequest) -> date:
    try:
        return _date(request)
    except ValueError as error:
        on = request.occurrence_date
        given = f"{on.year:04}-{on.month:02}-{on.day:02}"
        why = f"{given} is not a date: {error}"
        raise InvalidInput.at(
            "occurrence_date", why, value=given, allowed="0001-01-01 to 9999-12-31"
        ) from None


def _date(query: wire.OutcomeQuery | wire.SummarizeDateRequest | wire.ListMessagesRequest) -> date:
    return date(query.occurrence_date.year, query.occurrence_date.month, query.occurrence_date.day)


def _outcome(event_id: str, found: Judged) -> wire.EventOutcome:
    outcome = wire.EventOutcome(event_id=event_id, outcome=outcome_pb2.Outcome.Name(found.outcome))
    if found.receive_time is not None:
        outcome.receive_time.CopyFrom(timestamp(found.receive_time))
    return outcome
