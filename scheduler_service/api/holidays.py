"""HolidayService: the days on which a tenant's working life rests."""

from dataclasses import replace
from typing import Final

import grpc
import structlog
from google.type.date_pb2 import Date as WireDate
from redletter.scheduler.v1 import holiday_pb2 as pb
from redletter.scheduler.v1 import holiday_service_pb2 as service_pb
from redletter.scheduler.v1 import holiday_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Date, Instant

from chassis import pages, wire
from chassis.clocks import BusinessClock
from chassis.database import unit_of_work
from chassis.errors import IllegalTransition, InvalidInput, NotFound
from chassis.rpc import credentials
from scheduler_service.domain.rule_changes import touched
from scheduler_service.store import event_types, holidays, replan_operations

log = structlog.get_logger()

MAX_HOLIDAYS: Final = 5_000


class Holidays(service_grpc.HolidayServiceServicer):
    """Keeps the list; rules with a weekend shift get a new version with each change of its dates."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock) -> None:
        self._engine = engine
        self._clock = clock

    async def SetHoliday(
        self, request: service_pb.SetHolidayRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.SetHolidayResponse:
        """Add a holiday, or rename the one of that date."""
        tenant_id, name = credentials.tenant_id(), request.holiday.name
        on = _date(request.holiday.date, field="holiday.date")
        async with unit_of_work(self._engine) as connection:
            await holidays.lock(connection, tenant_id)
            is_new = await holidays.get(connection, tenant_id, on) is None
            if is_new:
                await _require_room(connection, tenant_id)
            await holidays.put(connection, tenant_id, on, name=name)
            if is_new:
                await _move_plans(connection, tenant_id, now=self._clock.now())
        return service_pb.SetHolidayResponse(holiday=_rendered(on, name))

    async def DeleteHoliday(
        self, request: service_pb.DeleteHolidayRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.DeleteHolidayResponse:
        """Remove the holiday of a date."""
        tenant_id = credentials.tenant_id()
        on = _date(request.date, field="date")
        async with unit_of_work(self._engine) as connection:
            await holidays.lock(connection, tenant_id)
            if await holidays.get(connection, tenant_id, on) is None:
                raise NotFound(f"there is no holiday on {on.format_iso()}")
            await holidays.delete(connection, tenant_id, on)
            await _move_plans(connection, tenant_id, now=self._clock.now())
        return service_pb.DeleteHolidayResponse()

    async def ListHolidays(
        self, request: service_pb.ListHolidaysRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.ListHolidaysResponse:
        """Return a page of holidays in the order of their dates."""
        tenant_id = credentials.tenant_id()
        size = pages.page_size(request.page_size)
        key = pages.decode(request.page_token, tenant_id)
        after = Date.parse_iso(str(key[0])) if key else None
        async with self._engine.connect() as connection:
            found = await holidays.page(connection, tenant_id, after=after, size=size + 1)
        shown = found[:size]
        more = len(found) > size
        token = pages.encode([shown[-1][0].format_iso()], tenant_id) if more else ""
        return service_pb.ListHolidaysResponse(
            holidays=[_rendered(on, name) for on, name in shown], next_page_token=token
        )


async def _require_room(connection: AsyncConnection, tenant_id: str) -> None:
    there_are = await holidays.count(connection, tenant_id)
    if there_are >= MAX_HOLIDAYS:
        raise IllegalTransition(
            f"there are {there_are} holidays, which is the limit of {MAX_HOLIDAYS}; delete one that is over"
        )


async def _move_plans(connection: AsyncConnection, tenant_id: str, *, now: Instant) -> None:
    """Give every rule that looks at holidays a new timing.

    A decision compares the rule's version, so what was decided on the old list is decided again.
    """
    shifted = await event_types.with_weekend_shift(connection, tenant_id)
    for stored in shifted:
        rule = touched(stored.rule, moves_due_times=True)
        after = replace(stored, rule=rule, update_time=now)
        await replan_operations.save(connection, stored, after, now=now)
    log.info("holidays.changed", event_types=len(shifted))


def _date(given: WireDate, *, field: str) -> Date:
    try:
        return Date(given.year, given.month, given.day)
    except ValueError:
        value = f"{given.year:04d}-{given.month:02d}-{given.day:02d}"
        raise InvalidInput.at(
            field,
            f"there is no date {value}",
            value=value,
            allowed="a whole date: year 1 to 9999, month and day",
            reason="NO_SUCH_DATE",
        ) from None


def _rendered(on: Date, name: str) -> pb.Holiday:
    return pb.Holiday(date=wire.date(on), name=name)
