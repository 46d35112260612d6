"""One delivery_service in the test's own loop, on a database of its own, with a receiver beside it."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from redletter.delivery.v1 import (
    delivery_pb2,
    delivery_service_pb2,
    endpoint_service_pb2,
    intake_service_pb2,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis import redis_client
from chassis.clocks import BusinessClock, Lapse
from chassis.database import create_engine
from chassis.lifecycle import Part
from chassis.migrations import migrate
from chassis.operations.servicer import Operations
from chassis.rpc.credentials import TENANT, Principal, enter
from delivery_service.api.dead_letters import DeadLetterServicer
from delivery_service.api.deliveries import DeliveryServicer
from delivery_service.api.endpoint_secrets import EndpointSecretServicer
from delivery_service.api.endpoint_trials import EndpointTrialServicer
from delivery_service.api.endpoints import EndpointServicer
from delivery_service.api.inbox import InboxServicer
from delivery_service.api.intake import IntakeServicer
from delivery_service.app import MIGRATIONS, Deliveries
from delivery_service.domain.redeliveries import KINDS
from delivery_service.settings import Settings
from delivery_service.store.tables import SCHEMA
from tests.conftest import CloneDatabase
from tests.receiver import Receiver

TENANT_ID = "0197c3a0-0000-7000-8000-000000000001"
BODY = b'{"type":"birthday","data":{"message":{"title":"Happy birthday"}}}'
State = delivery_pb2.Delivery.State
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def event_id(name: str = "") -> str:
    """Return a well-formed event id, a new one unless a name is given."""
    body = name or "".join(secrets.choice(_ALPHABET) for _ in range(26))
    return f"evt_{body.ljust(26, 'a')}_2027"


@dataclass
class World:
    """A running delivery_service and what a test says to it."""

    settings: Settings
    engine: AsyncEngine
    clock: BusinessClock
    inside: Deliveries
    intake: IntakeServicer
    endpoints: EndpointServicer
    deliveries: DeliveryServicer
    inbox: InboxServicer
    parts: list[Part] = field(default_factory=list)

    @property
    def endpoint_secrets(self) -> EndpointSecretServicer:
        """Rotates signing secrets."""
        return EndpointSecretServicer(self.engine, self.clock)

    @property
    def endpoint_trials(self) -> EndpointTrialServicer:
        """Tries endpoints out."""
        return EndpointTrialServicer(self.inside.trials)

    @property
    def dead_letters(self) -> DeadLetterServicer:
        """What gave up."""
        return DeadLetterServicer(self.engine, self.clock, begun=self.inside.redeliverer.wake)

    @property
    def operations(self) -> Operations:
        """The long work of delivery_service."""
        return Operations(self.engine, self.clock, kinds=KINDS, steered=self.inside.redeliverer.wake)

    async def endpoint(self, url: str, endpoint_id: str = "hook", *, tenant: str = TENANT_ID) -> str:
        """Create an endpoint; return its secret."""
        as_tenant(tenant)
        made = await self.endpoints.CreateEndpoint(
            endpoint_service_pb2.CreateEndpointRequest(endpoint_id=endpoint_id, url=url), None
        )
        return str(made.secret)

    def event(self, identifier: str = "", **changes: Any) -> intake_service_pb2.AcceptedEvent:
        """Return an event that is due now and worth sending for an hour of business time."""
        now = self.clock.now()
        event = intake_service_pb2.AcceptedEvent(
            event_id=identifier or event_id(),
            tenant_id=changes.pop("tenant_id", TENANT_ID),
            user_id=changes.pop("user_id", "u1"),
            event_type_id="birthday",
            priority=2,
            body=changes.pop("body", BODY),
        )
        event.occurrence_date.year, event.occurrence_date.month, event.occurrence_date.day = 2027, 2, 28
        event.due_time.FromDatetime(now.to_stdlib())
        event.decide_time.FromDatetime(changes.pop("decided", now).to_stdlib())
        within = changes.pop("within", timedelta(hours=1))
        event.deliver_by.FromDatetime(now.to_stdlib() + within)
        for name, value in changes.items():
            setattr(event, name, value)
        return event

    async def accept(self, *events: intake_service_pb2.AcceptedEvent, traceparent: str = "") -> list[str]:
        """Offer events; return the answers' names."""
        request = intake_service_pb2.AcceptEventsRequest(
            handover_id="h1", events=events, traceparent=traceparent
        )
        answer = await self.intake.AcceptEvents(request, None)
        name = intake_service_pb2.AcceptResult.Result.Name
        return [name(result.result).removeprefix("RESULT_") for result in answer.results]

    async def listed(self, **filters: Any) -> list[delivery_pb2.Delivery]:
        """List the tenant's deliveries."""
        as_tenant()
        request = delivery_service_pb2.ListDeliveriesRequest(**filters)
        return list((await self.deliveries.ListDeliveries(request, None)).deliveries)

    async def until(self, condition: Callable[[], Awaitable[Any]], *, seconds: float = 10.0) -> Any:
        """Return the first true answer of a condition; fails after `seconds`."""
        async with asyncio.timeout(seconds):
            while not (answer := await condition()):
                await asyncio.sleep(0.02)
            return answer

    async def ended(self, count: int = 1, **filters: Any) -> list[delivery_pb2.Delivery]:
        """Return the ended deliveries as soon as there are `count`."""

        async def enough() -> list[delivery_pb2.Delivery]:
            found = [one for one in await self.listed(**filters) if one.state != State.STATE_PENDING]
            return found if len(found) >= count else []

        return list(await self.until(enough))

    async def rows(self, query: str, **parameters: Any) -> Any:
        """Return the rows of a query."""
        async with self.engine.connect() as connection:
            return (await connection.execute(text(query), parameters)).all()


def as_tenant(tenant: str = TENANT_ID) -> None:
    """Make the calls of this test a tenant's."""
    enter(Principal(tenant, "key", frozenset({TENANT})))


@pytest.fixture
def database_url(clone_database: CloneDatabase) -> str:
    """Give the URL of a migrated database."""
    return clone_database("delivery", lambda url: migrate(url, schema=SCHEMA, directory=MIGRATIONS))


@asynccontextmanager
async def running(
    database_url: str, *, start: Instant | None = None, speed: float = 1.0, serve: bool = True, **changes: Any
) -> AsyncIterator[World]:
    """Run one replica in this loop; with `serve` off its loops stand still."""
    settings = Settings(
        database_url=database_url,
        internal_secret="s" * 32,
        **{
            "allowed_networks": "127.0.0.0/8",
            "allow_http": "inside",
            "allowed_ports": "1-65535",
            "retry_first_seconds": 0.05,
            "replica_id": "r1",
            **changes,
        },
    )
    engine = create_engine(database_url, name="test", schema=SCHEMA, pool_size=8)
    lease_engine = create_engine(database_url, name="test-lease", schema=SCHEMA, pool_size=1)
    clock = BusinessClock(Lapse(start, Instant(datetime.now(UTC)), speed) if start else None)
    await clock.synchronise(engine)
    redis = redis_client.connect(settings.redis_url)
    inside = Deliveries(settings, engine, lease_engine, clock, redis=redis)
    world = World(
        settings,
        engine,
        clock,
        inside,
        IntakeServicer(engine, inside.intake),
        EndpointServicer(engine, clock, destinations=settings.destinations),
        DeliveryServicer(engine, inside.redelivering),
        InboxServicer(engine, clock, inside.pulls, withdrawn=inside.withdrawals.wake),
        inside.parts,
    )
    if serve:
        for part in world.parts:
            await part.start()

        async def ready() -> bool:
            return inside.lease.valid and inside.stop_watch.ready

        await world.until(ready)
    try:
        yield world
    finally:
        for part in reversed(world.parts if serve else []):
            await part.stop()
        if redis is not None:
            await redis.aclose()
        await engine.dispose()
        await lease_engine.dispose()


@pytest.fixture
async def world(database_url: str) -> AsyncIterator[World]:
    """Run one replica."""
    async with running(database_url) as made:
        yield made


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    """Run a receiver that answers 200."""
    async with Receiver() as made:
        yield made
