"""The part of EventTypeService that shows words: preview for one person or for invented ones, and a test."""

import uuid
from dataclasses import replace

import grpc
from redletter.scheduler.v1 import event_type_service_pb2 as service_pb
from redletter.scheduler.v1 import event_type_service_pb2_grpc as service_grpc
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.errors import InvalidInput, NotFound, RedletterError
from chassis.rpc import credentials
from chassis.transactions import settled
from scheduler_service.api import rule_parsing
from scheduler_service.api.trials import Preview, Trials
from scheduler_service.domain.cycles import Turn, turns, turns_since
from scheduler_service.domain.event_types import EventType, Recurrence
from scheduler_service.domain.moments import local_date_of
from scheduler_service.domain.occasions import Occasion
from scheduler_service.domain.plan_records import Request
from scheduler_service.domain.recipients import Recipient, TenantDefaults, leap_day_rule_of, zone_of
from scheduler_service.domain.rule_changes import require_present
from scheduler_service.rendering.fixtures import Fixture, people
from scheduler_service.rendering.messages import values_of
from scheduler_service.store import event_types, identity, recipients, requested_events, tenants
from scheduler_service.store.event_types import Stored
from scheduler_service.store.requested_events import Draft

TEST_PREFIX = "test:"
"""With which the instance of every test begins."""


class TemplateMethods(service_grpc.EventTypeServiceServicer):
    """Tries, shows and tests the words of event types."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, trials: Trials | None = None) -> None:
        self._engine = engine
        self._clock = clock
        self._trials = trials or Trials()

    async def PreviewTemplate(
        self, request: service_pb.PreviewTemplateRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.PreviewTemplateResponse:
        """Render stored or given words; given ones in a child process, as nobody has tried them."""
        stored = await self._present(request.event_type_id)
        rule = stored.rule
        if request.templates:
            rule = replace(rule, templates=rule_parsing.templates_of(request.templates))
            rule_parsing.check_words(rule.templates)
        shown, locale = people(rule), ""
        if request.user_id:
            shown, locale = await self._real(rule, request.user_id)
        said = await self._trials.preview(rule.templates, shown, locale=locale, belated=request.belated)
        return service_pb.PreviewTemplateResponse(messages=[_rendered(one) for one in said])

    async def TestEventType(
        self, request: service_pb.TestEventTypeRequest, _context: grpc.aio.ServicerContext
    ) -> service_pb.TestEventTypeResponse:
        """Make an event of its own that is due now and goes to one endpoint."""
        now = self._clock.now()
        rule = (await self._present(request.event_type_id)).rule
        person, defaults = await self._person(request.user_id)
        occasion = _occasion(rule, person, request.occasion_id)
        turn = None if occasion is None else _next_turn(rule, person, occasion, defaults, now)
        draft = Draft(
            instance=f"{TEST_PREFIX}{uuid.uuid4()}",
            user_id=person.user_id,
            event_type_id=rule.event_type_id,
            request=Request(
                create_time=now, cycle=turn.cycle if turn else "", endpoint_id=request.endpoint_id
            ),
            body_hash=b"",
            occasion_id="" if occasion is None else occasion.occasion_id,
        )
        key = await identity.hmac_key(self._engine)

        async def make(connection: AsyncConnection) -> str:
            (made,) = await requested_events.make(connection, key, rule.tenant_id, [draft], now=now)
            if isinstance(made, RedletterError):
                raise made
            return made.event_id

        return service_pb.TestEventTypeResponse(event_id=await settled(self._engine, make))

    async def _try_words(self, rule: EventType) -> None:
        """Refuse words that cannot be rendered for everybody; they are of a request's `event_type`."""
        try:
            await self._trials.check(rule.templates, people(rule))
        except InvalidInput as error:
            raise error.under("event_type") from None

    async def _real(self, rule: EventType, user_id: str) -> tuple[list[Fixture], str]:
        """Return a person as words are shown to them, about their next turn, and their locale."""
        person, defaults = await self._person(user_id)
        occasion = _occasion(rule, person, "")
        now = self._clock.now()
        turn = None if occasion is None else _next_turn(rule, person, occasion, defaults, now)
        on = turn.occurrence_date if turn else local_date_of(now, zone_of(person, defaults))
        age = turns(occasion, turn.cycle) if occasion is not None and turn is not None else None
        values = values_of(person, occasion, turned=age, occurrence_date=on.format_iso())
        return [Fixture(person.user_id, values)], person.locale or defaults.locale

    async def _person(self, user_id: str) -> tuple[Recipient, TenantDefaults]:
        tenant_id = credentials.tenant_id()
        async with self._engine.connect() as connection:
            person = await recipients.get(connection, tenant_id, user_id)
            defaults = (await tenants.load(connection, [tenant_id])).get(tenant_id)
        if person is None or defaults is None:
            raise NotFound(
                f"there is no user {user_id!r}; it may take a second until a new one is known here"
            )
        return person, defaults

    async def _present(self, name: str) -> Stored:
        async with self._engine.connect() as connection:
            stored = await self._stored(connection, name)
        require_present(stored.rule)
        return stored

    async def _stored(self, connection: AsyncConnection, name: str, *, lock: bool = False) -> Stored:
        stored = await event_types.get(connection, credentials.tenant_id(), name, lock=lock)
        if stored is None:
            raise NotFound(f"there is no event type {name!r}; list the event types to see those there are")
        return stored


def _occasion(rule: EventType, person: Recipient, wanted: str) -> Occasion | None:
    """Return the occasion that a message is about: the wanted one, or the first of the rule's kind.

    Raises:
        InvalidInput: at `occasion_id`, there is none such, or the rule has none.
        NotFound: the person has no occasion of the rule's kind.
    """
    if rule.recurrence is Recurrence.NONE:
        if wanted:
            raise InvalidInput.at(
                "occasion_id", "an event type with recurrence NONE has none", value=wanted, allowed="empty"
            )
        return None
    fitting = [o for o in person.occasions if o.kind == rule.occasion_kind]
    if not fitting:
        raise NotFound(f"user {person.user_id!r} has no occasion of the kind {rule.occasion_kind!r}")
    for occasion in fitting:
        if wanted in ("", occasion.occasion_id):
            return occasion
    raise InvalidInput.at(
        "occasion_id",
        f"user {person.user_id!r} has no occasion {wanted!r} of the kind {rule.occasion_kind!r}",
        value=wanted,
        allowed=", ".join(o.occasion_id for o in fitting),
    )


def _next_turn(
    rule: EventType, person: Recipient, occasion: Occasion, defaults: TenantDefaults, now: Instant
) -> Turn | None:
    """Return the first turn whose message is today or later where the person lives; None: there is none."""
    today = local_date_of(now, zone_of(person, defaults))
    leap = leap_day_rule_of(occasion, defaults)
    # A day of slack: a month that lacks the day may have its turn on the first of the next one.
    since = today.subtract(days=rule.day_offset + 1)
    return next(
        (t for t in turns_since(occasion, rule, leap, since=since) if t.occurrence_date >= today), None
    )


def _rendered(preview: Preview) -> service_pb.RenderedMessage:
    return service_pb.RenderedMessage(
        person=preview.person,
        locale=preview.locale,
        title=preview.title,
        body=preview.body,
        error=preview.error,
    )
