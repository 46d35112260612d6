"""What an answer means: the table as it stands, and what an endpoint may decide otherwise."""

from datetime import timedelta

import pytest

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.outcomes import (
    Dead,
    Delivered,
    Retry,
    Verdict,
    counts_as_failure,
    of_failure,
    of_status,
    slows,
)
from delivery_service.domain.retries import RetryPolicy

_WAIT = timedelta(seconds=7)
_AGAIN = Retry(DeliveryCause.HTTP_STATUS, _WAIT)
_REFUSED = Dead(DeliveryCause.HTTP_STATUS)
_STATUSES = range(100, 600)
_CAUSES = (
    DeliveryCause.TIMEOUT,
    DeliveryCause.CONNECTION,
    DeliveryCause.TLS,
    DeliveryCause.DNS,
    DeliveryCause.PROTOCOL,
)


def _tabled(status: int) -> Verdict:
    if 200 <= status <= 299:
        return Delivered()
    if status in (408, 425, 429) or status >= 500:
        return _AGAIN
    return Dead(DeliveryCause.HTTP_STATUS, disable=True) if status == 410 else _REFUSED


def test_every_status_means_what_the_table_says() -> None:
    """2xx is received; 408, 425, 429 and 5xx come again as the receiver asks; 410 disables; the rest is dead."""
    assert {n: of_status(n, _WAIT) for n in _STATUSES} == {n: _tabled(n) for n in _STATUSES}


def test_every_status_may_be_retried_by_policy() -> None:
    """A policy retries any status from 300 on, 410 included."""
    for status in range(300, 600):
        assert of_status(status, _WAIT, policy=RetryPolicy(retry_statuses=(status,))) == _AGAIN, status


def test_every_status_but_410_may_be_dead_at_once_by_policy() -> None:
    """A policy ends any status from 300 on; 410 disables as well, whatever else is said of it."""
    for status in range(300, 600):
        failing = of_status(status, _WAIT, policy=RetryPolicy(fail_statuses=(status,)))
        assert failing == (_tabled(410) if status == 410 else _REFUSED), status


def test_what_a_policy_does_not_name_stays_as_it_is() -> None:
    """One that turns two statuses round leaves all others to the table."""
    policy = RetryPolicy(retry_statuses=(404,), fail_statuses=(500,))
    changed = {n for n in _STATUSES if of_status(n, _WAIT, policy=policy) != _tabled(n)}
    assert changed == {404, 500}


def test_no_policy_makes_a_success_anything_else() -> None:
    """2xx is delivered whatever a policy names."""
    for status in range(200, 300):
        policy = RetryPolicy(retry_statuses=(status,), fail_statuses=(status,))
        assert of_status(status, policy=policy) == Delivered(), status


def test_gone_need_not_disable() -> None:
    """With `keep_on_gone` a 410 ends its delivery only."""
    assert of_status(410, policy=RetryPolicy(keep_on_gone=True)) == _REFUSED


@pytest.mark.parametrize("cause", _CAUSES)
def test_every_failure_without_an_answer_is_retried_unless_the_policy_says_dead(cause: DeliveryCause) -> None:
    """Timeout, connection, TLS, DNS, protocol; a policy ends exactly the ones it names."""
    assert of_failure(cause) == Retry(cause)
    assert of_failure(cause, policy=RetryPolicy(fail_causes=(cause,))) == Dead(cause)
    others = RetryPolicy(fail_causes=tuple(other for other in _CAUSES if other is not cause))
    assert of_failure(cause, policy=others) == Retry(cause)


def test_a_forbidden_address_is_dead() -> None:
    """No other attempt would find another network behind the name on purpose."""
    assert of_failure(DeliveryCause.FORBIDDEN_ADDRESS) == Dead(DeliveryCause.FORBIDDEN_ADDRESS)


def test_429_and_503_slow_the_lane_and_no_other_status() -> None:
    """Only these two say that there was too much."""
    assert {n for n in _STATUSES if slows(n, DeliveryCause.NONE)} == {429, 503}


@pytest.mark.parametrize("cause", _CAUSES)
def test_of_the_failures_only_silence_slows_the_lane(cause: DeliveryCause) -> None:
    """A connection that is refused at once holds no slot; one that hangs does."""
    assert slows(0, cause) is (cause is DeliveryCause.TIMEOUT)


def test_408_and_5xx_speak_against_the_endpoint() -> None:
    """429 asks for less, and a 4xx is about one message: neither opens a breaker."""
    failures = {n for n in _STATUSES if counts_as_failure(n, DeliveryCause.NONE)}
    assert failures == {408, *range(500, 600)}


@pytest.mark.parametrize("cause", _CAUSES)
def test_no_answer_speaks_against_the_endpoint(cause: DeliveryCause) -> None:
    """Whatever the delivery makes of it."""
    assert counts_as_failure(0, cause)


def test_a_forbidden_address_says_nothing_about_the_endpoint() -> None:
    """Nothing was dialled."""
    assert not counts_as_failure(0, DeliveryCause.FORBIDDEN_ADDRESS)
