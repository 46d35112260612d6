"""A scheduler on real PostgreSQL and Valkey; the two other services are stand-ins behind their contracts."""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import grpc
import pytest
from google.protobuf.duration_pb2 import Duration
from google.type.date_pb2 import Date
from redletter.common.v1 import operation_service_pb2_grpc
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.delivery.v1 import intake_service_pb2_grpc as intake_grpc
from redletter.scheduler.v1 import event_service_pb2_grpc, event_type_service_pb2_grpc, scheduler_status_pb2
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as admin_pb2
from redletter.scheduler.v1 import scheduler_admin_service_pb2_grpc as admin_grpc
from redletter.user.v1 import auth_service_pb2, auth_service_pb2_grpc, preferences_pb2, tenant_pb2, user_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from redletter.user.v1 import user_feed_service_pb2_grpc as feed_grpc
from whenever import Instant

from chassis import zones
from chassis.clocks import BusinessClock, Lapse
from chassis.lifecycle import Part
from chassis.loops import Loop
from chassis.migrations import migrate
from chassis.rpc.server import Port
from chassis.wire import timestamp
from scheduler_service import app
from scheduler_service.coordination.shards import Shards
from scheduler_service.domain import ledger
from scheduler_service.settings import Settings
from scheduler_service.store import MIGRATIONS, SCHEMA

TENANT = "tenant-1"
OTHER_TENANT = "tenant-2"
SECRET = "s" * 32


@pytest.fixture(autouse=True, scope="session")
def _pinned() -> None:
    """Take zones from the wheel, as every service does at start."""
    zones.pin()


@dataclass
class Feed(feed_grpc.UserFeedServiceServicer):
    """Stands in for user_service: what is put in is pulled until it is acknowledged."""

    epoch: str = "epoch-1"
    restored: "feed_pb2.Restored" = feed_pb2.RESTORED_UNSPECIFIED
    serials: list[int] = field(default_factory=list)
    changes: dict[tuple[str, str], feed_pb2.Change] = field(default_factory=dict)
    version: int = 0

    def put(self, user_id: str, *, tenant_id: str = TENANT, **one: object) -> int:
        """Mark one change and return its version."""
        self.version += 1
        self.changes[tenant_id, user_id] = feed_pb2.Change(
            tenant_id=tenant_id,
            user_id=user_id,
            version=self.version,
            change_time=timestamp(Instant.now()),
            **one,
        )
        return self.version

    def put_tenant(self, since: Instant, zone: str = "UTC", *, tenant_id: str = TENANT) -> None:
        """Make the tenant known."""
        tenant = tenant_pb2.Tenant(
            tenant_id=tenant_id, name="t", time_zone=zone, locale="en", create_time=timestamp(since)
        )
        self.put("", tenant_id=tenant_id, tenant=tenant)

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
        attributes: bytes = b"{}",
        tenant_id: str = TENANT,
        preferences: preferences_pb2.Preferences | None = None,
        care: Sequence[feed_pb2.CareSwitchState] = (),
    ) -> int:
        """Mark a person with one occasion."""
        occasion = user_pb2.Occasion(
            occasion_id=kind, kind=kind, date=Date(year=year, month=month, day=day), leap_day_rule=leap
        )
        enrolment = feed_pb2.Enrolment(occasion=occasion, enrol_time=timestamp(enrolled), on_enrol=on_enrol)
        person = feed_pb2.Recipient(
            time_zone=zone,
            locale="en",
            given_name=given_name,
            enrolments=[enrolment],
            attributes_json=attributes,
            preferences=preferences,
        )
        return self.put(user_id, tenant_id=tenant_id, recipient=person, care_switches=care)

    def delete_user(self, user_id: str) -> int:
        """Mark a person as deleted."""
        return self.put(user_id, user_tombstone=feed_pb2.UserTombstone())

    async def PullChanges(self, request: feed_pb2.PullChangesRequest, context: object) -> object:
        self.serials.append(request.reader_serial)
        found = sorted(self.changes.values(), key=lambda c: (c.user_id != "", c.version))
        return feed_pb2.PullChangesResponse(
            epoch=self.epoch, changes=found[: request.max_items], backlog=len(found), restored=self.restored
        )

    async def AckChanges(self, request: feed_pb2.AckChangesRequest, context: object) -> object:
        self.serials.append(request.reader_serial)
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
    received: set[str] = field(default_factory=set)
    on_the_wire: set[str] = field(default_factory=set)
    cancels_answer: bool = True
    fail_next: int = 0
    down: bool = False
    refuse: str = ""

    async def AcceptEvents(
        self, request: intake_pb2.AcceptEventsRequest, context: grpc.aio.ServicerContext
    ) -> object:
        self.offers.append(request.SerializeToString())
        await self._refuse(context)
        results = []
        for event in request.events:
            if event.user_id == self.refuse:
                results.append(
                    intake_pb2.AcceptResult(result=intake_pb2.AcceptResult.RESULT_REFUSED, reason="told to")
                )
                continue
            known = event.event_id in self.accepted
            self.accepted.setdefault(event.event_id, event)
            self.arrived.setdefault(event.event_id, time.time())
            kind = intake_pb2.AcceptResult
            results.append(kind(result=kind.RESULT_KNOWN if known else kind.RESULT_ACCEPTED))
        return intake_pb2.AcceptEventsResponse(results=results)

    async def _refuse(self, context: grpc.aio.ServicerContext) -> None:
        if self.fail_next > 0 or self.down:
            self.fail_next = max(0, self.fail_next - 1)
            await context.abort(grpc.StatusCode.UNAVAILABLE, "told to")

    async def CancelEvents(
        self, request: intake_pb2.CancelEventsRequest, context: grpc.aio.ServicerContext
    ) -> object:
        await self._refuse(context)
        if not self.cancels_answer:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "told to")
        self.cancelled.append(request)
        names = sorted(set(request.events.event_ids))
        late, flying = self.received & set(names), self.on_the_wire & set(names)
        return intake_pb2.CancelEventsResponse(
            cancelled=0,
            on_the_wire=sorted(flying),
            too_late_event_ids=sorted(late),
            cancelled_event_ids=[name for name in names if name not in late | flying],
        )

    async def BatchGetOutcomes(
        self, request: intake_pb2.BatchGetOutcomesRequest, context: grpc.aio.ServicerContext
    ) -> object:
        await self._refuse(context)
        return intake_pb2.BatchGetOutcomesResponse(
            outcomes=[intake_pb2.EventOutcome(event_id=e.event_id, outcome=1) for e in request.events]
        )

    async def SummarizeDate(self, request: intake_pb2.SummarizeDateRequest, context: object) -> object:
        names = self._of(request.tenant_id, request.occurrence_date)
        counts = [intake_pb2.OutcomeCount(outcome=1, count=len(names))] if names else []
        return intake_pb2.SummarizeDateResponse(
            messages=len(names), checksum=ledger.checksum(names), outcomes=counts
        )

    async def ListMessages(self, request: intake_pb2.ListMessagesRequest, context: object) -> object:
        names = self._of(request.tenant_id, request.occurrence_date)
        page = [name for name in names if name > request.after_event_id][: request.page_size]
        return intake_pb2.ListMessagesResponse(
            outcomes=[intake_pb2.EventOutcome(event_id=name, outcome=1) for name in page]
        )

    def _of(self, tenant_id: str, on: Date) -> list[str]:
        found = [e for e in self.accepted.values() if e.tenant_id == tenant_id and e.occurrence_date == on]
        return sorted(event.event_id for event in found)


class Auth(auth_service_pb2_grpc.AuthServiceServicer):
    """Stands in for user_service: the keys `operator` and `other` are an operator's and another tenant's."""

    async def VerifyApiKey(self, request: auth_service_pb2.VerifyApiKeyRequest, context: object) -> object:
        operator = request.secret == "operator"
        return auth_service_pb2.VerifyApiKeyResponse(
            tenant_id="" if operator else OTHER_TENANT if request.secret == "other" else TENANT,
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


async def eventually(question: Callable[[], Awaitable[Any]], *, within: float = 10.0) -> Any:
    """Return the first answer of `question` that holds; fail when there is none in time."""
    deadline = time.monotonic() + within
    while not (answer := await question()):
        assert time.monotonic() < deadline, "the awaited answer did not come in time"
        await asyncio.sleep(0.02)
    return answer


@dataclass
class World:
    """The stand-ins, and the replicas under test."""

    feed: Feed
    intake: Intake
    database_url: str
    redis_url: str
    peers_port: int
    replicas: list["Replica"] = field(default_factory=list)
    anchor: Instant | None = None

    async def start(
        self,
        start: Instant | None = None,
        *,
        speed: float = 1.0,
        anchor: Instant | None = None,
        redis: bool = True,
    ) -> "Replica":
        """Start one scheduler replica; business time stands at `start` when the first one starts."""
        self.anchor = anchor or self.anchor or Instant.now()
        settings = Settings(
            database_url=self.database_url,
            redis_url=self.redis_url if redis else "",
            internal_secret=SECRET,
            replica_id=f"r{len(self.replicas)}-{uuid.uuid4().hex[:6]}",
            user_service_address=f"127.0.0.1:{self.peers_port}",
            delivery_service_address=f"127.0.0.1:{self.peers_port}",
            clock_from=None if start is None else start.to_stdlib(),
            clock_anchor=None if start is None else self.anchor.to_stdlib(),
            clock_speed=speed,
        )
        replica = Replica(settings, await app.build(settings))
        for part in replica.parts:
            await part.start()
        self.replicas.append(replica)
        return replica

    async def rows(self, query: str, *arguments: object) -> list[asyncpg.Record]:
        """Return what the scheduler's store says."""
        url = self.database_url.replace("+asyncpg", "")
        connection = await asyncpg.connect(url, ssl=False, server_settings={"search_path": SCHEMA})
        try:
            return await connection.fetch(query, *arguments)
        finally:
            await connection.close()

    async def planned(
        self, user_id: str, event_type_id: str = "birthday", *, version: int = 0
    ) -> asyncpg.Record:
        """Return the open plan of a person, once it was planned for at least this version of the feed."""

        async def open_plan() -> asyncpg.Record | None:
            found = await self.rows(
                "SELECT * FROM plans WHERE user_id = $1 AND event_type_id = $2 AND due_time IS NOT NULL"
                " AND recipient_version >= $3",
                user_id,
                event_type_id,
                version,
            )
            return found[0] if found else None

        return await eventually(open_plan)

    async def ended(self, user_id: str) -> asyncpg.Record:
        """Return the one ended event of a person, once there is one."""

        async def events() -> list[asyncpg.Record]:
            return await self.rows("SELECT * FROM events WHERE user_id = $1", user_id)

        found = await eventually(events)
        assert len(found) == 1
        return found[0]

    async def end_leases(self) -> None:
        """Let the five seconds be over for which nobody else offers a hand-over again."""
        await self.rows("UPDATE handovers SET offered_until = 'epoch'")

    async def drained(self) -> None:
        """Return once the feed is followed to its end."""
        await until(lambda: not self.feed.changes)

    def body_of(self, user_id: str) -> dict[str, Any]:
        """Return the body of the one event that delivery has accepted for a person."""
        (found,) = [e for e in self.intake.accepted.values() if e.user_id == user_id]
        body: dict[str, Any] = json.loads(found.body)
        return body

    def sent_to(self, user_id: str) -> bool:
        """Return whether delivery has accepted anything for a person."""
        return any(e.user_id == user_id for e in self.intake.accepted.values())


class Replica:
    """One running scheduler."""

    def __init__(self, settings: Settings, parts: list[Part]) -> None:
        self.settings = settings
        self.parts = list(parts)
        self.clock = BusinessClock(Lapse.of(settings.clock_from, settings.clock_anchor, settings.clock_speed))
        self.shards = next(part for part in parts if isinstance(part, Shards))
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
    def operations(self) -> operation_service_pb2_grpc.OperationServiceStub:
        return operation_service_pb2_grpc.OperationServiceStub(self.channel)

    @property
    def admin(self) -> admin_grpc.SchedulerAdminServiceStub:
        return admin_grpc.SchedulerAdminServiceStub(self.channel)

    async def vanish(self) -> None:
        """Disappear as a killed process does: nothing is finished, nothing is given back."""
        self.stopped = True
        tasks = [loop._task for loop in map(_loop_of, self.parts) if loop is not None and loop._task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._channel is not None:
            await self._channel.close()
        await self._port.stop(0)
        await self.parts[0].stop()

    async def status(self) -> scheduler_status_pb2.SchedulerStatus:
        request = admin_pb2.GetSchedulerStatusRequest()
        return (await self.admin.GetSchedulerStatus(request, metadata=OPERATOR)).status

    async def stop(self) -> None:
        if not self.stopped:
            self.stopped = True
            if self._channel is not None:
                await self._channel.close()
            for part in reversed(self.parts):
                await part.stop()


def _loop_of(part: Part) -> Loop | None:
    if isinstance(part, Loop):
        return part
    return getattr(part, "_loop", None) or getattr(part, "_again", None)


KEY = (("authorization", "Bearer tenant"),)
OTHER_KEY = (("authorization", "Bearer other"),)
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
