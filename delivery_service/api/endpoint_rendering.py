"""Endpoints as they go on the wire; the client key never does."""

from redletter.delivery.v1 import delivery_pb2, endpoint_pb2

from chassis.wire import duration, timestamp
from delivery_service.domain.breakers import BreakerPolicy
from delivery_service.domain.client_certificates import expire_time
from delivery_service.domain.endpoints import DEFAULT_BREAKER_POLICY, DEFAULT_RETRY_POLICY, Endpoint
from delivery_service.domain.retries import RetryPolicy


def endpoint(stored: Endpoint) -> endpoint_pb2.Endpoint:
    """Return the wire form of an endpoint; a policy that is the default one is left out."""
    wire = endpoint_pb2.Endpoint(
        endpoint_id=stored.endpoint_id,
        url=stored.url,
        description=stored.description,
        state=endpoint_pb2.Endpoint.State.Name(stored.state),
        timeout=duration(stored.timeout),
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
        etag=stored.etag,
        event_type_filters=stored.event_type_filters,
        headers=dict(stored.headers),
        metadata=dict(stored.metadata),
        disable_reason=endpoint_pb2.Endpoint.DisableReason.Name(stored.disable_reason),
        disable_note=stored.disable_note,
        max_rate=stored.max_rate,
        max_concurrency=stored.max_concurrency,
    )
    if stored.disable_time is not None:
        wire.disable_time.CopyFrom(timestamp(stored.disable_time))
    if stored.retry_policy != DEFAULT_RETRY_POLICY:
        wire.retry_policy.CopyFrom(_retry(stored.retry_policy))
    if stored.breaker_policy != DEFAULT_BREAKER_POLICY:
        wire.breaker_policy.CopyFrom(_breaker(stored.breaker_policy))
    if stored.client_certificate:
        wire.client_certificate.certificate = stored.client_certificate
        wire.client_certificate.expire_time.CopyFrom(timestamp(expire_time(stored.client_certificate)))
    return wire


def _retry(policy: RetryPolicy) -> endpoint_pb2.RetryPolicy:
    return endpoint_pb2.RetryPolicy(
        first_delay=None if policy.first is None else duration(policy.first),
        longest_delay=None if policy.longest is None else duration(policy.longest),
        max_attempts=policy.max_attempts,
        retry_statuses=policy.retry_statuses,
        fail_statuses=policy.fail_statuses,
        fail_causes=[delivery_pb2.DeliveryCause.Name(cause) for cause in policy.fail_causes],
        keep_on_gone=policy.keep_on_gone,
    )


def _breaker(policy: BreakerPolicy) -> endpoint_pb2.BreakerPolicy:
    return endpoint_pb2.BreakerPolicy(
        disabled=not policy.enabled,
        failure_rate=policy.failure_rate,
        minimum_attempts=policy.minimum,
        window=duration(policy.window),
        first_open=duration(policy.open_first),
        longest_open=duration(policy.open_longest),
        successes=policy.successes,
    )
