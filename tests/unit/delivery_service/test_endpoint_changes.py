"""What becomes of an endpoint when it is changed."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant

from chassis.errors import InvalidInput, StaleVersion
from delivery_service.domain.breakers import BreakerPolicy
from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.endpoints import (
    DisableReason,
    Endpoint,
    EndpointState,
    check,
    check_etag,
    disabled,
    edited,
    enabled,
)
from delivery_service.domain.retries import RetryPolicy
from delivery_service.store.endpoint_policies import breaker_policy, retry_policy, stored

BEGIN = Instant.from_utc(2027, 2, 28)
LATER = BEGIN.add(hours=1)
ENDPOINT = Endpoint(
    "t", "hook", "https://example.com/", "", EndpointState.ENABLED, timedelta(seconds=15), 1, BEGIN, BEGIN
)
_SPAN = st.timedeltas(timedelta(milliseconds=10), timedelta(days=1)).map(
    lambda span: timedelta(milliseconds=span // timedelta(milliseconds=1))
)
_STATUSES = st.sets(st.integers(300, 599), max_size=3).map(lambda found: tuple(sorted(found)))


def test_a_change_raises_the_version_and_an_empty_one_does_nothing() -> None:
    """Another value is another etag and update time; the same value is the very same endpoint."""
    after = edited(ENDPOINT, {"description": "ours"}, now=LATER)
    assert (after.version, after.update_time, after.create_time) == (2, LATER, BEGIN)
    assert after.etag != ENDPOINT.etag
    assert edited(ENDPOINT, {"description": ""}, now=LATER) is ENDPOINT


def test_only_the_present_etag_is_taken() -> None:
    """An older one is STALE_ETAG, no etag asks for no check, and one of a deleted namesake is stale as well."""
    check_etag(ENDPOINT, "")
    check_etag(ENDPOINT, ENDPOINT.etag)
    after = edited(ENDPOINT, {"description": "ours"}, now=LATER)
    with pytest.raises(StaleVersion, match=after.etag):
        check_etag(after, ENDPOINT.etag)
    with pytest.raises(StaleVersion):
        check_etag(replace(ENDPOINT, create_time=LATER), ENDPOINT.etag)


def test_the_first_reason_of_disabling_stays_until_it_is_enabled() -> None:
    """Disabled twice keeps who was first; enabling forgets the reason; enabled twice changes nothing."""
    gone = disabled(ENDPOINT, DisableReason.GONE, "410", now=LATER)
    assert (gone.state, gone.disable_reason, gone.disable_time, gone.disable_note) == (
        EndpointState.DISABLED,
        DisableReason.GONE,
        LATER,
        "410",
    )
    assert disabled(gone, DisableReason.BY_CALLER, "me", now=LATER) is gone
    again = enabled(gone, now=LATER)
    assert replace(again, version=1, update_time=BEGIN) == ENDPOINT
    assert enabled(again, now=LATER) is again


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        (
            {"retry_policy": RetryPolicy(first=timedelta(seconds=9), longest=timedelta(seconds=3))},
            "retry_policy.longest_delay",
        ),
        (
            {"retry_policy": RetryPolicy(retry_statuses=(404, 500), fail_statuses=(500,))},
            "retry_policy.fail_statuses[0]",
        ),
        ({"breaker_policy": BreakerPolicy(open_first=timedelta(hours=1))}, "breaker_policy.longest_open"),
        ({"client_certificate": "pem", "url": "http://example.com/"}, "client_certificate"),
    ],
)
def test_fields_that_contradict_each_other_are_refused(changes: dict[str, object], field: str) -> None:
    """The refusal names the field that would have to change."""
    check(ENDPOINT)
    with pytest.raises(InvalidInput) as refused:
        check(replace(ENDPOINT, **changes))  # type: ignore[arg-type]
    assert [violation.field for violation in refused.value.violations] == [field]


def test_secrets_of_an_endpoint_are_not_in_its_text() -> None:
    """Neither the client key nor the values of headers can slip into a log by printing an endpoint."""
    printed = repr(replace(ENDPOINT, client_key=b"sesame", headers=(("authorization", "sesame"),)))
    assert "sesame" not in printed


@given(
    st.builds(
        RetryPolicy,
        first=st.none() | _SPAN,
        longest=st.none() | _SPAN,
        max_attempts=st.integers(0, 1000),
        retry_statuses=_STATUSES,
        fail_statuses=_STATUSES,
        fail_causes=st.sets(st.sampled_from([DeliveryCause.TIMEOUT, DeliveryCause.DNS])).map(tuple),
        keep_on_gone=st.booleans(),
    ),
    st.builds(
        BreakerPolicy,
        enabled=st.booleans(),
        failure_rate=st.floats(0.01, 1),
        minimum=st.integers(1, 10_000),
        window=_SPAN,
        open_first=_SPAN,
        open_longest=_SPAN,
        successes=st.integers(1, 100),
    ),
)
def test_policies_come_back_from_the_store_as_they_were(retry: RetryPolicy, breaker: BreakerPolicy) -> None:
    """Both kinds survive their JSON."""
    assert retry_policy(stored(retry)) == retry
    assert breaker_policy(stored(breaker)) == breaker
    assert stored(RetryPolicy()) == stored(BreakerPolicy()) == {}
