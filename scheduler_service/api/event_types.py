"""EventTypeService: the tenant's standing rules."""

from collections.abc import Callable
from dataclasses import replace

import grpc
import structlog
from prometheus_client import Counter
from redletter.scheduler.v1 import event_type_service_pb2 as service_pb
from sqlalchemy.ext.asyncio import AsyncConnection
from whenever import Instant

from chassis import pages
from chassis.database import unit_of_work
from chassis.errors import IllegalTransition, NotFound, StaleVersion
from chassis.rpc import credentials
from scheduler_service.api import rule_parsing
from scheduler_service.api.rule_rendering import etag_of, render
from scheduler_service.api.templates import TemplateMethods
from scheduler_service.domain.event_types import EventType, EventTypeState
from scheduler_service.domain.rule_changes import (
    MAX_EVENT_TYPES,
    edited,
    require_present,
    revived,
    touched,
)
from scheduler_service.store import event_types, replan_operations
from scheduler_service.store.event_types import Stored

log = structlog.get_logger()

CHANGED = Counter("redletter_scheduler_event_types_changed_total", "New versions of event types.")


class EventTypes(TemplateMethods):
    """Parses, stores, renders; the leader plans again what a changed timing moves."""

    async def CreateEventType(
        self, request: service_pb.CreateEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.CreateEventTypeResponse:
        """Create an event type, or revive a deleted one; the people of its occasion are planned behind."""
        now = self._clock.now()
        rule = rule_parsing.created(credentials.tenant_id(), request.event_type, now)
        await self._try_words(rule)
        async with unit_of_work(self._engine) as connection:
            stored = await _create(connection, rule, request.event_type.display_name, now)
        _account(stored)
        return service_pb.CreateEventTypeResponse(event_type=render(stored))

    async def UpdateEventType(
        self, request: service_pb.UpdateEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.UpdateEventTypeResponse:
        """Change the named fields; a changed timing is planned again in the background."""
        wire, paths = request.event_type, request.update_mask.paths
        changes = rule_parsing.changes(wire, paths)
        before = await self._present(wire.event_type_id)
        wanted = edited(before.rule, changes, now=before.update_time)
        rule_parsing.check(wanted)
        if "templates" in changes:
            # Outside the transaction: a lock must not be held for as long as words are tried.
            await self._try_words(wanted)

        def update(stored: Stored, now: Instant) -> Stored:
            rule = edited(stored.rule, changes, now=now)
            rule_parsing.check(rule)  # somebody may have changed what goes with it meanwhile
            if "display_name" not in paths:
                return _with(stored, rule, stored.display_name, now)
            return _with(stored, rule, wire.display_name or wire.event_type_id, now)

        stored, operation_id = await self._change(wire.event_type_id, update, etag=wire.etag)
        return service_pb.UpdateEventTypeResponse(event_type=render(stored), operation_id=operation_id)

    async def DeleteEventType(
        self, request: service_pb.DeleteEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.DeleteEventTypeResponse:
        """Delete an event type softly; its open plans end in the background."""
        _, operation_id = await self._change(
            request.event_type_id, _to(EventTypeState.DELETED), etag=request.etag, deletes=True
        )
        return service_pb.DeleteEventTypeResponse(operation_id=operation_id)

    async def PauseEventType(
        self, request: service_pb.PauseEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.PauseEventTypeResponse:
        """Stop making events."""
        stored, _ = await self._change(request.event_type_id, _to(EventTypeState.PAUSED))
        return service_pb.PauseEventTypeResponse(event_type=render(stored))

    async def ResumeEventType(
        self, request: service_pb.ResumeEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ResumeEventTypeResponse:
        """Make events again, of what falls due from now on."""
        stored, _ = await self._change(request.event_type_id, _to(EventTypeState.ACTIVE))
        return service_pb.ResumeEventTypeResponse(event_type=render(stored))

    async def GetEventType(
        self, request: service_pb.GetEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.GetEventTypeResponse:
        """Return one event type, as it is or as it was in one of its versions; deleted ones, too."""
        name, version = request.event_type_id, request.version
        async with self._engine.connect() as connection:
            stored = await self._stored(connection, name)
            if version and version != stored.rule.version:
                stored = await self._version(connection, stored, version)
        return service_pb.GetEventTypeResponse(event_type=render(stored))

    async def ListEventTypes(
        self, request: service_pb.ListEventTypesRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ListEventTypesResponse:
        """Return a page of event types in id order."""
        tenant_id = credentials.tenant_id()
        size = pages.page_size(request.page_size)
        bound = [tenant_id, request.show_deleted]
        key = pages.decode(request.page_token, bound)
        async with self._engine.connect() as connection:
            found = await event_types.page(
                connection,
                tenant_id,
                after=str(key[0]) if key else "",
                size=size + 1,
                show_deleted=request.show_deleted,
            )
        more = len(found) > size
        token = pages.encode([found[size - 1].rule.event_type_id], bound) if more else ""
        return service_pb.ListEventTypesResponse(
            event_types=[render(stored) for stored in found[:size]], next_page_token=token
        )

    async def _change(
        self,
        name: str,
        how: Callable[[Stored, Instant], Stored],
        *,
        etag: str = "",
        deletes: bool = False,
    ) -> tuple[Stored, str]:
        """Return the event type changed and the operation that follows; the one as it is when it is so."""
        now = self._clock.now()
        async with unit_of_work(self._engine) as connection:
            before = await self._stored(connection, name, lock=True)
            if deletes and before.rule.state is EventTypeState.DELETED:
                return before, ""
            require_present(before.rule)
            _check_etag(before, etag)
            after = how(before, now)
            if after is before:
                return before, ""
            operation_id = await replan_operations.save(connection, before, after, now=now)
        _account(after)
        return after, operation_id

    async def _version(self, connection: AsyncConnection, current: Stored, version: int) -> Stored:
        rule = current.rule
        found = await event_types.get_version(connection, rule.tenant_id, rule.event_type_id, version=version)
        if found is None:
            raise NotFound(
                f"event type {rule.event_type_id!r} has no version {version}; the current one is {rule.version}"
            )
        return found


async def _create(connection: AsyncConnection, rule: EventType, display_name: str, now: Instant) -> Stored:
    there_are = await event_types.count_for_creation(connection, rule.tenant_id)
    wanted = Stored(rule, display_name or rule.event_type_id, False, now, now)
    before = await event_types.get(connection, rule.tenant_id, rule.event_type_id, lock=True)
    after = (
        wanted
        if before is None
        else replace(
            wanted, rule=revived(before.rule, rule), built_in=before.built_in, create_time=before.create_time
        )
    )
    if there_are >= MAX_EVENT_TYPES:
        raise IllegalTransition(
            f"there are {there_are} event types, which is the limit of {MAX_EVENT_TYPES}; delete one first"
        )
    if before is None:
        await event_types.insert(connection, after)
    else:
        await event_types.update(connection, after)
    await replan_operations.start(connection, after.rule, now=now)
    return after


def _to(state: EventTypeState) -> Callable[[Stored, Instant], Stored]:
    def change(stored: Stored, now: Instant) -> Stored:
        rule = edited(stored.rule, {"state": state}, now=now)
        return _with(stored, rule, stored.display_name, now)

    return change


def _with(stored: Stored, rule: EventType, display_name: str, now: Instant) -> Stored:
    if rule is stored.rule and display_name == stored.display_name:
        return stored
    if rule is stored.rule:
        rule = touched(rule, moves_due_times=False)
    return replace(stored, rule=rule, display_name=display_name, update_time=now)


def _account(stored: Stored) -> None:
    rule = stored.rule
    CHANGED.inc()
    log.info(
        "event_type.changed",
        event_type_id=rule.event_type_id,
        version=rule.version,
        timing_version=rule.timing_version,
        state=str(rule.state),
    )


def _check_etag(stored: Stored, etag: str) -> None:
    if etag and etag != etag_of(stored):
        name = stored.rule.event_type_id
        raise StaleVersion(
            f"event type {name!r} has changed since it was read: its etag is {etag_of(stored)}"
        )
