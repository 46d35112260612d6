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

from chassis.wire import instant, timestamp
from delivery_service.api.accepted_events import offered
from delivery_service.store import event_outcomes
from delivery_service.store.messages import Addressed, Offered
from delivery_service.store.stops import Cancelled


class Intake(Protocol):
    """What takes events and stops over."""

    async def accept(self, handover_id: str, offered: Sequence[Offered]) -> list[Addressed]:
        """Store events; return the deliveries made."""

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
        made = await self._intake.accept(request.handover_id, list(fit.values())) if fit else []
        return wire.AcceptEventsResponse(results=_results(parsed, made))

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
        return wire.CancelEventsResponse(cancelled=cancelled.ended, on_the_wire=cancelled.on_the_wire)

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
            outcomes=[_outcome(query.event_id, found.get(query.event_id)) for query in request.events]
        )


def _results(parsed: "Sequence[Offered | str]", made: Sequence[Addressed]) -> list[wire.AcceptResult]:
    results = wire.AcceptResult
    new = {delivery.event_id: delivery.stopped for delivery in made}
    answers: list[wire.AcceptResult] = []
    for event in parsed:
        if isinstance(event, str):
            answers.append(results(result=results.RESULT_REFUSED, reason=event))
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


def _date(query: wire.OutcomeQuery) -> date:
    return date(query.occurrence_date.year, query.occurrence_date.month, query.occurrence_date.day)


def _outcome(event_id: str, found: event_outcomes.EventOutcome | None) -> wire.EventOutcome:
    if found is None:
        return wire.EventOutcome(event_id=event_id, outcome=outcome_pb2.OUTCOME_NONE)
    outcome = wire.EventOutcome(event_id=event_id, outcome=outcome_pb2.Outcome.Name(found.outcome))
    if found.receive_time is not None:
        outcome.receive_time.CopyFrom(timestamp(found.receive_time))
    return outcome
