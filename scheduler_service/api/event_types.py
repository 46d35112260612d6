"""EventTypeService: the tenant's standing rules."""

from dataclasses import replace

import grpc
from google.protobuf.field_mask_pb2 import FieldMask
from redletter.scheduler.v1 import event_type_pb2 as pb
from redletter.scheduler.v1 import event_type_service_pb2 as service_pb
from redletter.scheduler.v1 import event_type_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant, Time

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.errors import AlreadyExists, InvalidInput, NotFound, StaleVersion
from chassis.rpc import credentials
from chassis.wire import duration, span, time_of_day, timestamp
from scheduler_service.domain.event_types import EventType, EventTypeState, Priority, Template, check_timing
from scheduler_service.rendering import fixtures, templates
from scheduler_service.store import event_types
from scheduler_service.store.event_types import Stored

_STATES = {
    pb.EventType.STATE_ACTIVE: EventTypeState.ACTIVE,
    pb.EventType.STATE_PAUSED: EventTypeState.PAUSED,
}
_WIRE_STATES = {state: number for number, state in _STATES.items()}
_TIMING = ("state", "local_time", "day_offset", "deliver_within")


class EventTypes(service_grpc.EventTypeServiceServicer):
    """Parses, stores, renders; the leader plans again what a changed timing moves."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock) -> None:
        self._engine = engine
        self._clock = clock

    async def CreateEventType(
        self, request: service_pb.CreateEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.CreateEventTypeResponse:
        """Create an event type; the people who have its occasion are planned within seconds."""
        now = self._clock.now()
        stored = _created(credentials.tenant_id(), request.event_type, now)
        _check(stored.rule)
        async with unit_of_work(self._engine) as connection:
            if not await event_types.insert(connection, stored):
                name = stored.rule.event_type_id
                raise AlreadyExists(f"there is an event type {name!r} already; update it instead")
        return service_pb.CreateEventTypeResponse(event_type=render(stored))

    async def UpdateEventType(
        self, request: service_pb.UpdateEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.UpdateEventTypeResponse:
        """Change the named fields; a changed timing is planned again in the background."""
        async with unit_of_work(self._engine) as connection:
            before = await self._stored(connection, request.event_type.event_type_id, lock=True)
            _check_etag(before, request.event_type.etag)
            after = _updated(before, request.event_type, request.update_mask, self._clock.now())
            if after is not before:
                _check(after.rule)
                await event_types.update(connection, after)
        return service_pb.UpdateEventTypeResponse(event_type=render(after))

    async def GetEventType(
        self, request: service_pb.GetEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.GetEventTypeResponse:
        """Return one event type."""
        async with self._engine.connect() as connection:
            stored = await self._stored(connection, request.event_type_id)
        return service_pb.GetEventTypeResponse(event_type=render(stored))

    async def ListEventTypes(
        self, request: service_pb.ListEventTypesRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ListEventTypesResponse:
        """Return a page of event types in id order."""
        tenant_id = credentials.tenant_id()
        size = pages.page_size(request.page_size)
        key = pages.decode(request.page_token, tenant_id)
        async with self._engine.connect() as connection:
            after = str(key[0]) if key else ""
            found = await event_types.page(connection, tenant_id, after=after, size=size + 1)
        more = len(found) > size
        token = pages.encode([found[size - 1].rule.event_type_id], tenant_id) if more else ""
        return service_pb.ListEventTypesResponse(
            event_types=[render(stored) for stored in found[:size]], next_page_token=token
        )

    async def _stored(self, connection: AsyncConnection, name: str, *, lock: bool = False) -> Stored:
        stored = await event_types.get(connection, credentials.tenant_id(), name, lock=lock)
        if stored is None:
            raise NotFound(f"there is no event type {name!r}; list the event types to see those there are")
        return stored


def render(stored: Stored) -> pb.EventType:
    """Return the wire form of an event type."""
    rule = stored.rule
    return pb.EventType(
        event_type_id=rule.event_type_id,
        display_name=stored.display_name,
        version=rule.version,
        state=_WIRE_STATES[rule.state],
        occasion_kind=rule.occasion_kind,
        local_time=time_of_day(rule.local_time),
        day_offset=rule.day_offset,
        deliver_within=None if rule.deliver_within is None else duration(rule.deliver_within),
        priority=int(rule.priority),  # type: ignore[arg-type]  # same numbers by design
        templates=[pb.Template(locale=t.locale, title=t.title, body=t.body) for t in rule.templates],
        attributes=rule.attributes,
        built_in=stored.built_in,
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
        etag=str(rule.version),
    )


def _created(tenant_id: str, wire: pb.EventType, now: Instant) -> Stored:
    rule = EventType(
        tenant_id=tenant_id,
        event_type_id=wire.event_type_id,
        version=1,
        timing_version=1,
        state=_STATES.get(wire.state, EventTypeState.ACTIVE),
        occasion_kind=wire.occasion_kind,
        local_time=_local_time(wire),
        day_offset=wire.day_offset,
        deliver_within=span(wire.deliver_within) if wire.HasField("deliver_within") else None,
        enrol_time=now,
        priority=Priority(wire.priority) if wire.priority else Priority.NORMAL,
        templates=_templates(wire),
        attributes=tuple(wire.attributes),
    )
    return Stored(rule, wire.display_name or wire.event_type_id, False, now, now)


def _updated(before: Stored, wire: pb.EventType, mask: FieldMask, now: Instant) -> Stored:
    named = _created(before.rule.tenant_id, _with_time(wire, before.rule), now)
    changes = {
        path: getattr(named.rule, path)
        for path in mask.paths
        if path != "display_name" and getattr(named.rule, path) != getattr(before.rule, path)
    }
    display_name = named.display_name if "display_name" in mask.paths else before.display_name
    if not changes and display_name == before.display_name:
        return before
    retimed = any(path in _TIMING for path in changes)
    resumed = changes.get("state") is EventTypeState.ACTIVE
    rule = replace(
        before.rule,
        **changes,
        version=before.rule.version + 1,
        timing_version=before.rule.timing_version + retimed,
        enrol_time=now if resumed else before.rule.enrol_time,
    )
    return replace(before, rule=rule, display_name=display_name, update_time=now)


def _with_time(wire: pb.EventType, rule: EventType) -> pb.EventType:
    """Return the request with the stored time where it names none."""
    whole = pb.EventType()
    whole.CopyFrom(wire)
    if not whole.HasField("local_time"):
        whole.local_time.CopyFrom(time_of_day(rule.local_time))
    return whole


def _local_time(wire: pb.EventType) -> Time:
    at = wire.local_time
    return Time(at.hours, at.minutes, at.seconds)


def _templates(wire: pb.EventType) -> tuple[Template, ...]:
    return tuple(Template(t.locale, t.title, t.body) for t in wire.templates)


def _check(rule: EventType) -> None:
    check_timing(local_time=rule.local_time, day_offset=rule.day_offset, deliver_within=rule.deliver_within)
    locales = [template.locale.lower() for template in rule.templates]
    if len(set(locales)) < len(locales):
        raise InvalidInput.at(
            "event_type.templates", "two templates have the same locale", allowed="one template per locale"
        )
    if "" not in locales:
        raise InvalidInput.at(
            "event_type.templates",
            "no template has an empty locale",
            allowed="exactly one template with an empty locale, the fallback",
        )
    templates.check(rule.templates, fixtures.people(rule.occasion_kind))


def _check_etag(stored: Stored, etag: str) -> None:
    if etag and etag != str(stored.rule.version):
        name = stored.rule.event_type_id
        raise StaleVersion(
            f"event type {name!r} has changed since it was read: its etag is {stored.rule.version}"
        )
