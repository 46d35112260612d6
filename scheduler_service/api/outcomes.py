"""What became of sent events: asked from delivery, which alone knows."""

from collections.abc import Awaitable, Callable, Sequence

import grpc
import structlog
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.scheduler.v1 import event_pb2 as pb

log = structlog.get_logger()

Outcomes = Callable[[intake_pb2.BatchGetOutcomesRequest], Awaitable[intake_pb2.BatchGetOutcomesResponse]]


async def add_outcomes(ask: Outcomes, tenant_id: str, found: Sequence[pb.Event]) -> None:
    """Set the outcome of those that were sent; when delivery does not answer each of them says so."""
    sent = [event for event in found if event.state == pb.Event.STATE_SENT]
    if not sent:
        return
    queries = [intake_pb2.OutcomeQuery(event_id=e.event_id, occurrence_date=e.occurrence_date) for e in sent]
    try:
        answer = await ask(intake_pb2.BatchGetOutcomesRequest(tenant_id=tenant_id, events=queries))
    except grpc.aio.AioRpcError as error:
        log.warning("outcomes.unavailable", code=error.code().name)
        for event in sent:
            event.outcome_unavailable = True
        return
    known = {outcome.event_id: outcome for outcome in answer.outcomes}
    for event in sent:
        outcome = known.get(event.event_id)
        # Delivery has not answered for it yet: the hand-over is still on its way.
        event.outcome = outcome_pb2.OUTCOME_OPEN
        if outcome is not None and outcome.outcome != outcome_pb2.OUTCOME_NONE:
            event.outcome = outcome.outcome
            if outcome.HasField("receive_time"):
                event.receive_time.CopyFrom(outcome.receive_time)
