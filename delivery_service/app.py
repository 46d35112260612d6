"""The composition root: every part of delivery_service, in the order in which they start."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from pathlib import Path

from grpc.aio import Channel
from redis.asyncio import Redis, RedisCluster
from redletter.common.v1 import operation_service_pb2_grpc
from redletter.delivery.v1 import (
    breaker_service_pb2_grpc,
    dead_letter_service_pb2_grpc,
    delivery_service_pb2_grpc,
    delivery_settings_service_pb2_grpc,
    endpoint_secret_service_pb2_grpc,
    endpoint_service_pb2_grpc,
    endpoint_trial_service_pb2_grpc,
    inbox_service_pb2_grpc,
    intake_service_pb2_grpc,
    manifest_service_pb2_grpc,
    message_service_pb2_grpc,
)
from redletter.user.v1.auth_service_pb2_grpc import AuthServiceStub
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import redis_client
from chassis.circuits import Circuit
from chassis.clocks import BusinessClock, Lapse
from chassis.database import create_engine
from chassis.database_guard import DatabaseGuard
from chassis.lifecycle import Connections, Part, Readiness
from chassis.metrics import MetricsPort
from chassis.operations.servicer import Operations
from chassis.process import ClockKeeper
from chassis.rpc.channel import connect
from chassis.rpc.credentials import ApiKeys, InternalToken
from chassis.rpc.server import MAX_INTERNAL_BYTES, Port
from chassis.rpc.verification import verify_with
from delivery_service.api.breakers import BreakerServicer
from delivery_service.api.dead_letters import DeadLetterServicer
from delivery_service.api.deliveries import DeliveryServicer
from delivery_service.api.delivery_settings import DeliverySettingsServicer
from delivery_service.api.endpoint_secrets import EndpointSecretServicer
from delivery_service.api.endpoint_trials import EndpointTrialServicer
from delivery_service.api.endpoints import EndpointServicer
from delivery_service.api.inbox import InboxServicer
from delivery_service.api.intake import IntakeServicer
from delivery_service.api.manifests import ManifestServicer
from delivery_service.api.messages import MessageServicer
from delivery_service.api.redelivering import Redelivering
from delivery_service.coordination.breaker_counts import BreakerCounts
from delivery_service.coordination.rates import Rates
from delivery_service.domain.redeliveries import KINDS
from delivery_service.domain.retries import Backoff
from delivery_service.domain.stops import RecentStops
from delivery_service.settings import Settings
from delivery_service.store import replicas
from delivery_service.store.tables import SCHEMA
from delivery_service.transport.curl_sender import CurlSender
from delivery_service.workers.breaker_exchange import BreakerExchange
from delivery_service.workers.breaker_watch import BreakerWatch
from delivery_service.workers.breakers import Breakers
from delivery_service.workers.conclusions import Judge
from delivery_service.workers.dispatch import Dispatch
from delivery_service.workers.endpoint_closing import EndpointClosing
from delivery_service.workers.endpoint_trials import EndpointTrials
from delivery_service.workers.endpoint_watch import EndpointWatch
from delivery_service.workers.feeder import Feeder
from delivery_service.workers.holdings import Holdings
from delivery_service.workers.inbox_pulls import InboxPulls
from delivery_service.workers.inbox_watch import InboxWatch
from delivery_service.workers.intake import Intake
from delivery_service.workers.lanes import Lanes
from delivery_service.workers.limits import Limits
from delivery_service.workers.parked_deadlines import ParkedDeadlines
from delivery_service.workers.recorder import Recorder
from delivery_service.workers.redeliverer import Redeliverer
from delivery_service.workers.replica_lease import ReplicaLease
from delivery_service.workers.retention import Retention
from delivery_service.workers.returns import Returns
from delivery_service.workers.roster import Roster
from delivery_service.workers.stop_watch import StopWatch
from delivery_service.workers.takeover import HandBack, Strays, TakeOver
from delivery_service.workers.withdrawals import Withdrawals

NAME = "delivery_service"
MIGRATIONS = Path(__file__).parent / "store" / "migrations"

# What waits in memory is ended as soon as a stop is known; what is on the wire is asked once more when it fails, at
# the latest after an endpoint's longest timeout, 60 s; what was being fetched, when it arrives. Twice that is plenty.
_STOPS_KEPT_SECONDS = 120.0


class Deliveries:
    """The inside of the service, without its ports: what tests start in their own loop."""

    def __init__(
        self,
        settings: Settings,
        engine: AsyncEngine,
        lease_engine: AsyncEngine,
        clock: BusinessClock,
        *,
        redis: "Redis | RedisCluster | None" = None,
    ) -> None:
        self.recent = recent = RecentStops(_STOPS_KEPT_SECONDS)
        self.sender = CurlSender(
            destinations=settings.destinations,
            ca_file=settings.ca_file,
            connect_timeout=settings.connect_timeout,
            connections=settings.max_in_flight,
        )
        self.trials = EndpointTrials(engine, clock, self.sender)
        self.lease = ReplicaLease(
            lease_engine, clock, settings.replica_id, lease_seconds=settings.lease_seconds
        )
        self.recorder = Recorder(
            engine, self.lease, batch=settings.record_batch, seconds=settings.record_seconds
        )
        self.breakers = Breakers()
        self.breaker_watch = BreakerWatch(engine, self.lease, self.breakers)
        self.breaker_exchange = BreakerExchange(BreakerCounts(redis), self.lease, self.breakers)
        self.parked_deadlines = ParkedDeadlines(
            engine, clock, self.lease, self.breakers, self.recorder, stops=recent
        )
        backoff = Backoff(
            timedelta(seconds=settings.retry_first_seconds), timedelta(seconds=settings.retry_longest_seconds)
        )
        limits = Limits(
            concurrency=settings.lane_concurrency,
            in_flight=settings.max_in_flight,
            window=settings.lane_window,
            held=settings.max_held,
            drain_seconds=settings.grace_seconds / 2,
        )
        self.rates = Rates(redis, replicas=partial(replicas.living, engine))
        holdings = Holdings()
        self.returns = Returns(engine, self.lease, holdings, self.breakers)
        dispatch = Dispatch(
            clock,
            self.sender,
            self.lease,
            self.recorder,
            stops=recent,
            judge=Judge(clock, recent, backoff),
            breakers=self.breakers,
            rates=self.rates,
            in_flight=limits.in_flight,
        )
        self.lanes = Lanes(
            clock,
            self.lease,
            self.recorder,
            Roster(self.breakers, self.rates, limits),
            holdings,
            dispatch,
            self.returns,
            stops=recent,
            limits=limits,
        )
        self.stop_watch = StopWatch(engine, clock, recent, stopped=self.lanes.withdraw)
        self.lease.require(lambda: self.stop_watch.fresh)
        self.withdrawals = Withdrawals(engine, clock, recent, stopped=self.lanes.withdraw)
        self.pulls = InboxPulls(engine, clock, streams=settings.inbox_streams)
        self.inbox_watch = InboxWatch(engine, clock)
        self.endpoint_watch = EndpointWatch(engine, clock, self.lanes)
        self.feeder = Feeder(engine, clock, self.lease, self.stop_watch, self.lanes, self.breakers)
        self.lanes.tell(hungry=self.feeder.hungry, later=self.feeder.later, gone=self.endpoint_watch.gone)
        self.endpoint_closing = EndpointClosing(engine, clock, released=self.feeder.hungry)
        self.returns.tell(returned=self.feeder.returned)
        self.rates.tell(granted=self.lanes.granted)
        self.breakers.tell(parked=self.lanes.parked, released=self.feeder.hungry)
        self.hand_back = HandBack(self.lease)
        self.retention = Retention(engine, clock, default_days=settings.retention_days)
        self.takeover = TakeOver(engine, self.lease, released=self.feeder.wake)
        self.strays = Strays(engine, self.lease, holds=self.lanes.holds, released=self.feeder.wake)
        self.redeliverer = Redeliverer(engine, clock, released=self.feeder.wake)
        self.redelivering = Redelivering(
            engine, clock, released=self.feeder.wake, begun=self.redeliverer.wake
        )
        self.intake = Intake(
            engine,
            clock,
            self.lease,
            self.stop_watch,
            recent,
            self.lanes,
            concurrency=max(1, settings.database_pool_size - 6),
            arrived=self.pulls.arrived,
        )

    @property
    def parts(self) -> list[Part]:
        """The parts in the order of their start; the reverse order drains, records, and gives the lease back."""
        return [
            self.sender,
            self.lease,
            self.recorder,
            self.returns,
            self.rates,
            self.breaker_watch,
            self.breaker_exchange,
            self.parked_deadlines,
            self.endpoint_watch,
            self.stop_watch,
            self.lanes,
            self.hand_back,
            self.takeover,
            self.strays,
            self.retention,
            self.feeder,
            self.endpoint_closing,
            self.redeliverer,
            self.withdrawals,
            self.inbox_watch,
        ]


async def build(settings: Settings) -> Sequence[Part]:
    """Return the parts of the service."""
    engine = create_engine(
        settings.database_url, name=NAME, schema=SCHEMA, pool_size=settings.database_pool_size
    )
    # Of its own: the lease must be renewed also when every other connection is busy.
    lease_engine = create_engine(settings.database_url, name=f"{NAME}-lease", schema=SCHEMA, pool_size=1)
    clock = BusinessClock(Lapse.of(settings.clock_from, settings.clock_anchor, settings.clock_speed))
    redis = redis_client.connect(settings.redis_url, cluster=settings.redis_cluster)
    inside = Deliveries(settings, engine, lease_engine, clock, redis=redis)
    token = InternalToken(settings.internal_secret.get_secret_value())
    users = connect(settings.user_service_address, token, peer="user_service")
    guard = DatabaseGuard(engine)
    public = _public_port(settings, engine, clock, users, database=guard.circuit, inside=inside)
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
        database=guard.circuit,
    )

    async def lease_held() -> bool:
        return inside.lease.valid

    return [
        Connections(engine, lease_engine, redis=redis, channels=[users]),
        ClockKeeper(clock, engine),
        guard,
        MetricsPort(settings.host, settings.metrics_port),
        *inside.parts,
        internal,
        public,
        inside.pulls,  # ended first: the port would wait for their streams
        Readiness([internal, public], [guard.answers, lease_held]),
    ]


def _public_port(
    settings: Settings,
    engine: AsyncEngine,
    clock: BusinessClock,
    users: Channel,
    *,
    database: Circuit,
    inside: Deliveries,
) -> Port:
    return Port(
        NAME,
        f"{settings.host}:{settings.public_port}",
        authenticate=ApiKeys(verify_with(AuthServiceStub(users))),
        register=[
            lambda server: endpoint_service_pb2_grpc.add_EndpointServiceServicer_to_server(
                EndpointServicer(engine, clock, destinations=settings.destinations), server
            ),
            lambda server: endpoint_secret_service_pb2_grpc.add_EndpointSecretServiceServicer_to_server(
                EndpointSecretServicer(engine, clock), server
            ),
            lambda server: endpoint_trial_service_pb2_grpc.add_EndpointTrialServiceServicer_to_server(
                EndpointTrialServicer(inside.trials), server
            ),
            lambda server: breaker_service_pb2_grpc.add_BreakerServiceServicer_to_server(
                BreakerServicer(engine, inside.breakers, changed=inside.breaker_watch.wake), server
            ),
            lambda server: delivery_service_pb2_grpc.add_DeliveryServiceServicer_to_server(
                DeliveryServicer(engine, inside.redelivering), server
            ),
            lambda server: dead_letter_service_pb2_grpc.add_DeadLetterServiceServicer_to_server(
                DeadLetterServicer(engine, clock, begun=inside.redeliverer.wake), server
            ),
            lambda server: operation_service_pb2_grpc.add_OperationServiceServicer_to_server(
                Operations(engine, clock, kinds=KINDS, steered=inside.redeliverer.wake), server
            ),
            lambda server: inbox_service_pb2_grpc.add_InboxServiceServicer_to_server(
                InboxServicer(engine, clock, inside.pulls, withdrawn=inside.withdrawals.wake), server
            ),
            lambda server: message_service_pb2_grpc.add_MessageServiceServicer_to_server(
                MessageServicer(engine), server
            ),
            lambda server: manifest_service_pb2_grpc.add_ManifestServiceServicer_to_server(
                ManifestServicer(engine, clock), server
            ),
            lambda server: delivery_settings_service_pb2_grpc.add_DeliverySettingsServiceServicer_to_server(
                DeliverySettingsServicer(engine, clock), server
            ),
        ],
        names=[
            "redletter.delivery.v1.EndpointService",
            "redletter.delivery.v1.EndpointSecretService",
            "redletter.delivery.v1.EndpointTrialService",
            "redletter.delivery.v1.BreakerService",
            "redletter.delivery.v1.DeliveryService",
            "redletter.delivery.v1.DeadLetterService",
            "redletter.common.v1.OperationService",
            "redletter.delivery.v1.InboxService",
            "redletter.delivery.v1.MessageService",
            "redletter.delivery.v1.ManifestService",
            "redletter.delivery.v1.DeliverySettingsService",
        ],
        database=database,
    )
