"""The composition root: every part of delivery_service, in the order in which they start."""

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from grpc.aio import Channel
from redletter.delivery.v1 import (
    delivery_service_pb2_grpc,
    endpoint_service_pb2_grpc,
    inbox_service_pb2_grpc,
    intake_service_pb2_grpc,
)
from redletter.user.v1.auth_service_pb2_grpc import AuthServiceStub
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.clocks import BusinessClock, Lapse
from chassis.database import create_engine, ping
from chassis.lifecycle import Connections, Part, Readiness
from chassis.metrics import MetricsPort
from chassis.process import ClockKeeper
from chassis.rpc.channel import connect
from chassis.rpc.credentials import ApiKeys, InternalToken
from chassis.rpc.server import MAX_INTERNAL_BYTES, Port
from chassis.rpc.verification import verify_with
from delivery_service.api.deliveries import DeliveryServicer
from delivery_service.api.endpoints import EndpointServicer
from delivery_service.api.inbox import InboxServicer
from delivery_service.api.intake import IntakeServicer
from delivery_service.domain.retries import Backoff
from delivery_service.domain.stops import RecentStops
from delivery_service.settings import Settings
from delivery_service.store.tables import SCHEMA
from delivery_service.transport.curl_sender import CurlSender
from delivery_service.workers.conclusions import Judge
from delivery_service.workers.endpoint_watch import EndpointWatch
from delivery_service.workers.feeder import Feeder
from delivery_service.workers.intake import Intake
from delivery_service.workers.lanes import Lanes, Limits
from delivery_service.workers.recorder import Recorder
from delivery_service.workers.replica_lease import ReplicaLease
from delivery_service.workers.stop_watch import StopWatch
from delivery_service.workers.takeover import Strays, TakeOver

NAME = "delivery_service"
MIGRATIONS = Path(__file__).parent / "store" / "migrations"

# What waits in memory is ended as soon as a stop is known; what is on the wire is asked once more when it fails, at
# the latest after an endpoint's longest timeout, 60 s; what was being fetched, when it arrives. Twice that is plenty.
_STOPS_KEPT_SECONDS = 120.0


class Deliveries:
    """The inside of the service, without its ports: what tests start in their own loop."""

    def __init__(
        self, settings: Settings, engine: AsyncEngine, lease_engine: AsyncEngine, clock: BusinessClock
    ) -> None:
        self.recent = recent = RecentStops(_STOPS_KEPT_SECONDS)
        self.sender = CurlSender(
            allowed_networks=settings.networks,
            ca_file=settings.ca_file,
            connect_timeout=settings.connect_timeout,
            connections=settings.max_in_flight,
        )
        self.lease = ReplicaLease(
            lease_engine, clock, settings.replica_id, lease_seconds=settings.lease_seconds
        )
        self.recorder = Recorder(
            engine, self.lease, batch=settings.record_batch, seconds=settings.record_seconds
        )
        backoff = Backoff(
            timedelta(seconds=settings.retry_first_seconds), timedelta(seconds=settings.retry_longest_seconds)
        )
        self.lanes = Lanes(
            clock,
            self.sender,
            self.lease,
            self.recorder,
            stops=recent,
            limits=Limits(
                concurrency=settings.lane_concurrency,
                in_flight=settings.max_in_flight,
                window=settings.lane_window,
                held=settings.max_held,
                drain_seconds=settings.grace_seconds / 2,
            ),
            judge=Judge(clock, recent, backoff),
        )
        self.stop_watch = StopWatch(engine, clock, recent, stopped=self.lanes.withdraw)
        self.endpoint_watch = EndpointWatch(engine, clock, self.lanes)
        self.feeder = Feeder(engine, clock, self.lease, self.stop_watch, self.lanes)
        self.lanes.tell(hungry=self.feeder.wake, gone=self.endpoint_watch.gone)
        self.takeover = TakeOver(engine, self.lease, released=self.feeder.wake)
        self.strays = Strays(engine, self.lease, holds=self.lanes.holds, released=self.feeder.wake)
        self.intake = Intake(
            engine,
            clock,
            self.lease,
            self.stop_watch,
            recent,
            self.lanes,
            concurrency=max(1, settings.database_pool_size - 6),
        )

    @property
    def parts(self) -> list[Part]:
        """The parts in the order of their start; the reverse order drains, records, and gives the lease back."""
        return [
            self.sender,
            self.lease,
            self.recorder,
            self.endpoint_watch,
            self.stop_watch,
            self.lanes,
            self.takeover,
            self.strays,
            self.feeder,
        ]


async def build(settings: Settings) -> Sequence[Part]:
    """Return the parts of the service."""
    engine = create_engine(
        settings.database_url, name=NAME, schema=SCHEMA, pool_size=settings.database_pool_size
    )
    # Of its own: the lease must be renewed also when every other connection is busy.
    lease_engine = create_engine(settings.database_url, name=f"{NAME}-lease", schema=SCHEMA, pool_size=1)
    clock = BusinessClock(Lapse.of(settings.clock_from, settings.clock_anchor, settings.clock_speed))
    inside = Deliveries(settings, engine, lease_engine, clock)
    token = InternalToken(settings.internal_secret.get_secret_value())
    users = connect(settings.user_service_address, token)
    public = _public_port(settings, engine, clock, users)
    internal = Port(
        NAME,
        f"{settings.host}:{settings.internal_port}",
        authenticate=token,
        register=[
            lambda server: intake_service_pb2_grpc.add_IntakeServiceServicer_to_server(
                IntakeServicer(engine, inside.intake), server
            )
        ],
        names=["redletter.delivery.v1.IntakeService"],
        max_bytes=MAX_INTERNAL_BYTES,
    )

    async def database_answers() -> bool:
        await ping(engine)
        return True

    async def lease_held() -> bool:
        return inside.lease.valid

    return [
        Connections(engine, lease_engine, channels=[users]),
        ClockKeeper(clock, engine),
        MetricsPort(settings.host, settings.metrics_port),
        *inside.parts,
        internal,
        public,
        Readiness([internal, public], [database_answers, lease_held]),
    ]


def _public_port(settings: Settings, engine: AsyncEngine, clock: BusinessClock, users: Channel) -> Port:
    networks = settings.networks
    return Port(
        NAME,
        f"{settings.host}:{settings.public_port}",
        authenticate=ApiKeys(verify_with(AuthServiceStub(users))),
        register=[
            lambda server: endpoint_service_pb2_grpc.add_EndpointServiceServicer_to_server(
                EndpointServicer(engine, clock, allowed_networks=networks), server
            ),
            lambda server: delivery_service_pb2_grpc.add_DeliveryServiceServicer_to_server(
                DeliveryServicer(engine), server
            ),
            lambda server: inbox_service_pb2_grpc.add_InboxServiceServicer_to_server(
                InboxServicer(engine, clock), server
            ),
        ],
        names=[
            "redletter.delivery.v1.EndpointService",
            "redletter.delivery.v1.DeliveryService",
            "redletter.delivery.v1.InboxService",
        ],
    )
