"""Bad input is refused at its field, with the value and what is allowed, before anything is written."""

import grpc
import pytest
from google.protobuf.struct_pb2 import Struct
from google.type.date_pb2 import Date
from redletter.user.v1 import user_pb2

from tests.integration.user_service.examples import (
    code_and_reason,
    occasion,
    person,
    refused_fields,
)
from tests.integration.user_service.harness import Caller, Service

CASES = {
    "unknown zone": (
        person(time_zone="Europe/Berln"),
        "UNKNOWN_TIME_ZONE",
        "user.time_zone",
        ["Europe/Berln", "Europe/Berlin"],
    ),
    "no zone": (person(time_zone=""), "INVALID_FIELD", "user.time_zone", ["at least 1"]),
    "30 February": (
        person(occasions=[occasion(), occasion("anniversary", 2000, 2, 30)]),
        "NO_SUCH_DATE",
        "user.occasions[1].date",
        ["30 February 2000", "1 to 29"],
    ),
    "29 February in a common year": (
        person(occasions=[occasion(year=2027, month=2, day=29)]),
        "NO_SUCH_DATE",
        "user.occasions[0].date",
        ["29 February 2027", "1 to 28"],
    ),
    "31 April without a year": (
        person(occasions=[occasion(year=0, month=4, day=31)]),
        "NO_SUCH_DATE",
        "user.occasions[0].date",
        ["31 April", "1 to 30"],
    ),
    "month 13": (
        person(occasions=[occasion(month=13)]),
        "NO_SUCH_DATE",
        "user.occasions[0].date",
        ["month 13", "1 to 12"],
    ),
    "year 10000": (
        person(occasions=[occasion(year=10_000)]),
        "NO_SUCH_DATE",
        "user.occasions[0].date",
        ["year 10000", "9999"],
    ),
    "a year before the first": (
        person(occasions=[occasion(year=-44)]),
        "NO_SUCH_DATE",
        "user.occasions[0].date",
        ["year -44"],
    ),
    "no date": (
        person(occasions=[user_pb2.Occasion(kind="birthday")]),
        "INVALID_FIELD",
        "user.occasions[0].date",
        [],
    ),
    "an empty date": (
        person(occasions=[user_pb2.Occasion(kind="birthday", date=Date())]),
        "NO_SUCH_DATE",
        "user.occasions[0].date",
        ["month 0"],
    ),
    "two occasions of one id": (
        person(occasions=[occasion(), occasion(day=18)]),
        "INVALID_FIELD",
        "user.occasions[1].occasion_id",
        ["birthday"],
    ),
    "empty id": (person(""), "INVALID_FIELD", "user.user_id", ["at least 1"]),
    "control character in the id": (person("a\nb"), "INVALID_FIELD", "user.user_id", []),
    "kind in capitals": (
        person(occasions=[occasion("Birthday")]),
        "INVALID_FIELD",
        "user.occasions[0].kind",
        [],
    ),
    "attribute of 17 KiB": (
        person(attributes={"essay": "x" * 17_000}),
        "TOO_LARGE",
        "user.attributes",
        ["17,012", "16,384"],
    ),
    "attribute of 3 MB": (
        person(attributes={"essay": "x" * 3_000_000}),
        "TOO_LARGE",
        "user.attributes",
        ["3,000,0"],
    ),
    "NUL in an attribute": (
        person(attributes={"a": {"b": ["x\0"]}}),
        "INVALID_FIELD",
        "user.attributes.a.b[0]",
        ["NUL"],
    ),
    "NaN in an attribute": (
        person(attributes={"height": float("nan")}),
        "INVALID_FIELD",
        "user.attributes.height",
        ["nan"],
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_bad_input_is_clear_at_its_field(service: Service, acme: Caller, case: str) -> None:
    """Each is INVALID_ARGUMENT with reason, field, value and what is allowed; nothing is stored or marked."""
    user, reason, field, words = CASES[case]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.upsert(user)
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", reason)
    sentence = refused_fields(refused.value)[field]
    assert [word for word in words if word not in sentence] == []
    assert not (await service.pull()).changes


async def test_ten_megabytes_are_refused_by_the_port(acme: Caller) -> None:
    """A request above 4 MiB never reaches the service; the code says so."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.upsert(person(attributes={"essay": "x" * 10_000_000}))
    assert refused.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED


async def test_year_zero_is_an_unknown_year(acme: Caller) -> None:
    """Year 0 is stored as no year, and 29 February exists without one."""
    await acme.upsert(person(occasions=[occasion(year=0, month=2, day=29)]))
    assert (await acme.get("ada")).occasions[0].date == Date(month=2, day=29)


async def test_attributes_of_exactly_the_limit_are_kept(acme: Caller) -> None:
    """16,384 bytes of JSON are allowed."""
    attributes = Struct()
    attributes["essay"] = "x" * (16_384 - len('{"essay":""}'))
    await acme.upsert(person(attributes=attributes))
    assert (await acme.get("ada")).attributes == attributes
