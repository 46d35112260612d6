"""Composition root of user_service: every part, plugged together once, in the order of starting."""

from functools import partial

from redletter.user.v1 import (
    api_key_service_pb2_grpc,
    auth_service_pb2_grpc,
    tenant_service_pb2_grpc,
    user_feed_service_pb2_grpc,
    user_service_pb2_grpc,
)
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis.circuits import Circuit
from chassis.clocks import BusinessClock, Lapse
from chassis.database import create_engine
from chassis.database_guard import DatabaseGuard
from chassis.lifecycle import Connections, Part, Readiness
from chassis.metrics import MetricsPort
from chassis.process import ClockKeeper
from chassis.rpc.credentials import ApiKeys as Authentication
from chassis.rpc.credentials import InternalToken
from chassis.rpc.server import MAX_INTERNAL_BYTES, Port
from user_service.api.api_keys import ApiKeyServicer
from user_service.api.auth import AuthServicer, Verification
from user_service.api.feed import FeedServicer
from user_service.api.tenants import TenantServicer
from user_service.api.users import UserServicer
from user_service.settings import Settings
from user_service.store import SCHEMA
from user_service.store.api_keys import ApiKeys
from user_service.store.care_switches import CareSwitches
from user_service.store.changes import Changes
from user_service.store.identity import Identity
from user_service.store.tenants import Tenants
from user_service.store.users import Users
from user_service.workers.backlog import Backlog

NAME = "user_service"


async def build(settings: Settings) -> list[Part]:
    """Return the parts of the service; they start in this order and stop in reverse."""
    engine = engine_of(settings)
    clock = clock_of(settings)
    switches = CareSwitches(engine, Identity())
    changes = Changes(engine, switches)
    verify = Verification(ApiKeys(engine), clock)
    guard = DatabaseGuard(engine)
    public = _public_port(settings, engine, switches, clock, verify, guard.circuit)
    internal = _internal_port(settings, changes, clock, verify, guard.circuit)
    return [
        Connections(engine),
        ClockKeeper(clock, engine),
        guard,
        Backlog(changes),
        public,
        internal,
        MetricsPort(settings.host, settings.metrics_port),
        Readiness([public, internal], [guard.answers, partial(store_answers, engine)]),
    ]


def engine_of(settings: Settings) -> AsyncEngine:
    """Return the engine of this service's schema."""
    return create_engine(
        settings.database_url,
        name=f"{NAME}/{settings.replica_id}",
        schema=SCHEMA,
        pool_size=settings.database_pool_size,
    )


def clock_of(settings: Settings) -> BusinessClock:
    """Return the business clock that the settings describe."""
    return BusinessClock(Lapse.of(settings.clock_from, settings.clock_anchor, settings.clock_speed))


async def store_answers(engine: AsyncEngine) -> bool:
    """Return whether PostgreSQL answers and the schema is there; without `migrate` it is not."""
    async with engine.connect() as connection:
        return bool((await connection.execute(text("SELECT count(*) FROM feed_epoch"))).scalar())


def _public_port(
    settings: Settings,
    engine: AsyncEngine,
    switches: CareSwitches,
    clock: BusinessClock,
    verify: Verification,
    database: Circuit,
) -> Port:
    users = UserServicer(Users(engine), switches, clock)
    tenants = TenantServicer(Tenants(engine), clock)
    keys = ApiKeyServicer(ApiKeys(engine), clock)
    return Port(
        NAME,
        f"{settings.host}:{settings.public_port}",
        authenticate=Authentication(verify),
        register=[
            partial(user_service_pb2_grpc.add_UserServiceServicer_to_server, users),
            partial(tenant_service_pb2_grpc.add_TenantServiceServicer_to_server, tenants),
            partial(api_key_service_pb2_grpc.add_ApiKeyServiceServicer_to_server, keys),
        ],
        names=[
            "redletter.user.v1.UserService",
            "redletter.user.v1.TenantService",
            "redletter.user.v1.ApiKeyService",
        ],
        database=database,
    )


def _internal_port(
    settings: Settings, changes: Changes, clock: BusinessClock, verify: Verification, database: Circuit
) -> Port:
    feed = FeedServicer(changes, clock)
    auth = AuthServicer(verify)
    return Port(
        NAME,
        f"{settings.host}:{settings.internal_port}",
        authenticate=InternalToken(settings.internal_secret.get_secret_value()),
        register=[
            partial(user_feed_service_pb2_grpc.add_UserFeedServiceServicer_to_server, feed),
            partial(auth_service_pb2_grpc.add_AuthServiceServicer_to_server, auth),
        ],
        names=["redletter.user.v1.UserFeedService", "redletter.user.v1.AuthService"],
        max_bytes=MAX_INTERNAL_BYTES,
        database=database,
    )
