"""UserService: the users of the caller's tenant."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import structlog
from google.rpc.status_pb2 import Status
from redletter.common.v1.item_result_pb2 import ItemResult
from redletter.user.v1 import user_pb2, user_service_pb2, user_service_pb2_grpc

from chassis import pages, zones
from chassis.clocks import BusinessClock
from chassis.errors import RedletterError
from chassis.rpc.credentials import tenant_id
from chassis.rpc.errors import status_of
from user_service.api import parsing, preferences, rendering
from user_service.api.calls import Context, circumstances
from user_service.api.imports import Import, ahead
from user_service.api.items import checked_drafts, rounds
from user_service.api.paging import LARGEST_PUBLIC_PAGE, page_after, token_after, within
from user_service.domain.care_switches import CareSwitch
from user_service.domain.changes import Urgency
from user_service.domain.occasions import OnEnrol
from user_service.domain.users import UserDraft
from user_service.store.care_switches import CareSwitches
from user_service.store.users import Change, Users

log = structlog.get_logger()

_Response = user_service_pb2.UpsertUserResponse
_CHANGES = {
    Change.CREATED: _Response.CHANGE_CREATED,
    Change.UPDATED: _Response.CHANGE_UPDATED,
    Change.UNCHANGED: _Response.CHANGE_UNCHANGED,
}


class UserServicer(user_service_pb2_grpc.UserServiceServicer):
    """Users, their preferences and care switches; of many rows one that is refused never costs another."""

    def __init__(self, users: Users, switches: CareSwitches, clock: BusinessClock) -> None:
        self._users = users
        self._switches = switches
        self._clock = clock

    async def UpsertUser(
        self, request: user_service_pb2.UpsertUserRequest, _context: Context
    ) -> user_service_pb2.UpsertUserResponse:
        """Store one user whole."""
        tenant = tenant_id()
        [draft] = checked_drafts([request.user])
        if isinstance(draft, RedletterError):
            raise draft
        policy = parsing.on_enrol(request.on_enrol, default=OnEnrol.SAME_DAY)
        under = circumstances(self._clock, policy, Urgency.SINGLE)
        [written] = await self._users.upsert(tenant, [draft], under=under)
        if isinstance(written, RedletterError):
            raise written
        log.info("user.upserted", tenant_id=tenant, change=written.change.name, version=written.version)
        return _Response(user=rendering.user(written.user), change=_CHANGES[written.change])

    async def GetUser(
        self, request: user_service_pb2.GetUserRequest, _context: Context
    ) -> user_service_pb2.GetUserResponse:
        """Answer one user."""
        user = await self._users.get(tenant_id(), request.user_id)
        return user_service_pb2.GetUserResponse(user=rendering.user(user))

    async def ListUsers(
        self, request: user_service_pb2.ListUsersRequest, _context: Context
    ) -> user_service_pb2.ListUsersResponse:
        """Answer one page of users, by id."""
        tenant = tenant_id()
        if request.time_zone:
            zones.require_known(request.time_zone, field="time_zone")
        bound_to = ["users", tenant, request.time_zone]
        size = pages.page_size(request.page_size)
        found = await self._users.list(
            tenant, after=page_after(request.page_token, bound_to), time_zone=request.time_zone, most=size + 1
        )
        shown = list(within((rendering.user(user) for user in found[:size]), LARGEST_PUBLIC_PAGE))
        more = token_after([user.user_id for user in found], len(shown), bound_to)
        return user_service_pb2.ListUsersResponse(users=shown, next_page_token=more)

    async def DeleteUser(
        self, request: user_service_pb2.DeleteUserRequest, _context: Context
    ) -> user_service_pb2.DeleteUserResponse:
        """Delete one user with everything known about them."""
        tenant = tenant_id()
        version = await self._users.delete(
            tenant, request.user_id, now=self._clock.now(), real=self._clock.real()
        )
        log.info("user.deleted", tenant_id=tenant, version=version)
        return user_service_pb2.DeleteUserResponse()

    async def BatchUpsertUsers(
        self, request: user_service_pb2.BatchUpsertUsersRequest, _context: Context
    ) -> user_service_pb2.BatchUpsertUsersResponse:
        """Store up to 500 users, each by itself; the items of one id in their order."""
        tenant = tenant_id()
        policy = parsing.on_enrol(request.on_enrol, default=OnEnrol.NEXT)
        outcomes = await self._store(tenant, request.users, policy)
        refused = sum(status.code != 0 for status in outcomes)
        log.info("batch.upserted", tenant_id=tenant, accepted=len(outcomes) - refused, rejected=refused)
        return user_service_pb2.BatchUpsertUsersResponse(
            results=[ItemResult(index=index, status=status) for index, status in enumerate(outcomes)]
        )

    async def ImportUsers(
        self,
        request_iterator: AsyncIterator[user_service_pb2.ImportUsersRequest],
        _context: Context,
    ) -> AsyncIterator[user_service_pb2.ImportUsersResponse]:
        """Store chunk after chunk; each is answered as soon as its good rows are committed."""
        running = Import(tenant_id(), self._users, self._clock)
        try:
            async with aclosing(ahead(running.check, request_iterator)) as chunks:
                async for chunk in chunks:
                    yield await running.store(chunk)
        finally:
            running.end()

    async def SetPreferences(
        self, request: user_service_pb2.SetPreferencesRequest, _context: Context
    ) -> user_service_pb2.SetPreferencesResponse:
        """Replace the preferences of one user."""
        tenant = tenant_id()
        under = circumstances(self._clock, OnEnrol.SAME_DAY, Urgency.SINGLE)
        wanted = preferences.parsed(request.preferences)
        written = await self._users.choose(tenant, request.user_id, wanted, under=under)
        log.info("preferences.set", tenant_id=tenant, change=written.change.name, version=written.version)
        return user_service_pb2.SetPreferencesResponse(user=rendering.user(written.user))

    async def SetCareSwitch(
        self, request: user_service_pb2.SetCareSwitchRequest, _context: Context
    ) -> user_service_pb2.SetCareSwitchResponse:
        """Set a care switch; the log says that, and neither for whom nor why."""
        tenant = tenant_id()
        subject = (tenant, request.user_id, request.occasion_id)
        switch = await self._switches.set(subject, now=self._clock.now(), real=self._clock.real())
        log.info("care_switch.set", tenant_id=tenant, of=_kind(switch), reason_given=bool(request.reason))
        return user_service_pb2.SetCareSwitchResponse(care_switch=rendering.care_switch(switch))

    async def ClearCareSwitch(
        self, request: user_service_pb2.ClearCareSwitchRequest, _context: Context
    ) -> user_service_pb2.ClearCareSwitchResponse:
        """Take a care switch back."""
        tenant = tenant_id()
        subject = (tenant, request.user_id, request.occasion_id)
        switch = await self._switches.clear(subject, now=self._clock.now(), real=self._clock.real())
        log.info("care_switch.cleared", tenant_id=tenant, of=_kind(switch))
        return user_service_pb2.ClearCareSwitchResponse(care_switch=rendering.care_switch(switch))

    async def ListCareSwitches(
        self, request: user_service_pb2.ListCareSwitchesRequest, _context: Context
    ) -> user_service_pb2.ListCareSwitchesResponse:
        """Answer the switches of a person and of their stored occasions."""
        switches = await self._switches.list(tenant_id(), request.user_id)
        return user_service_pb2.ListCareSwitchesResponse(
            care_switches=[rendering.care_switch(switch) for switch in switches]
        )

    async def _store(self, tenant: str, users: Sequence[user_pb2.User], policy: OnEnrol) -> list[Status]:
        drafts = checked_drafts(users)
        outcomes = [Status() for _ in drafts]
        good: list[tuple[int, UserDraft]] = []
        for index, draft in enumerate(drafts):
            if isinstance(draft, RedletterError):
                outcomes[index] = status_of(draft)
            else:
                good.append((index, draft))
        for batch in rounds(good):
            under = circumstances(self._clock, policy, Urgency.BATCH)
            written = await self._users.upsert(tenant, [draft for _, draft in batch], under=under)
            for (index, _), outcome in zip(batch, written, strict=True):
                if isinstance(outcome, RedletterError):
                    outcomes[index] = status_of(outcome)
        return outcomes


def _kind(switch: CareSwitch) -> str:
    return "occasion" if switch.occasion_id else "person"
