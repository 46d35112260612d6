"""EndpointTrialService: a sample to an endpoint, and what came back."""

from typing import Final

import grpc
import structlog
from redletter.delivery.v1 import endpoint_trial_service_pb2 as wire
from redletter.delivery.v1 import endpoint_trial_service_pb2_grpc

from chassis.rpc.credentials import tenant_id
from delivery_service.api import rendering
from delivery_service.domain.deliveries import LaneKey
from delivery_service.store.deliveries import StoredAttempt
from delivery_service.workers.endpoint_trials import EndpointTrials, Trial

log = structlog.get_logger()

# A receiver may answer with thousands; the answer of this call must fit into one of gRPC's messages.
_MOST_HEADERS: Final = 100
_LONGEST_VALUE: Final = 1024


class EndpointTrialServicer(endpoint_trial_service_pb2_grpc.EndpointTrialServiceServicer):
    """Parses, calls, renders."""

    def __init__(self, trials: EndpointTrials) -> None:
        self._trials = trials

    async def TestEndpoint(
        self, request: wire.TestEndpointRequest, _context: grpc.aio.ServicerContext
    ) -> wire.TestEndpointResponse:
        """Send a sample and answer what came back."""
        key = LaneKey(tenant_id(), request.endpoint_id)
        trial = await self._trials.perform(key, request.event_type_id)
        log.info(
            "endpoint.tried",
            tenant_id=key.tenant_id,
            endpoint_id=key.endpoint_id,
            status_code=trial.answer.status_code,
            cause=trial.answer.cause.name,
        )
        return _rendered(trial)


def _rendered(trial: Trial) -> wire.TestEndpointResponse:
    answer = trial.answer
    attempt = StoredAttempt(
        number=1,
        start_time=trial.start_time.to_stdlib(),
        status_code=answer.status_code,
        cause=answer.cause,
        connect_us=answer.connect_us,
        first_byte_us=answer.first_byte_us,
        total_us=answer.total_us,
        answer_bytes=answer.answer_bytes,
        answer=answer.answer,
        url=trial.request.url,
        secret_id=trial.secret_id,
    )
    return wire.TestEndpointResponse(
        test_id=trial.test_id,
        attempt=rendering.attempt(attempt),
        headers=[
            wire.TestEndpointResponse.Header(name=name[:_LONGEST_VALUE], value=value[:_LONGEST_VALUE])
            for name, value in answer.headers[:_MOST_HEADERS]
        ],
        body=trial.request.body,
    )
