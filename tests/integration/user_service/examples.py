"""People for the tests of user_service."""

from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo
from google.type.date_pb2 import Date
from grpc_status import rpc_status
from redletter.user.v1 import user_pb2, user_service_pb2

M = TypeVar("M", bound=Message)


def occasion(
    kind: str = "birthday", year: int = 1990, month: int = 5, day: int = 17, **more: object
) -> user_pb2.Occasion:
    """Return an occasion; 17 May 1990 unless told."""
    return user_pb2.Occasion(kind=kind, date=Date(year=year, month=month, day=day), **more)


def person(user_id: str = "ada", **more: object) -> user_pb2.User:
    """Return a complete user with a birthday and an attribute."""
    fields = {
        "time_zone": "Europe/Berlin",
        "locale": "de-DE",
        "given_name": "Ada",
        "family_name": "Lovelace",
        "occasions": [occasion()],
        "attributes": {"plan": "gold", "points": 7, "vip": True},
    }
    return user_pb2.User(user_id=user_id, **{**fields, **more})


def chunk(
    users: list[user_pb2.User], *, first: int = 1, on_enrol: int = 0
) -> user_service_pb2.ImportUsersRequest:
    """Return the users as one chunk of an import, lines counted from `first`."""
    row = user_service_pb2.ImportUsersRequest.Row
    return user_service_pb2.ImportUsersRequest(
        on_enrol=on_enrol, rows=[row(line=first + index, user=user) for index, user in enumerate(users)]
    )


def code_and_reason(error: grpc.aio.AioRpcError) -> tuple[str, str]:
    """Return the status code and the reason of google.rpc.ErrorInfo."""
    return error.code().name, _detail(error, ErrorInfo).reason


def refused_fields(error: grpc.aio.AioRpcError) -> dict[str, str]:
    """Return the refused fields with their sentences."""
    return {v.field: v.description for v in _detail(error, BadRequest).field_violations}


def _detail(error: grpc.aio.AioRpcError, kind: type[M]) -> M:
    status = rpc_status.from_call(error)
    assert status is not None, error
    for packed in status.details:
        found = kind()
        if packed.Unpack(found):
            return found
    raise AssertionError(f"no {kind.__name__} in {status}")
