"""What an answer means."""

from datetime import timedelta

import pytest

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.domain.outcomes import Dead, Delivered, Retry, of_failure, of_status


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status: int) -> None:
    """Any 2xx."""
    assert of_status(status) == Delivered()


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504, 599])
def test_what_may_pass_is_retried_as_the_receiver_asks(status: int) -> None:
    """Timeouts, overload and server errors carry the receiver's Retry-After."""
    wait = timedelta(seconds=7)
    assert of_status(status, wait) == Retry(DeliveryCause.HTTP_STATUS, wait)


@pytest.mark.parametrize(
    "status", [100, 199, 300, 301, 302, 304, 307, 308, 400, 401, 403, 404, 409, 413, 422, 451]
)
def test_what_would_repeat_itself_is_dead(status: int) -> None:
    """Redirects and client errors end the delivery."""
    assert of_status(status) == Dead(DeliveryCause.HTTP_STATUS)


def test_410_asks_for_no_more() -> None:
    """Gone ends the delivery and disables the endpoint."""
    assert of_status(410) == Dead(DeliveryCause.HTTP_STATUS, disable=True)


@pytest.mark.parametrize("cause", [c for c in DeliveryCause if c is not DeliveryCause.FORBIDDEN_ADDRESS])
def test_a_failure_without_an_answer_is_retried(cause: DeliveryCause) -> None:
    """Timeout, connection, TLS, DNS, protocol."""
    assert of_failure(cause) == Retry(cause)


def test_a_forbidden_address_is_dead() -> None:
    """No other attempt would find another network behind the name on purpose."""
    assert of_failure(DeliveryCause.FORBIDDEN_ADDRESS) == Dead(DeliveryCause.FORBIDDEN_ADDRESS)
