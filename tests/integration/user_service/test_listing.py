"""ListUsers and ListApiKeys: pages by id, tokens bound to their filter."""

import grpc
import pytest
from redletter.user.v1.user_service_pb2 import ListUsersRequest

from chassis import pages
from tests.integration.user_service.examples import code_and_reason, person
from tests.integration.user_service.harness import Caller, Service


async def listed(caller: Caller, **filters: object) -> list[list[str]]:
    """Return the ids of all pages."""
    found, token = [], ""
    while True:
        page = await caller.users.ListUsers(ListUsersRequest(page_token=token, **filters))
        found.append([user.user_id for user in page.users])
        token = page.next_page_token
        if not token:
            return found


async def test_pages_go_through_all_users_by_id(service: Service, acme: Caller) -> None:
    """Every user of the tenant appears once, in the byte order of ids, and nobody else's."""
    await (await service.tenant("other")).upsert(person("z"))
    await acme.batch([person(user_id) for user_id in ("b", "a", "C", "é", "aa")])
    assert await listed(acme, page_size=2) == [["C", "a"], ["aa", "b"], ["é"]]
    assert await listed(acme, page_size=5) == [["C", "a", "aa", "b", "é"]]


async def test_a_zone_filters(acme: Caller) -> None:
    """Only users with exactly the zone as it was given are listed."""
    zones = ("Asia/Katmandu", "Asia/Kathmandu", "Asia/Katmandu")
    await acme.batch([person(f"u{n}", time_zone=zone) for n, zone in enumerate(zones)])
    assert await listed(acme, time_zone="Asia/Katmandu", page_size=1) == [["u0"], ["u2"]]


async def test_a_page_fits_into_a_message(acme: Caller) -> None:
    """People with heavy attributes come in smaller pages than was asked for, and none is left out."""
    ids = [f"u{n:03d}" for n in range(300)]
    for first in range(0, 300, 150):
        await acme.batch([person(i, attributes={"essay": "x" * 16_000}) for i in ids[first : first + 150]])
    found = await listed(acme, page_size=1000)
    assert len(found) == 2
    assert [user_id for page in found for user_id in page] == ids


@pytest.mark.parametrize("token", ["nonsense", "W10", pages.encode(["a"], ["users", "x", ""])])
async def test_a_wrong_token_is_refused(acme: Caller, token: str) -> None:
    """A token that is damaged or was made for another filter is INVALID_PAGE_TOKEN."""
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.users.ListUsers(ListUsersRequest(page_token=token))
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN")


@pytest.mark.parametrize("key", [[], [7], ["a", "b"], ["a\0"]])
async def test_a_forged_token_is_refused(acme: Caller, key: list[str | int]) -> None:
    """A token with a key that no page ends with is INVALID_PAGE_TOKEN, never an internal error."""
    token = pages.encode(key, ["users", acme.tenant_id, ""])
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.users.ListUsers(ListUsersRequest(page_token=token))
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", "INVALID_PAGE_TOKEN")
