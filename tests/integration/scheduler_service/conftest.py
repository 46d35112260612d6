"""A scheduler on real PostgreSQL and Valkey; the two other services are stand-ins behind their contracts."""

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.date_pb2 import Date
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.delivery.v1 import intake_service_pb2_grpc as intake_grpc
from redletter.scheduler.v1 import event_service_pb2_grpc, event_type_service_pb2_grpc
from redletter.scheduler.v1 import scheduler_admin_service_pb2_grpc as admin_grpc
from redletter.user.v1 import auth_service_pb2, auth_service_pb2_grpc, user_pb2
from redletter.user.v1 import tenant_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from redletter.user.v1 import user_feed_service_pb2_grpc as feed_grpc
from whenever import Instant

from chassis import zones
from chassis.clocks import BusinessClock, Lapse
from chassis.lifecycle import Part
from chassis.migrations import migrate
from chassis.rpc.server import Port
from chassis.wire import timestamp
from scheduler_service import app
from scheduler_service.settings import Settings
from scheduler_service.store import MIGRATIONS, SCHEMA

TENANT = "tenant-1"
SECRET = "s" * 32


@pytest.fixture(autouse=True, scope="session")
def _pinned() -> None:
    """Take zones from the wheel, as every service does at start."""
    zones.pin()


@dataclass
class Feed(feed_grpc.UserFeedServiceServicer):
    """Stands in for user_service: what is put in is pulled until it is acknowledged."""

    epoch: str = "epoch-1"
    changes: dict[tuple[str, str], feed_pb2.Change] = field(default_factory=dict)
    version: int = 0

    def put(self, user_id: str, **one: object) -> int:
        """Mark one change and return its version."""
        self.version += 1
        self.changes[TENANT, user_id] = feed_pb2.Change(
            tenant_id=TENANT, user_id=user_id, version=self.version, change_time=timestamp(Instant.now()), **one
        )
        return self.version

    def put_tenant(self, since: Instant, zone: str = "UTC") -> None:
        """Make the tenant known."""
        tenant = tenant_pb2.Tenant(
            tenant_id=TENANT, name="t", time_zone=zone, locale="en", create_time=timestamp(since)
        )
        self.put("", tenant=tenant)

    def put_user(
        self,
        user_id: str,
        zone: str,
        *,
        month: int,
        day: int,
        year: int = 0,
        enrolled: Instant,
        on_enrol: int = 1,
        kind: str = "birthday",
        given_name: str = "Ada",
        leap: int = 0,
    ) -> int:
        """Mark a person with one occasion."""
        occasion = user_pb2.Occasion(
            occasion_id=kind, kind=kind, date=Date(year=year, month=month, day=day), leap_day_rule=leap
        )
        enrolment = feed_pb2.Enrolment(
            occasion=occasion, enrol_time=timestamp(enrolled), on_enrol=on_enrol
        )
        person = feed_pb2.Recipient(
            time_zone=zone, locale="en", given_name=given_name, enrolments=[enrolment], attributes_json=b"{}"
        )
        return self.put(user_id, recipient=person)

    def delete_user(self, user_id: str) -> int:
        """Mark a person as deleted."""
        return self.put(user_id, user_tombstone=feed_pb2.UserTombstone())

    async def PullChanges(self, request: feed_pb2.PullChangesRequest, context: object) -> object:
        found = sorted(self.changes.values(), key=lambda c: (c.user_id != "", c.version))
        return feed_pb2.PullChangesResponse(
            epoch=self.epoch, changes=found[: request.max_items], backlog=len(found)
        )

    async def AckChanges(self, request: feed_pb2.AckChangesRequest, context: object) -> object:
        for change in request.changes:
            key = (change.tenant_id, change.user_id)
            if key in self.changes and self.changes[key].version == change.version:
                del self.changes[key]
        return feed_pb2.AckChangesResponse()


@dataclass
class Intake(intake_grpc.IntakeServiceServicer):
    """Stands in for delivery_service: idempotent by event id, remembers what it was told."""

    accepted: dict[str, intake_pb2.AcceptedEvent] = field(default_factory=dict)
    arrived: dict[str, float] = field(default_factory=dict)
    offers: list[bytes] = field(default_factory=list)
    cancelled: list[intake_pb2.CancelEventsRequest] = field(default_factory=list)
    fail_next: int = 0
    answers: bool = True

    async def AcceptEvents(self, request: intake_pb2.AcceptEventsRequest, context: grpc.aio.ServicerContext) -> object:
        self.offers.append(request.SerializeToString())
        if self.fail_next > 0:
            self.fail_next -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "told to")
        results = []
        for event in request.events:
            known = event.event_id in self.accepted
            self.accepted.setdefault(event.event_id, event)
            self.arrived.setdefault(event.event_id, time.time())
            kind = intake_pb2.AcceptResult
            results.append(kind(result=kind.RESULT_KNOWN if known else kind.RESULT_ACCEPTED))
        return intake_pb2.AcceptEventsResponse(results=results)

    async def CancelEvents(self, request: intake_pb2.CancelEventsRequest, context: object) -> object:
        self.cancelled.append(request)
        return intake_pb2.CancelEventsResponse(cancelled=0)

    async def BatchGetOutcomes(self, request: intake_pb2.BatchGetOutcomesRequest, context: object) -> object:
        return intake_pb2.BatchGetOutcomesResponse(
            outcomes=[intake_pb2.EventOutcome(event_id=e.event_id, outcome=1) for e in request.events]
        )


class Auth(auth_service_pb2_grpc.AuthServiceServicer):
    """Stands in for user_service: the key `operator` is an operator's, any other the tenant's."""

    async def VerifyApiKey(self, request: auth_service_pb2.VerifyApiKeyRequest, context: object) -> object:
        operator = request.secret == "operator"
        return auth_service_pb2.VerifyApiKeyResponse(
            tenant_id="" if operator else TENANT,
            api_key_id=request.secret,
            scopes=["operator"] if operator else ["tenant"],
            cache_for=Duration(seconds=30),
        )


async def until(condition: Callable[[], bool], *, within: float = 10.0) -> None:
    """Return once `condition` holds; fail when it does not in time."""
    deadline = time.monotonic() + within
    while not condition():
        assert time.monotonic() < deadline, "the awaited condition did not come true in time"
        await asyncio.sleep(0.01)


@dataclass
class World:
    """The stand-ins, and the replicas under test."""

    feed: Feed
    intake: Intake
    database_url: str
    redis_url: str
    peers_port: int
    replicas: list["Replica"] = field(default_factory=list)

    async def start(
        self, start: Instant | None = None, *, speed: float = 1.0, anchor: Instant | None = None, redis: bool = True
    ) -> "Replica":
        """Start one scheduler replica whose business clock stands at `start` now."""
        settings = Settings(
            database_url=self.database_url,
            redis_url=self.redis_url if redis else "",
            internal_secret=SECRET,
            replica_id=f"r{len(self.replicas)}-{uuid.uuid4().hex[:6]}",
            user_service_address=f"127.0.0.1:{self.peers_port}",
            delivery_service_address=f"127.0.0.1:{self.peers_port}",
            clock_from=None if start is None else start.to_stdlib(),
            clock_anchor=None if start is None else (anchor or Instant.now()).to_stdlib(),
            clock_speed=speed,
        )
        replica = Replica(settings, await app.build(settings))
        for part in replica.parts:
            await part.start()
        self.replicas.append(replica)
        return replica


class Replica:
    """One running scheduler."""

    def __init__(self, settings: Settings, parts: list[Part]) -> None:
        self.settings = settings
        self.parts = list(parts)
        self.clock = BusinessClock(
            Lapse.of(settings.clock_from, settings.clock_anchor, settings.clock_speed)
        )
        port = next(part for part in parts if isinstance(part, Port))
        self._port = port
        self._channel: grpc.aio.Channel | None = None
        self.stopped = False

    @property
    def channel(self) -> grpc.aio.Channel:
        if self._channel is None:
            self._channel = grpc.aio.insecure_channel(f"127.0.0.1:{self._port.port}")
        return self._channel

    @property
    def events(self) -> event_service_pb2_grpc.EventServiceStub:
        return event_service_pb2_grpc.EventServiceStub(self.channel)

    @property
    def event_types(self) -> event_type_service_pb2_grpc.EventTypeServiceStub:
        return event_type_service_pb2_grpc.EventTypeServiceStub(self.channel)

    @property
    def admin(self) -> admin_grpc.SchedulerAdminServiceStub:
        return admin_grpc.SchedulerAdminServiceStub(self.channel)

    async def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            if self._channel is not None:
                await self._channel.close()
            for part in reversed(self.parts):
                await part.stop()


KEY = (("authorization", "Bearer tenant"),)
OPERATOR = (("authorization", "Bearer operator"),)


@pytest.fixture
async def world(clone_database: Callable[..., str], redis_url: str) -> AsyncIterator[World]:
    """The stand-ins on a free port and an empty store; replicas are started by the test."""
    url = await asyncio.to_thread(
        clone_database, SCHEMA, lambda target: migrate(target, schema=SCHEMA, directory=MIGRATIONS)
    )
    feed, intake = Feed(), Intake()
    server = grpc.aio.server()
    feed_grpc.add_UserFeedServiceServicer_to_server(feed, server)
    intake_grpc.add_IntakeServiceServicer_to_server(intake, server)
    auth_service_pb2_grpc.add_AuthServiceServicer_to_server(Auth(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    made = World(feed, intake, url, redis_url, port)
    yield made
    for replica in made.replicas:
        await replica.stop()
    await server.stop(0)


Waiting = Callable[..., Awaitable[None]]


def utc(text: str) -> Instant:
    """Return the instant of an ISO text."""
    return Instant(datetime.fromisoformat(text))
