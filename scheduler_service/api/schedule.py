"""ScheduleService: why one message leaves when it does, and how many will."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import grpc
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import schedule_service_pb2 as pb
from redletter.scheduler.v1 import schedule_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from chassis import zones
from chassis.clocks import BusinessClock
from chassis.errors import InvalidInput, NotFound
from chassis.rpc import credentials
from chassis.wire import civil_date, instant, span
from scheduler_service.api import explaining, forecasting
from scheduler_service.api.rendering_events import planned
from scheduler_service.api.spans import covered
from scheduler_service.domain.decisions import Expire, Suppress
from scheduler_service.domain.event_types import EventType, EventTypeState
from scheduler_service.domain.explanations import explain
from scheduler_service.domain.forecasts import Forecast
from scheduler_service.domain.ids import event_id, parse_event_id, plan_id, user_part
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plan_records import Plan
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.domain.upcoming import upcoming
from scheduler_service.store import event_types, events, plans, recipients, tenants

PAGE: Final = 250
SLICE: Final = 50
"""How many people a forecast counts before whatever else is due gets its turn."""


class Schedule(service_grpc.ScheduleServiceServicer):
    """Reads people, rules and plans; the functions that decide give the answers."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, key: bytes) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key
        self._forecasts = asyncio.Semaphore(1)

    async def ExplainSchedule(
        self, request: pb.ExplainScheduleRequest, _context: grpc.aio.ServicerContext
    ) -> pb.ExplainScheduleResponse:
        """Explain an event by its id, or the turn of a rule on or after a date."""
        tenant_id = credentials.tenant_id()
        async with self._engine.connect() as connection:
            if request.event_id:
                found = await self._event(connection, tenant_id, request.event_id)
            else:
                found = await self._turn(connection, tenant_id, request)
        return pb.ExplainScheduleResponse(explanation=found)

    async def PreviewSchedule(
        self, request: pb.PreviewScheduleRequest, _context: grpc.aio.ServicerContext
    ) -> pb.PreviewScheduleResponse:
        """Return the next events of a person, each with how it will end if nothing changes."""
        tenant_id = credentials.tenant_id()
        async with self._engine.connect() as connection:
            person = await _person(connection, tenant_id, request.user_id)
            rules = _only(await self._rules(connection, tenant_id), request.event_type_id)
            existing = await plans.of_user(connection, user_part(self._key, tenant_id, person.user_id))
            defaults = await _defaults(connection, tenant_id)
        by_id = {rule.event_type_id: rule for rule in rules}
        found = upcoming(
            person,
            rules,
            defaults=defaults,
            now=self._clock.now(),
            count=request.count or 10,
            key=self._key,
            tzdata_version=zones.version(),
            existing={plan.plan_id: plan for plan in existing if plan.event_type_id in by_id},
        )
        shown = []
        for plan, decision in found:
            event = planned(plan, by_id[plan.event_type_id].priority)
            event.state = explaining.state_of(decision)
            if isinstance(decision, Suppress | Expire):
                event.reason = event_pb2.EventReason.Value(f"EVENT_REASON_{decision.reason}")  # type: ignore[assignment]
            shown.append(event)
        return pb.PreviewScheduleResponse(events=shown)

    async def ForecastSchedule(
        self, request: pb.ForecastScheduleRequest, _context: grpc.aio.ServicerContext
    ) -> pb.ForecastScheduleResponse:
        """Count what falls due in a window, person after person."""
        tenant_id = credentials.tenant_id()
        forecast = self._forecast(request)
        async with self._engine.connect() as connection:
            rules = await self._rules(connection, tenant_id)
            defaults = await _defaults(connection, tenant_id)
        if request.HasField("changed_event_type"):
            rules = forecasting.with_changed(rules, request.changed_event_type, tenant_id, self._clock.now())
        async with self._forecasts:  # one at a time: they share the loop with what is due
            await self._count(forecast, tenant_id, _only(rules, request.event_type_id), defaults)
        return forecasting.response(forecast)

    def _forecast(self, request: pb.ForecastScheduleRequest) -> Forecast:
        now = self._clock.now()
        start = instant(request.start_time, field="start_time") if request.HasField("start_time") else now
        step = span(request.step) if request.HasField("step") else timedelta(hours=1)
        return forecasting.window(
            start, instant(request.end_time, field="end_time"), step=step, key=self._key
        )

    async def _count(
        self, forecast: Forecast, tenant_id: str, rules: Sequence[EventType], defaults: TenantDefaults
    ) -> None:
        after = ""
        while True:
            # A connection for a page, not for the whole walk: deciding needs them too.
            async with self._engine.connect() as connection:
                page = await recipients.page(connection, tenant_id, after=after, size=PAGE)
            for number, person in enumerate(page):
                if number % SLICE == 0:
                    await asyncio.sleep(0)  # the loop has due events to decide
                forecast.add(person, rules, defaults=defaults)
            if len(page) < PAGE:
                return
            after = page[-1].user_id

    async def _rules(self, connection: AsyncConnection, tenant_id: str) -> Sequence[EventType]:
        rules = (await event_types.of_tenants(connection, [tenant_id])).get(tenant_id, ())
        return [rule for rule in rules if rule.state is not EventTypeState.DELETED]

    async def _event(self, connection: AsyncConnection, tenant_id: str, name: str) -> pb.Explanation:
        row = await events.get(connection, tenant_id, name)
        if row is not None:
            return await self._ended(connection, row)
        by_plan, cycle = parse_event_id(name)
        plan = await plans.get(connection, tenant_id, by_plan)
        if plan is None or plan.cycle != cycle:
            raise NotFound(f"there is no event {name!r}")
        person = await _person(connection, tenant_id, plan.user_id)
        rule = await self._rule(connection, tenant_id, plan.event_type_id)
        occasion = person.occasion(plan.occasion_id, kind=rule.occasion_kind)
        return await self._explained(connection, plan, person, rule, occasion, name=plan.plan_id)

    async def _ended(self, connection: AsyncConnection, row: events.Row) -> pb.Explanation:
        stored = await event_types.get_version(
            connection, row["tenant_id"], row["event_type_id"], version=row["event_type_version"]
        )
        return explaining.of_event(row, None if stored is None else stored.rule)

    async def _turn(
        self, connection: AsyncConnection, tenant_id: str, request: pb.ExplainScheduleRequest
    ) -> pb.Explanation:
        for field in ("user_id", "event_type_id"):
            if not getattr(request, field):
                raise InvalidInput.at(
                    field, f"{field} is empty", allowed="an event_id, or user_id and event_type_id"
                )
        person = await _person(connection, tenant_id, request.user_id)
        rule = await self._rule(connection, tenant_id, request.event_type_id)
        occasion = _occasion(person, rule, request.occasion_id)
        name = plan_id(
            self._key,
            tenant_id,
            person.user_id,
            rule.event_type_id,
            request.occasion_id if occasion is None else occasion.occasion_id,
        )
        plan = await plans.get(connection, tenant_id, name)
        found = await self._explained(connection, plan, person, rule, occasion, name=name, request=request)
        if found.state == event_pb2.Event.STATE_UNSPECIFIED and found.event_id:
            row = await events.get(connection, tenant_id, found.event_id)
            return found if row is None else await self._ended(connection, row)
        return found

    async def _explained(
        self,
        connection: AsyncConnection,
        plan: Plan | None,
        person: Recipient,
        rule: EventType,
        occasion: Occasion | None,
        *,
        name: bytes,
        request: pb.ExplainScheduleRequest | None = None,
    ) -> pb.Explanation:
        since = None
        if request is not None and request.HasField("on_or_after"):
            since = covered(civil_date(request.on_or_after, field="on_or_after"), field="on_or_after")
        found = explain(
            plan,
            person,
            rule,
            occasion,
            defaults=await _defaults(connection, person.tenant_id),
            now=self._clock.now(),
            plan_id=name,
            tzdata_version=zones.version() if plan is None else plan.tzdata_version,
            on_or_after=since,
        )
        return explaining.of_turn(found, "" if found.cycle is None else event_id(name, found.cycle))

    async def _rule(self, connection: AsyncConnection, tenant_id: str, name: str) -> EventType:
        stored = await event_types.get(connection, tenant_id, name)
        if stored is None:
            raise NotFound(f"there is no event type {name!r}; list the event types to see those there are")
        return stored.rule


async def _person(connection: AsyncConnection, tenant_id: str, user_id: str) -> Recipient:
    person = await recipients.get(connection, tenant_id, user_id)
    if person is None:
        raise NotFound(f"the scheduler knows no user {user_id!r} (a new one arrives within a second)")
    return person


async def _defaults(connection: AsyncConnection, tenant_id: str) -> TenantDefaults:
    found = (await tenants.load(connection, [tenant_id])).get(tenant_id)
    if found is None:
        raise NotFound("the scheduler does not know this tenant yet; it arrives within a second")
    return found


def _occasion(person: Recipient, rule: EventType, wanted: str) -> Occasion | None:
    """Return the occasion that was named, or the first of the rule's kind."""
    if wanted:
        return person.occasion(wanted, kind=rule.occasion_kind)
    return next((o for o in person.occasions if o.kind == rule.occasion_kind), None)


def _only(rules: Sequence[EventType], wanted: str) -> Sequence[EventType]:
    """Return the one rule that was named; all of them if none was."""
    found = [rule for rule in rules if wanted in ("", rule.event_type_id)]
    if wanted and not found:
        raise NotFound(f"there is no event type {wanted!r}; list the event types to see those there are")
    return found
