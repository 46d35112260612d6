"""Balances: the three equations of a tenant and date, from the stores of this service and from delivery."""

import asyncio
import hmac
from collections import Counter as Tally
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Final, TypeVar

import grpc
import orjson
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Date, Instant

from chassis.clocks import BusinessClock
from chassis.errors import DependencyUnavailable, NotFound
from chassis.wire import date
from scheduler_service.domain import excuses
from scheduler_service.domain import ledger as books
from scheduler_service.domain.event_types import EventType, EventTypeState, Recurrence
from scheduler_service.domain.expectations import expected_on
from scheduler_service.domain.ids import event_id, plan_id
from scheduler_service.domain.ledger import Books, Elsewhere, Entry, Equation, Wanted, Why
from scheduler_service.domain.recipients import Recipient, TenantDefaults
from scheduler_service.store import event_types, recipients, tenants
from scheduler_service.store import ledger as store

PAGE: Final = 250
MESSAGES_PAGE: Final = 1000
OVER_AFTER: Final = timedelta(hours=38)
"""From the beginning of a date in UTC until it is over in the last zone (UTC-12), with two hours to spare."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Balance:
    """The three equations of one tenant and date."""

    tenant_id: str
    on: Date
    computed: Instant
    closed: bool
    expected: Equation
    sent: Equation
    outcomes: Equation
    ended: Mapping[str, int]
    message_outcomes: Mapping[str, int]

    @property
    def difference(self) -> int:
        """Sum of the three differences; zero: the day balances."""
        return self.expected.difference + self.sent.difference + self.outcomes.difference


@dataclass(frozen=True)
class Peer:
    """What the ledger asks of delivery_service."""

    summarize: Callable[[intake_pb2.SummarizeDateRequest], Awaitable[intake_pb2.SummarizeDateResponse]]
    list_messages: Callable[[intake_pb2.ListMessagesRequest], Awaitable[intake_pb2.ListMessagesResponse]]


@dataclass(frozen=True)
class _Tenant:
    """What expectations of a tenant's people depend on."""

    tenant_id: str
    defaults: TenantDefaults
    rules: Mapping[str, EventType]


class Ledgers:
    """Computes balances; what is expected comes from recipients and rules, not from plans."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, *, key: bytes, peer: Peer) -> None:
        self._engine = engine
        self._clock = clock
        self._key = key
        self._peer = peer

    async def compute(self, tenant_id: str, on: Date) -> Balance:
        """Return the balance of a date as it stands now.

        Raises:
            NotFound: there is no such tenant.
            DependencyUnavailable: delivery_service does not answer.
        """
        async with self._engine.connect() as connection:
            await store.snapshot(connection)
            found, ended = await self._books(connection, tenant_id, on)
        sent = [entry.event_id for entry, state in ended if state == "SENT"]
        summary = await _asked(
            self._peer.summarize(
                intake_pb2.SummarizeDateRequest(tenant_id=tenant_id, occurrence_date=date(on))
            )
        )
        outcomes = {outcome_pb2.Outcome.Name(o.outcome): o.count for o in summary.outcomes}
        without = outcomes.pop("OUTCOME_NONE", 0)
        equation, messages = Equation(len(sent), summary.messages), dict[str, int]()
        if without or (len(sent), books.checksum(sent)) != (summary.messages, summary.checksum):
            messages = await self._messages(tenant_id, on)
            equation = books.sent_equation(
                sent,
                messages,
                sent_later=() if set(sent) == messages.keys() else await self._sent(tenant_id, on),
            )
        now = self._clock.now()
        return Balance(
            tenant_id,
            on,
            now,
            is_over(on, now),
            books.expected_equation(found),
            equation,
            books.outcome_equation(
                summary.messages, outcomes, [n for n, o in messages.items() if o == outcome_pb2.OUTCOME_NONE]
            ),
            dict(sorted(Tally(f"{s}({e.reason})" if e.reason else s for e, s in ended).items())),
            outcomes,
        )

    def sign(self, body: object) -> bytes:
        """Return the signature of a stored balance, whatever the order of its keys."""
        written = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
        return hmac.digest(self._key, b"ledger" + written, "sha256")

    async def _books(
        self, connection: AsyncConnection, tenant_id: str, on: Date
    ) -> tuple[Books, list[tuple[Entry, str]]]:
        tenant = await _tenant(connection, tenant_id)
        ended = await store.ended(connection, tenant_id, on)
        found = Books(on)
        found.ended = {entry.event_id: entry for entry, _ in ended}
        found.open = {entry.event_id: entry for entry in await store.open_plans(connection, tenant_id, on)}
        found.rule_versions, found.moving = await store.rules(connection, tenant_id)
        found.resting = {
            name for name, rule in tenant.rules.items() if rule.state is not EventTypeState.ACTIVE
        }
        found.expected = await self._expected(connection, tenant, on)
        found.elsewhere = await store.elsewhere(connection, books.absent(found))
        found.recipient_versions = await store.versions(
            connection, tenant_id, {entry.user_id for entry in found.ended.values()}
        )
        since = midnight(on)
        found.lost_requests = await store.lost_requests(
            connection, tenant_id, since=since, until=since + timedelta(days=1)
        )
        found.excused = await self._excuses(connection, tenant, found)
        return found, ended

    async def _expected(self, connection: AsyncConnection, tenant: _Tenant, on: Date) -> dict[str, Wanted]:
        """Return everything that recipients and rules call for on a date, by event id."""
        rules = [rule for rule in tenant.rules.values() if rule.state is EventTypeState.ACTIVE]
        days = days_near(on, rules)
        wanted: dict[str, Wanted] = {}
        after = ""
        while True:
            page = await store.people(connection, tenant.tenant_id, days=days, after=after, size=PAGE)
            for person in page:
                wanted.update(self._wanted(person, rules, defaults=tenant.defaults, on=on))
            if len(page) < PAGE:
                return wanted
            after = page[-1].user_id
            await asyncio.sleep(0)  # the loop has due events to decide

    def _wanted(
        self, person: Recipient, rules: Sequence[EventType], *, defaults: TenantDefaults, on: Date
    ) -> Iterator[tuple[str, Wanted]]:
        for event_type_id, occasion_id, cycle in expected_on(person, rules, defaults=defaults, on=on):
            name = plan_id(self._key, person.tenant_id, person.user_id, event_type_id, occasion_id)
            yield event_id(name, cycle), Wanted(name, person.user_id, event_type_id, occasion_id, cycle)

    async def _excuses(self, connection: AsyncConnection, tenant: _Tenant, found: Books) -> dict[str, str]:
        """Return what accounts for the differences that versions do not, looked at one by one."""
        suspects: dict[str, Wanted | Entry] = {}
        for difference in books.expected_equation(found).differences:
            name = difference.event_id
            if difference.why is Why.NEVER_PLANNED and name in found.expected:
                suspects[name] = found.expected[name]
            elif difference.why is Why.UNEXPECTED:
                suspects[name] = found.open.get(name) or found.ended[name]
        redated = await store.redated(connection, tenant.tenant_id) if suspects else set()
        excused: dict[str, str] = {}
        names = list(suspects)
        for start in range(0, len(names), PAGE):
            page = {name: suspects[name] for name in names[start : start + PAGE]}
            people = await recipients.of(
                connection, tenant.tenant_id, sorted({one.user_id for one in page.values()})
            )
            for name, one in page.items():
                person, rule = people.get(one.user_id), tenant.rules.get(one.event_type_id)
                if person is not None and rule is not None:
                    excused[name] = _excuse(
                        one,
                        found.elsewhere.get(name, Elsewhere()),
                        person=person,
                        rule=rule,
                        defaults=tenant.defaults,
                        on=found.on,
                        redated=rule.event_type_id in redated,
                    )
        return {name: why for name, why in excused.items() if why}

    async def _sent(self, tenant_id: str, on: Date) -> list[str]:
        async with self._engine.connect() as connection:
            rows = await store.ended(connection, tenant_id, on)
        return [entry.event_id for entry, state in rows if state == "SENT"]

    async def _messages(self, tenant_id: str, on: Date) -> dict[str, int]:
        """Return what delivery has, id by id: asked only when counts or checksums differ."""
        found: dict[str, int] = {}
        after = ""
        while True:
            answer = await _asked(
                self._peer.list_messages(
                    intake_pb2.ListMessagesRequest(
                        tenant_id=tenant_id,
                        occurrence_date=date(on),
                        after_event_id=after,
                        page_size=MESSAGES_PAGE,
                    )
                )
            )
            found.update({o.event_id: o.outcome for o in answer.outcomes})
            if len(answer.outcomes) < MESSAGES_PAGE:
                return found
            after = answer.outcomes[-1].event_id


def is_over(on: Date, now: Instant) -> bool:
    """Return whether a date is over everywhere on earth."""
    return now.to_stdlib() >= midnight(on) + OVER_AFTER


def midnight(on: Date) -> datetime:
    """Return the begin of a date in UTC."""
    return datetime.combine(on.to_stdlib(), time(0), UTC)


def days_near(on: Date, rules: Sequence[EventType]) -> list[int] | None:
    """Return month * 100 + day of the occasions that can fall on `on` under these rules; None: any."""
    if any(rule.recurrence in (Recurrence.MONTHLY, Recurrence.RRULE) for rule in rules):
        return None
    days = {on.subtract(days=rule.day_offset) for rule in rules}
    named = {day.month * 100 + day.day for day in days}
    return sorted(named | {229} if named & {228, 301} else named)


def _excuse(
    one: Wanted | Entry,
    elsewhere: Elsewhere,
    *,
    person: Recipient,
    rule: EventType,
    defaults: TenantDefaults,
    on: Date,
    redated: bool,
) -> str:
    if isinstance(one, Entry):
        return excuses.of_unexpected(
            one, person=person, event_type=rule, defaults=defaults, on=on, redated=redated
        )
    return excuses.of_missing(
        one, elsewhere, person=person, event_type=rule, defaults=defaults, on=on, redated=redated
    )


async def _tenant(connection: AsyncConnection, tenant_id: str) -> _Tenant:
    defaults = (await tenants.load(connection, [tenant_id])).get(tenant_id)
    if defaults is None:
        raise NotFound(f'the scheduler knows no tenant "{tenant_id}" (a new one arrives within a second)')
    rules = (await event_types.of_tenants(connection, [tenant_id])).get(tenant_id, ())
    return _Tenant(tenant_id, defaults, {rule.event_type_id: rule for rule in rules})


async def _asked(call: Awaitable[Answer]) -> Answer:
    try:
        return await call
    except grpc.aio.AioRpcError as error:
        raise DependencyUnavailable(
            f"delivery_service does not answer ({error.code().name}); without it the books cannot be made"
        ) from None
