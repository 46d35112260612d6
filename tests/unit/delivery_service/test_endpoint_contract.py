"""What the contract itself refuses of an endpoint, before any code of the service sees it."""

from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.delivery.v1 import delivery_pb2, endpoint_pb2, endpoint_service_pb2

from chassis.errors import InvalidInput
from chassis.rpc.validation import validate

Pb = endpoint_pb2.Endpoint
Retry = endpoint_pb2.RetryPolicy
Breaker = endpoint_pb2.BreakerPolicy


@pytest.mark.parametrize(
    ("fields", "place"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"description": "a\nb"}, "description"),
        ({"timeout": Duration(seconds=61)}, "timeout"),
        ({"event_type_filters": ["order.*"]}, "event_type_filters[0]"),
        ({"event_type_filters": ["a", "a"]}, "event_type_filters"),
        ({"headers": {f"x-{n}": "1" for n in range(21)}}, "headers"),
        ({"metadata": {"a": "1\n"}}, "metadata[a]"),
        ({"max_rate": -1.0}, "max_rate"),
        ({"max_rate": 0.001}, "max_rate"),
        ({"max_rate": float("nan")}, "max_rate"),
        ({"max_rate": float("inf")}, "max_rate"),
        ({"max_concurrency": 1025}, "max_concurrency"),
        ({"retry_policy": Retry(first_delay=Duration())}, "retry_policy.first_delay"),
        ({"retry_policy": Retry(max_attempts=-1)}, "retry_policy.max_attempts"),
        ({"retry_policy": Retry(retry_statuses=[410])}, "retry_policy.retry_statuses[0]"),
        ({"retry_policy": Retry(fail_statuses=[200])}, "retry_policy.fail_statuses[0]"),
        (
            {"retry_policy": Retry(fail_causes=[delivery_pb2.DELIVERY_CAUSE_DEADLINE])},
            "retry_policy.fail_causes[0]",
        ),
        ({"breaker_policy": Breaker(failure_rate=1.5)}, "breaker_policy.failure_rate"),
        ({"breaker_policy": Breaker(window=Duration(seconds=601))}, "breaker_policy.window"),
        ({"client_certificate": endpoint_pb2.ClientCertificate()}, "client_certificate.certificate"),
    ],
)
def test_both_requests_refuse_the_same_values(fields: dict[str, Any], place: str) -> None:
    """CreateEndpoint and UpdateEndpoint name the field, each where the request has it."""
    create = endpoint_service_pb2.CreateEndpointRequest(**{"url": "https://example.com/", **fields})
    update = endpoint_service_pb2.UpdateEndpointRequest(
        endpoint=Pb(endpoint_id="hook", **fields), update_mask=FieldMask(paths=["url"])
    )
    for request, prefix in ((create, ""), (update, "endpoint.")):
        with pytest.raises(InvalidInput) as refused:
            validate(request)
        assert [one.field for one in refused.value.violations] == [prefix + place]


def test_a_key_is_never_repeated_by_the_contract() -> None:
    """However long the client key is, no rule of the contract answers it."""
    certificate = endpoint_pb2.ClientCertificate(certificate="c" * 20_000, key="sesame" * 20_000)
    request = endpoint_service_pb2.CreateEndpointRequest(
        url="https://example.com/", client_certificate=certificate
    )
    with pytest.raises(InvalidInput) as refused:
        validate(request)
    assert "sesame" not in str(refused.value)


def test_an_update_must_say_what_and_which() -> None:
    """Without an id or without a path there is nothing to change."""
    with pytest.raises(InvalidInput, match=r"endpoint\.endpoint_id"):
        validate(
            endpoint_service_pb2.UpdateEndpointRequest(
                endpoint=Pb(), update_mask=FieldMask(paths=["description"])
            )
        )
    for mask in (None, FieldMask()):
        with pytest.raises(InvalidInput, match="update_mask"):
            validate(
                endpoint_service_pb2.UpdateEndpointRequest(endpoint=Pb(endpoint_id="hook"), update_mask=mask)
            )
