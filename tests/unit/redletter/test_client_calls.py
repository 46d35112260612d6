"""What the client adds to a call, and what it makes of the ways a call can end."""

import socket
import threading
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import grpc
import pytest
from google.protobuf import duration_pb2
from google.rpc import error_details_pb2
from redletter.addresses import Addresses, target
from redletter.errors import ApiError, Unreachable, Violation
from redletter.retries import Retries
from redletter.user.v1 import user_service_pb2

from tests.unit.redletter.sdk_examples import UserService, abort, client, found, serving, status

GET = user_service_pb2.GetUserRequest(user_id="ada")


@pytest.fixture
def service() -> UserService:
    """Return a service that knows everybody."""
    made = UserService()
    made.answer = lambda request, _: found(request.user_id)
    return made


@pytest.fixture
def address(service: UserService) -> Iterator[str]:
    """Serve and return the address."""
    with serving(service) as port:
        yield f"127.0.0.1:{port}"


def test_call_carries_the_key(service: UserService, address: str) -> None:
    """Each call has the API key as a bearer token."""
    with client(address, api_key="rl_secret") as api:
        assert api.users.GetUser(GET).user.user_id == "ada"
    assert service.calls[0]["authorization"] == "Bearer rl_secret"


def test_refusal_says_code_reason_and_fields(service: UserService, address: str) -> None:
    """The details of a status become reason, violations and the time to come back."""

    def refuse(_: Any, context: grpc.ServicerContext) -> None:
        violation = error_details_pb2.BadRequest.FieldViolation(field="user.time_zone", description="unknown")
        abort(
            context,
            status(
                grpc.StatusCode.INVALID_ARGUMENT,
                '"Berlin" is not a known time zone',
                error_details_pb2.ErrorInfo(reason="UNKNOWN_TIME_ZONE", domain="redletter"),
                error_details_pb2.BadRequest(field_violations=[violation]),
                error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=3)),
            ),
        )

    service.answer = refuse
    with client(address) as api, pytest.raises(ApiError) as caught:
        api.users.GetUser(GET)
    error = caught.value
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "UNKNOWN_TIME_ZONE")
    assert str(error) == error.message == '"Berlin" is not a known time zone'
    assert error.violations == (Violation("user.time_zone", "unknown"),)
    assert error.retry_after == timedelta(seconds=3)
    assert len(service.calls) == 1


def away(times: int) -> Any:
    """Return an answer that is UNAVAILABLE `times` times, then right."""
    left = [times]

    def answer(request: Any, context: grpc.ServicerContext) -> Any:
        if left[0]:
            left[0] -= 1
            info = error_details_pb2.ErrorInfo(reason="DEPENDENCY_UNAVAILABLE", domain="redletter")
            abort(context, status(grpc.StatusCode.UNAVAILABLE, "the database does not answer", info))
        return found(request.user_id)

    return answer


def test_read_is_repeated_while_the_service_is_away(service: UserService, address: str) -> None:
    """Two refusals for want of a database are not seen by the caller."""
    service.answer = away(2)
    with client(address) as api:
        assert api.users.GetUser(GET).user.user_id == "ada"
    assert len(service.calls) == 3


def test_read_that_a_stopping_replica_cancelled_is_repeated(service: UserService, address: str) -> None:
    """A bare CANCELLED, as a replica gives a call that came in just as it stopped, is not seen by the caller."""
    left = ["CANCELLED"]

    def cancel_once(request: Any, context: grpc.ServicerContext) -> Any:
        if left:
            context.abort(grpc.StatusCode.CANCELLED, left.pop())
        return found(request.user_id)

    service.answer = cancel_once
    with client(address) as api:
        assert api.users.GetUser(GET).user.user_id == "ada"
    assert len(service.calls) == 2


def test_repeating_ends_after_four_tries(service: UserService, address: str) -> None:
    """A service that stays away is asked four times, then its own words are raised."""
    service.answer = away(99)
    with client(address) as api, pytest.raises(ApiError, match="the database does not answer"):
        api.users.GetUser(GET)
    assert len(service.calls) == 4


def test_deletion_is_not_repeated(service: UserService, address: str) -> None:
    """A call whose repetition would answer otherwise is tried once."""
    service.answer = away(99)
    with client(address) as api, pytest.raises(ApiError):
        api.users.DeleteUser(user_service_pb2.DeleteUserRequest(user_id="ada"))
    assert len(service.calls) == 1


def test_wait_that_outlasts_the_deadline_is_not_begun(service: UserService, address: str) -> None:
    """When the service asks for more patience than the deadline leaves, the error comes at once."""

    def busy(_: Any, context: grpc.ServicerContext) -> None:
        retry = error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(seconds=60))
        abort(context, status(grpc.StatusCode.UNAVAILABLE, "busy", retry))

    service.answer = busy
    with client(address) as api, pytest.raises(ApiError, match="busy"):
        api.users.GetUser(GET)
    assert len(service.calls) == 1


def test_deadline_is_kept(service: UserService, address: str) -> None:
    """A service that does not answer in time is named."""

    def forever(_: Any, context: grpc.ServicerContext) -> None:
        ended = threading.Event()
        context.add_callback(ended.set)
        ended.wait(10)

    service.answer = forever
    with client(address, timeout=timedelta(milliseconds=150)) as api, pytest.raises(ApiError) as caught:
        api.users.GetUser(GET)
    assert caught.value.code == "DEADLINE_EXCEEDED"
    assert str(caught.value) == f"user_service at {address} did not answer in time"


def test_nobody_listening_is_unreachable() -> None:
    """A refused connection names service and address."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with client(address) as api, pytest.raises(Unreachable) as caught:
            api.users.GetUser(GET)
    assert (caught.value.service, caught.value.address) == ("user", address)
    assert f"cannot reach user_service at {address}" in str(caught.value)


def test_request_over_four_mebibytes_is_not_sent(service: UserService, address: str) -> None:
    """A request that no service would take is refused here, with its size and the limit."""
    request = user_service_pb2.UpsertUserRequest()
    request.user.attributes["essay"] = "x" * (10 * 1024 * 1024)
    with client(address) as api, pytest.raises(ApiError) as caught:
        api.users.UpsertUser(request)
    assert caught.value.reason == "TOO_LARGE"
    assert "UpsertUser has 10,4" in str(caught.value)
    assert "at most 4,194,304 are allowed" in str(caught.value)
    assert service.calls == []


def test_stream_carries_the_key_and_names_its_error(service: UserService, address: str) -> None:
    """An import has the key too, and ends with the service's own words."""

    def refuse(requests: Iterator[Any], context: grpc.ServicerContext) -> Iterator[Any]:
        next(requests)
        yield user_service_pb2.ImportUsersResponse(acknowledged_line=7)
        info = error_details_pb2.ErrorInfo(reason="INVALID_FIELD", domain="redletter")
        abort(context, status(grpc.StatusCode.INVALID_ARGUMENT, "rows: must contain no more than 500", info))

    service.stream = refuse
    request = user_service_pb2.ImportUsersRequest()
    seen = []
    with client(address) as api, pytest.raises(ApiError, match="no more than 500") as caught:
        seen.extend(api.import_users(iter([request])))
    assert caught.value.reason == "INVALID_FIELD"
    assert [answer.acknowledged_line for answer in seen] == [7]
    assert service.calls[0]["authorization"] == "Bearer key"


def test_addresses_become_targets() -> None:
    """Several IP addresses are one target for round robin; a name is left to DNS."""
    assert target("127.0.0.1:7720, 127.0.0.1:7723") == "ipv4:127.0.0.1:7720,127.0.0.1:7723"
    assert target("[::1]:7720") == "ipv6:[::1]:7720"
    assert target("scheduler.redletter.svc:7720") == "dns:///scheduler.redletter.svc:7720"
    with pytest.raises(ValueError, match="mixes several host names"):
        target("a:1,b:2")
    with pytest.raises(ValueError, match="empty"):
        target(" , ")


def test_calls_are_spread_over_all_addresses() -> None:
    """With two replicas in the setting, both are called."""
    first, second = UserService(), UserService()
    for made in (first, second):
        made.answer = lambda request, _: found(request.user_id)
    with serving(first) as one, serving(second) as two, client(f"127.0.0.1:{one},127.0.0.1:{two}") as api:
        for _ in range(200):
            api.users.GetUser(GET)
            if first.calls and second.calls:
                break
    assert first.calls
    assert second.calls


def test_missing_address_is_named() -> None:
    """A client without the address of a service says which one."""
    with pytest.raises(ValueError, match="the address of the delivery service is missing"):
        Addresses.of({"user": "127.0.0.1:1", "scheduler": "127.0.0.1:2"})


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("", "the API key is empty"),
        ("rl_é", "character 4 of the API key is U\\+00E9; a key has the form rl_"),
        ("rl_a\n", "character 5 of the API key is a line end"),
        ("rl_a\r", "character 5 of the API key is a carriage return"),
        (" rl_a", "character 1 of the API key is a space"),
        ("rl_\x7f", "character 4 of the API key is U\\+007F"),
        ("x" * 513, "the API key has 513 characters; a key has at most 512"),
    ],
)
def test_key_that_cannot_be_one_is_refused_before_any_call(key: str, sentence: str) -> None:
    """A client is not made with what gRPC could not carry; the sentence says where, without the key."""
    with pytest.raises(ValueError, match=sentence) as caught:
        client("127.0.0.1:1", api_key=key)
    assert "rl_a" not in str(caught.value)


def test_delay_is_full_jitter_under_a_growing_ceiling() -> None:
    """Delays stay under base * 2^(n-1) and the cap, and end with the number of tries."""
    retries = Retries(attempts=50, base=timedelta(seconds=1), cap=timedelta(seconds=5))
    error = ApiError("UNAVAILABLE", "away")
    for failed, ceiling in ((1, 1), (2, 2), (3, 4), (4, 5), (49, 5)):
        delays = [retries.delay(failed, error) for _ in range(50)]
        assert all(d is not None and timedelta(0) <= d <= timedelta(seconds=ceiling) for d in delays)
        assert len(set(delays)) > 10
    assert retries.delay(50, error) is None
    assert retries.delay(1, ApiError("INVALID_ARGUMENT", "no")) is None
