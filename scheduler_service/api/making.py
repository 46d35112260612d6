"""Events that callers make: by CreateEvent and its batch, by a trigger, by a re-issue."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog
from google.protobuf.json_format import MessageToDict
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.errors import IllegalTransition, NotFound, RedletterError
from chassis.transactions import LostRaceError, settled
from chassis.words import checked_text
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import event_id, parse_event_id, plan_id
from scheduler_service.domain.plan_records import Plan, Request
from scheduler_service.domain.recipients import Recipient
from scheduler_service.store import event_requests, events, plan_edits, plans, recipients, requested_events
from scheduler_service.store.event_requests import Known, hashed
from scheduler_service.store.reissues import draft_of_reissue
from scheduler_service.store.requested_events import REQUESTED, Draft, Made, answered

log = structlog.get_logger()

WAIT_SECONDS: Final = 2.0
"""How long somebody unknown is waited for: the feed of user_service needs less than a second."""
_POLL_SECONDS: Final = 0.1


@dataclass(frozen=True)
class Making:
    """Makes plans of what callers ask for; `created` is told that something may be due."""

    engine: AsyncEngine
    clock: BusinessClock
    key: bytes
    created: Callable[[], None]

    async def create(
        self, tenant_id: str, drafts: Sequence[Draft], *, kind: str = "create"
    ) -> list[Made | RedletterError]:
        """Make these events in one transaction and answer each by itself, in order."""
        await self._known(tenant_id, [(draft.user_id, draft.instance) for draft in drafts])

        async def work(connection: AsyncConnection) -> list[Made | RedletterError]:
            return await requested_events.make(connection, self.key, tenant_id, drafts, now=self.clock.now())

        made = await settled(self.engine, work)
        self._note(kind, sum(isinstance(one, Made) and one.created for one in made))
        return made

    async def trigger(self, tenant_id: str, request: service_pb.TriggerEventRequest) -> Made:
        """Make an event of one's own with a rule's message, due now.

        Raises:
            NotFound: no such user, event type or occasion.
            AlreadyExists: the instance is taken by another call.
        """
        await self._known(tenant_id, [(request.user_id, request.instance)])
        instance = request.instance or f"trigger-{uuid.uuid4()}"

        async def work(connection: AsyncConnection) -> Made:
            body_hash = hashed("trigger", MessageToDict(request))
            before = await answered(connection, tenant_id, instance, body_hash)
            if before is not None:
                return before
            now = self.clock.now()
            tenant = await requested_events.load(connection, self.key, tenant_id, user_ids=[request.user_id])
            person, rule = tenant.recipient(request.user_id), tenant.rule(request.event_type_id)
            occasion_id = chosen_occasion(person, rule, request.occasion_id)
            of_rule = await plans.get(connection, tenant_id, self._plan_id(person, rule, occasion_id))
            draft = Draft(
                instance,
                request.user_id,
                request.event_type_id,
                Request(now, cycle=_cycle_of(of_rule)),
                body_hash,
                occasion_id=occasion_id,
            )
            return await self._one(connection, tenant_id, draft, now)

        made = await settled(self.engine, work)
        self._note("trigger", int(made.created))
        return made

    async def consume(self, tenant_id: str, request: service_pb.TriggerEventRequest) -> Made:
        """Let the open cycle of a rule be due now.

        Raises:
            NotFound: no such user, event type or occasion.
            IllegalTransition: no cycle is open, or it has just been decided (reason ALREADY_DECIDED).
            AlreadyExists: the instance is taken by another call.
        """
        await self._known(tenant_id, [(request.user_id, request.instance)])
        # The cycle that was open when the call came: the one after it is not what was asked for.
        cycle = ""

        async def work(connection: AsyncConnection) -> Made:
            nonlocal cycle
            body_hash = hashed("trigger", MessageToDict(request))
            before = await answered(connection, tenant_id, request.instance, body_hash)
            if before is not None:
                return before
            name, otherwise = await self._named(connection, tenant_id, request)
            cycle = cycle or _open_cycle_of(await plans.get(connection, tenant_id, name), otherwise)
            plan = (await plan_edits.lock(connection, tenant_id, [name])).get(name)
            if plan is None or plan.cycle != cycle or plan.due_time is None:
                # By the same call a moment before, perhaps.
                before = await answered(connection, tenant_id, request.instance, body_hash)
                if before is not None:
                    return before
                raise IllegalTransition(
                    f"event {event_id(name, cycle)} is decided or gone", reason="ALREADY_DECIDED"
                )
            now = self.clock.now()
            around = await plan_edits.surroundings(connection, tenant_id, [plan])
            await plan_edits.move(connection, plan, around, due_time=now, now=now)
            one = Known(event_id(plan.plan_id, str(plan.cycle)), body_hash)
            if request.instance and not await event_requests.insert(
                connection, tenant_id, {request.instance: one}, now=now
            ):
                raise LostRaceError
            return Made(one.event_id, created=True)

        made = await settled(self.engine, work)
        self._note("consume", int(made.created))
        return made

    async def reissue(self, tenant_id: str, request: service_pb.ReissueEventRequest) -> Made:
        """Make a new event with the message of an ended one, due now.

        Raises:
            NotFound: no such event, or its user or event type is gone.
            IllegalTransition: it is planned.
            AlreadyExists: the instance is taken by another call.
        """
        reason = checked_text(request.reason, field="reason")
        instance = request.instance or f"reissue-{uuid.uuid4()}"

        async def work(connection: AsyncConnection) -> Made:
            body_hash = hashed("reissue", MessageToDict(request))
            before = await answered(connection, tenant_id, instance, body_hash)
            if before is not None:
                return before
            now = self.clock.now()
            row = await self._ended(connection, tenant_id, request.event_id)
            draft = draft_of_reissue(row, instance=instance, reason=reason, body_hash=body_hash, now=now)
            return await self._one(connection, tenant_id, draft, now)

        made = await settled(self.engine, work)
        self._note("reissue", int(made.created))
        return made

    async def _known(self, tenant_id: str, asked: Sequence[tuple[str, str]]) -> None:
        """Return when all these users are known, or after two seconds."""
        deadline = time.monotonic() + WAIT_SECONDS
        while asked:
            async with self.engine.connect() as connection:
                unknown = await event_requests.unknown_users(connection, tenant_id, asked)
            if not unknown or time.monotonic() > deadline:
                return
            await asyncio.sleep(_POLL_SECONDS)

    async def _one(self, connection: AsyncConnection, tenant_id: str, draft: Draft, now: Instant) -> Made:
        [made] = await requested_events.make(connection, self.key, tenant_id, [draft], now=now)
        if isinstance(made, RedletterError):
            raise made
        return made

    async def _named(
        self, connection: AsyncConnection, tenant_id: str, request: service_pb.TriggerEventRequest
    ) -> tuple[bytes, str]:
        """Return the id of the rule's plan that a trigger is about, and the sentence for when none is open."""
        person = await recipients.get(connection, tenant_id, request.user_id)
        if person is None:
            raise NotFound(f'there is no user "{request.user_id}"')
        rule = await requested_events.rule_of(connection, tenant_id, request.event_type_id)
        occasion_id = chosen_occasion(person, rule, request.occasion_id)
        subject = f'event type "{rule.event_type_id}" (which is {rule.state}) for occasion "{occasion_id}"'
        return self._plan_id(
            person, rule, occasion_id
        ), f'user "{person.user_id}" has no open cycle of {subject}'

    async def _ended(self, connection: AsyncConnection, tenant_id: str, name: str) -> Mapping[str, Any]:
        row = await events.get(connection, tenant_id, name)
        if row is not None:
            return row
        number, cycle = parse_event_id(name)
        plan = await plans.get(connection, tenant_id, number)
        if plan is not None and plan.cycle == cycle and plan.due_time is not None:
            raise IllegalTransition(
                f"event {name} is planned for {plan.due_time.round('second').format_iso()};"
                " only an ended one can be issued again"
            )
        raise NotFound(f"there is no event {name!r}")

    def _plan_id(self, person: Recipient, rule: EventType, occasion_id: str) -> bytes:
        return plan_id(self.key, person.tenant_id, person.user_id, rule.event_type_id, occasion_id)

    def _note(self, kind: str, created: int) -> None:
        REQUESTED.labels(kind).inc(created)
        if created:
            self.created()


def chosen_occasion(person: Recipient, rule: EventType, occasion_id: str) -> str:
    """Return the occasion that a trigger is about: the one named, else the first of the rule's kind.

    Empty for a rule of no kind.

    Raises:
        NotFound: the user has no such occasion, or none of the rule's kind.
    """
    kind = rule.occasion_kind
    if occasion_id:
        if person.occasion(occasion_id, kind=kind) is None:
            raise NotFound(
                f'user "{person.user_id}" has no occasion "{occasion_id}" of kind "{kind}",'
                f' which event type "{rule.event_type_id}" is about'
            )
        return occasion_id
    found = next((one.occasion_id for one in person.occasions if one.kind == kind), "")
    if kind and not found:
        raise NotFound(f'user "{person.user_id}" has no occasion of kind "{kind}"')
    return found


def _cycle_of(plan: Plan | None) -> str:
    """Return the cycle that words said now are about: the open one, else the last."""
    return "" if plan is None else plan.cycle or plan.last_cycle or ""


def _open_cycle_of(plan: Plan | None, otherwise: str) -> str:
    if plan is None or plan.cycle is None or plan.due_time is None:
        raise IllegalTransition(f"{otherwise}; without `consume` it can be triggered")
    return plan.cycle
