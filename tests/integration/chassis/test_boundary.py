"""What a caller sees of an error: its own status, a reason, the fields, and nothing from inside."""

from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import grpc
import pytest
import sqlalchemy.exc
from prometheus_client import REGISTRY

from chassis import errors
from chassis.errors import FieldViolation, InvalidInput, Unauthenticated
from chassis.rpc import credentials
from chassis.rpc.credentials import InternalToken, Principal
from tests.integration.chassis.conftest import BAD, GOOD, NAME, Ask, Behaviour, fails_with, refused, works

CODE = grpc.StatusCode
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("error", "code", "reason", "details"),
    [
        (
            errors.InvalidInput.at("a.b", "is wrong", allowed="x"),
            CODE.INVALID_ARGUMENT,
            "INVALID_FIELD",
            "BadRequest",
        ),
        (errors.NotFound("no such user"), CODE.NOT_FOUND, "NOT_FOUND", None),
        (errors.AlreadyExists("taken"), CODE.ALREADY_EXISTS, "ALREADY_EXISTS_DIFFERENT", None),
        (errors.IllegalTransition("ended"), CODE.FAILED_PRECONDITION, "ILLEGAL_STATE", None),
        (errors.StaleVersion("old"), CODE.ABORTED, "STALE_ETAG", None),
        (
            errors.TooManyRequests("slow", retry_after=MINUTE, subject="t"),
            CODE.RESOURCE_EXHAUSTED,
            "RATE_LIMITED",
            "RetryInfo",
        ),
        (errors.Unauthenticated("who"), CODE.UNAUTHENTICATED, "UNAUTHENTICATED", None),
        (errors.Forbidden("no"), CODE.PERMISSION_DENIED, "FORBIDDEN", None),
        (errors.DependencyUnavailable("away"), CODE.UNAVAILABLE, "DEPENDENCY_UNAVAILABLE", "RetryInfo"),
    ],
)
async def test_each_error_has_its_status(
    serve: Any, error: Exception, code: Any, reason: str, details: str
) -> None:
    """The sentence arrives unchanged, with an ErrorInfo and the details of its kind."""
    _, caller = await serve(fails_with(error))
    seen = await refused(caller.unary(GOOD))
    assert (seen.code, seen.message) == (code, str(error))
    info = seen.details["ErrorInfo"]
    assert (info.reason, info.domain) == (reason, "redletter")
    if details:
        assert details in seen.details


async def test_details_say_what_to_do(serve: Any) -> None:
    """A refused field has its path, a limit says when to come back and for whom it holds."""
    _, caller = await serve(
        fails_with(errors.InvalidInput.at("a.b", "is wrong", allowed="x", reason="NO_SUCH_DATE"))
    )
    (violation,) = (await refused(caller.unary(GOOD))).details["BadRequest"].field_violations
    assert (violation.field, violation.description) == ("a.b", "a.b: is wrong (allowed: x)")
    assert violation.reason == "NO_SUCH_DATE"
    _, caller = await serve(
        fails_with(errors.TooManyRequests("slow", retry_after=MINUTE, subject="tenant-1"))
    )
    seen = await refused(caller.unary(GOOD))
    assert seen.details["RetryInfo"].retry_delay.seconds == 60
    assert seen.details["QuotaFailure"].violations[0].subject == "tenant-1"


async def test_a_bug_says_nothing_from_inside(serve: Any) -> None:
    """INTERNAL with the caller's request id, shortened; the exception's text stays in the logs."""
    _, caller = await serve(fails_with(KeyError("secret of Ada")))
    seen = await refused(caller.unary(GOOD, metadata=(("x-request-id", "abc"),)))
    assert seen.code is CODE.INTERNAL
    assert seen.message == "internal error; the logs know more under request id abc"
    assert seen.details["RequestInfo"].request_id == "abc"
    assert "Ada" not in str(seen)
    assert len((await refused(caller.unary(GOOD))).details["RequestInfo"].request_id) == 32
    long = await refused(caller.unary(GOOD, metadata=(("x-request-id", "x" * 5_000),)))
    assert long.details["RequestInfo"].request_id == "x" * 64


@pytest.mark.parametrize(
    "error",
    [
        ConnectionResetError("gone"),
        TimeoutError(),
        sqlalchemy.exc.TimeoutError("pool"),
        asyncpg.CannotConnectNowError("starting"),
        asyncpg.InterfaceError("closed"),
        sqlalchemy.exc.DBAPIError("SELECT 'Ada'", {}, Exception("Ada"), connection_invalidated=True),
    ],
)
async def test_a_database_that_is_away_means_try_again(serve: Any, error: Exception) -> None:
    """Whatever the driver raises then, the caller sees UNAVAILABLE with a delay, and no statement."""
    _, caller = await serve(fails_with(error))
    seen = await refused(caller.unary(GOOD))
    assert seen.code is CODE.UNAVAILABLE
    assert "RetryInfo" in seen.details
    assert "Ada" not in str(seen)


async def test_a_thousand_refused_fields_fit_into_the_answer(serve: Any) -> None:
    """A client that caps trailers at 8 KB still sees the code, the reason and the first fields."""
    many = [
        FieldViolation(f"users[{n}].time_zone", f'"Ünknown/{n}" is no zone' + "é" * 100) for n in range(1000)
    ]
    for violations in (many, [FieldViolation("text", "é" * 20_000)]):
        _, caller = await serve(fails_with(InvalidInput(violations)))
        seen = await refused(caller.unary(GOOD))
        assert seen.code is CODE.INVALID_ARGUMENT
        assert seen.details["ErrorInfo"].reason == "INVALID_FIELD"
        assert seen.details["BadRequest"].field_violations[0].field == violations[0].field


async def test_field_rules_name_the_value_and_what_is_allowed(serve: Any) -> None:
    """A request against its proto's rules never reaches the method."""
    behaviour = works()
    _, caller = await serve(behaviour)
    seen = await refused(caller.unary(BAD))
    assert seen.code is CODE.INVALID_ARGUMENT
    assert "'Not Allowed' is not of the allowed form (allowed: text that matches ^[a-z]" in seen.message
    assert seen.details["BadRequest"].field_violations[0].field == "event_type_id"
    assert behaviour.seen == []


async def test_the_principal_is_the_callers(serve: Any) -> None:
    """The method sees who calls; an operator's key is refused where a tenant's is needed, and the reverse."""
    found: list[Principal] = []

    async def act() -> None:
        found.append(credentials.principal())
        assert credentials.tenant_id() == "tenant-1"
        credentials.require_operator()

    _, caller = await serve(Behaviour(act))
    seen = await refused(caller.unary(GOOD))
    assert seen.code is CODE.PERMISSION_DENIED
    assert found[0].api_key_id == "key-1"

    async def operator(_metadata: Mapping[str, str]) -> Principal:
        return Principal("", "op", frozenset({"operator"}))

    async def needs_tenant() -> None:
        credentials.require_operator()
        credentials.tenant_id()

    _, caller = await serve(Behaviour(needs_tenant), authenticate=operator)
    seen = await refused(caller.unary(GOOD))
    assert (seen.code, seen.details["ErrorInfo"].reason) == (CODE.PERMISSION_DENIED, "FORBIDDEN")


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ((), "no internal credential"),
        ((("authorization", "Bearer rl_1"),), "no internal credential"),
        ((("authorization", "Internal x.y"),), "no internal credential"),
        ((("authorization", f"Internal {'9' * 4_000}.aa"),), "no internal credential"),
        ((("authorization", "Internal 1000000000.aa"),), "too old"),
        ((("authorization", InternalToken("w" * 32).header()),), "wrong"),
        ((("authorization", InternalToken("s" * 32).header() + "0"),), "wrong"),
    ],
)
async def test_an_internal_port_refuses_strangers(
    serve: Any, given: tuple[tuple[str, str], ...], why: str
) -> None:
    """Missing, foreign, old, and badly signed credentials are UNAUTHENTICATED, each with its reason."""
    _, caller = await serve(works(), authenticate=InternalToken("s" * 32))
    seen = await refused(caller.unary(GOOD, metadata=given))
    assert seen.code is CODE.UNAUTHENTICATED
    assert why in seen.message
    await caller.unary(GOOD, metadata=(("authorization", InternalToken("s" * 32).header()),))


async def stream(*requests: Ask) -> AsyncIterator[Ask]:
    """Yield requests as a streaming client does."""
    for request in requests:
        yield request


async def test_streams_are_authenticated_checked_and_mapped(serve: Any) -> None:
    """All three streaming kinds answer, refuse what is wrong in the middle, and carry the status of an error."""
    _, caller = await serve(works())
    assert len([answer async for answer in caller.unary_stream(GOOD)]) == 2
    await caller.stream_unary(stream(GOOD, GOOD))
    assert len([answer async for answer in caller.stream_stream(stream(GOOD, GOOD))]) == 2

    async def drain(call: Any) -> None:
        async for _ in call:
            pass

    assert (await refused(drain(caller.unary_stream(BAD)))).code is CODE.INVALID_ARGUMENT
    assert (await refused(caller.stream_unary(stream(GOOD, BAD)))).code is CODE.INVALID_ARGUMENT
    assert (await refused(drain(caller.stream_stream(stream(GOOD, BAD))))).code is CODE.INVALID_ARGUMENT

    _, caller = await serve(fails_with(errors.NotFound("gone")))
    for call in (
        drain(caller.unary_stream(GOOD)),
        caller.stream_unary(stream(GOOD)),
        drain(caller.stream_stream(stream(GOOD))),
    ):
        seen = await refused(call)
        assert (seen.code, seen.details["ErrorInfo"].reason) == (CODE.NOT_FOUND, "NOT_FOUND")

    async def nobody(_metadata: Mapping[str, str]) -> Principal:
        raise Unauthenticated("no API key")

    behaviour = works()
    _, caller = await serve(behaviour, authenticate=nobody)
    for call in (caller.unary(GOOD), drain(caller.unary_stream(GOOD)), caller.stream_unary(stream(GOOD))):
        assert (await refused(call)).code is CODE.UNAUTHENTICATED
    assert behaviour.seen == []


async def test_calls_are_counted_by_code(serve: Any) -> None:
    """The RED metrics know the method and how it ended."""

    def count(code: str) -> float:
        labels = {"service": "test", "method": f"/{NAME}/Unary", "code": code}
        return REGISTRY.get_sample_value("redletter_rpc_duration_seconds_count", labels) or 0.0

    before = count("OK"), count("NOT_FOUND")
    _, caller = await serve(works())
    await caller.unary(GOOD)
    _, caller = await serve(fails_with(errors.NotFound("gone")))
    await refused(caller.unary(GOOD))
    assert (count("OK"), count("NOT_FOUND")) == (before[0] + 1, before[1] + 1)
