"""The composition root of scheduler_service, top to bottom."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import grpc
from redletter.common.v1 import operation_service_pb2_grpc
from redletter.delivery.v1 import intake_service_pb2 as intake_pb2
from redletter.delivery.v1.intake_service_pb2_grpc import IntakeServiceStub
from redletter.scheduler.v1 import (
    event_service_pb2_grpc,
    event_type_service_pb2_grpc,
    holiday_service_pb2_grpc,
    ledger_service_pb2_grpc,
    schedule_service_pb2_grpc,
)
from redletter.scheduler.v1 import scheduler_admin_service_pb2_grpc as admin_grpc
from redletter.user.v1.auth_service_pb2_grpc import AuthServiceStub
from redletter.user.v1.user_feed_service_pb2_grpc import UserFeedServiceStub

from chassis import database, redis_client
from chassis.clocks import BusinessClock, Lapse
from chassis.database_guard import DatabaseGuard
from chassis.leadership import Leadership
from chassis.lifecycle import Connections, Part, Readiness
from chassis.loops import Loop
from chassis.metrics import MetricsPort
from chassis.operations.servicer import Operations
from chassis.process import ClockKeeper
from chassis.rpc.channel import connect
from chassis.rpc.credentials import ApiKeys, InternalToken
from chassis.rpc.server import Port
from chassis.rpc.verification import verify_with
from scheduler_service.api.admin import Admin
from scheduler_service.api.event_types import EventTypes
from scheduler_service.api.events import Events, Peers, Wakers
from scheduler_service.api.holidays import Holidays
from scheduler_service.api.ledger import Ledger
from scheduler_service.api.schedule import Schedule
from scheduler_service.coordination import health
from scheduler_service.coordination.shards import Shards
from scheduler_service.domain.operations import STEERABLE
from scheduler_service.rendering.templates import Cache
from scheduler_service.settings import Settings
from scheduler_service.store import SCHEMA, identity
from scheduler_service.workers.canceller import INTERVAL_SECONDS as CANCEL_SECONDS
from scheduler_service.workers.canceller import Canceller
from scheduler_service.workers.controls import Controls
from scheduler_service.workers.decider import Decider
from scheduler_service.workers.gauges import INTERVAL_SECONDS as GAUGE_SECONDS
from scheduler_service.workers.gauges import Gauges
from scheduler_service.workers.handover import Handovers
from scheduler_service.workers.heartbeat import INTERVAL_SECONDS as BEAT_SECONDS
from scheduler_service.workers.heartbeat import Heartbeat
from scheduler_service.workers.ledger import INTERVAL_SECONDS as LEDGER_SECONDS
from scheduler_service.workers.ledger import DailyLedger, Ledgers, Peer
from scheduler_service.workers.people import People
from scheduler_service.workers.planner import ROLE, FeedPlanner
from scheduler_service.workers.prefetcher import INTERVAL_SECONDS as PREFETCH_SECONDS
from scheduler_service.workers.prefetcher import Prefetcher
from scheduler_service.workers.reissuer import INTERVAL_SECONDS as REISSUE_SECONDS
from scheduler_service.workers.reissuer import Reissuer
from scheduler_service.workers.replanner import Replanner
from scheduler_service.workers.retention import INTERVAL_SECONDS as RETENTION_SECONDS
from scheduler_service.workers.retention import Retention
from scheduler_service.workers.rules import Rules
from scheduler_service.workers.tzdata import INTERVAL_SECONDS as TZDATA_SECONDS
from scheduler_service.workers.tzdata import Tzdata
from scheduler_service.workers.window import Window
from scheduler_service.workers.work_notes import WorkNotes

NAME = "scheduler_service"
FEED_SECONDS = 0.2
CALL_SECONDS = 10.0
SUMMARY_SECONDS = 30.0  # a day of millions of messages takes seconds to sum up
V1 = "redletter.scheduler.v1"
STOP_SECONDS = 2.0  # for so long a caller who cancels something waits for delivery
DECIDERS = 2  # while one waits for PostgreSQL the other builds its batch


async def build(settings: Settings) -> Sequence[Part]:
    """Return the parts of one scheduler replica in the order in which they start."""
    engine = database.create_engine(
        settings.database_url, name=NAME, schema=SCHEMA, pool_size=settings.database_pool_size
    )
    redis = redis_client.connect(settings.redis_url, cluster=settings.redis_cluster)
    clock = BusinessClock(Lapse.of(settings.clock_from, settings.clock_anchor, settings.clock_speed))
    token = InternalToken(settings.internal_secret.get_secret_value())
    users = connect(settings.user_service_address, token, peer="user_service")
    delivery = connect(settings.delivery_service_address, token, peer="delivery_service")
    guard = DatabaseGuard(engine)
    await database.wait_until_up(engine)
    await clock.synchronise(engine)
    key = await identity.hmac_key(engine)

    feed, intake = UserFeedServiceStub(users), IntakeServiceStub(delivery)
    # The stored bytes of a hand-over go out as they are.
    accept: Any = delivery.unary_unary(
        "/redletter.delivery.v1.IntakeService/AcceptEvents",
        response_deserializer=intake_pb2.AcceptEventsResponse.FromString,
    )
    window, rules, templates, controls = Window(), Rules(), Cache(), Controls()
    leadership = Leadership(ROLE, settings.replica_id, engine, redis, eligible=lambda: clock.trustworthy)
    handovers = Handovers(engine, lambda body: accept(body, timeout=CALL_SECONDS))
    decider = Decider(
        engine,
        clock,
        window=window,
        rules=rules,
        room=lambda beside: 0 if controls.paused else handovers.room(beside=beside),
        offer=handovers.offer,
        running_low=lambda: prefetch.wake(),  # noqa: PLW0108 - prefetch is made below
    )
    deciders = [Loop(f"decide.{n}", decider.iterate, interval=0.05) for n in range(DECIDERS)]
    deciders.append(Loop("decide.small", decider.iterate_small, interval=0.05))

    def wake_deciders() -> None:
        for loop in deciders:
            loop.wake()

    prefetch = Loop(
        "prefetch",
        Prefetcher(
            engine,
            clock,
            shards=(
                shards := Shards(
                    settings.replica_id,
                    redis,
                    eligible=lambda: clock.trustworthy,
                    changed=lambda: prefetch.wake(),  # noqa: PLW0108 - prefetch is made below
                    told=lambda there: health.tell(port, redis_available=there),
                )
            ),
            window=window,
            rules=rules,
            templates=templates,
            controls=controls,
            notes=WorkNotes(engine, claims_are_locks=lambda: shards.redis_available),
            filled=wake_deciders,
        ).iterate,
        interval=PREFETCH_SECONDS,
    )
    cancel = Loop(
        "cancel",
        Canceller(engine, lambda request: intake.CancelEvents(request, timeout=CALL_SECONDS)).iterate,
        interval=CANCEL_SECONDS,
    )
    planner = FeedPlanner(
        engine,
        clock,
        people=People(clock, key=key, stopped=cancel.wake),
        leadership=leadership,
        pull=lambda request: feed.PullChanges(request, timeout=CALL_SECONDS),
        ack=lambda request: feed.AckChanges(request, timeout=CALL_SECONDS),
    )
    replanner = Replanner(engine, clock, key=key, leadership=leadership)

    async def plan() -> float | None:
        # One after the other: a page planned under an old rule must not overtake the walk of the new one.
        followed = await planner.iterate()
        walked = await replanner.iterate()
        return 0 if 0 in (followed, walked) else None

    reissue = Loop(
        "reissue",
        Reissuer(engine, clock, key=key, leadership=leadership, created=prefetch.wake).iterate,
        interval=REISSUE_SECONDS,
    )
    peers = Peers(
        outcomes=lambda request: intake.BatchGetOutcomes(request, timeout=CALL_SECONDS),
        cancel=lambda request: intake.CancelEvents(request, timeout=STOP_SECONDS),
    )
    events = Events(
        engine, clock, key=key, peers=peers, wake=Wakers(due=prefetch.wake, operation=reissue.wake)
    )
    ledgers = Ledgers(
        engine,
        clock,
        key=key,
        peer=Peer(
            summarize=lambda request: intake.SummarizeDate(request, timeout=SUMMARY_SECONDS),
            list_messages=lambda request: intake.ListMessages(request, timeout=CALL_SECONDS),
        ),
    )
    served: dict[str, Callable[[grpc.aio.Server], None]] = {
        f"{V1}.EventTypeService": partial(
            event_type_service_pb2_grpc.add_EventTypeServiceServicer_to_server, EventTypes(engine, clock)
        ),
        f"{V1}.HolidayService": partial(
            holiday_service_pb2_grpc.add_HolidayServiceServicer_to_server, Holidays(engine, clock)
        ),
        f"{V1}.EventService": partial(event_service_pb2_grpc.add_EventServiceServicer_to_server, events),
        f"{V1}.ScheduleService": partial(
            schedule_service_pb2_grpc.add_ScheduleServiceServicer_to_server, Schedule(engine, clock, key=key)
        ),
        f"{V1}.LedgerService": partial(
            ledger_service_pb2_grpc.add_LedgerServiceServicer_to_server, Ledger(engine, ledgers)
        ),
        f"{V1}.SchedulerAdminService": partial(
            admin_grpc.add_SchedulerAdminServiceServicer_to_server, Admin(engine, clock, shards)
        ),
        "redletter.common.v1.OperationService": partial(
            operation_service_pb2_grpc.add_OperationServiceServicer_to_server,
            Operations(engine, clock, kinds=STEERABLE, steered=reissue.wake),
        ),
    }
    port = Port(
        NAME,
        f"{settings.host}:{settings.public_port}",
        authenticate=ApiKeys(verify_with(AuthServiceStub(users))),
        register=list(served.values()),
        names=list(served),
        database=guard.circuit,
    )
    tzdata = Tzdata(engine, clock, key=key, leadership=leadership, automatic=settings.tzdata_automatic)
    daily = DailyLedger(engine, clock, ledgers=ledgers, leadership=leadership)
    leader_work = [
        Loop("plan", plan, interval=FEED_SECONDS),
        reissue,
        Loop("tzdata", tzdata.iterate, interval=TZDATA_SECONDS),
        Loop("ledger", daily.iterate, interval=LEDGER_SECONDS),
        Loop("retention", Retention(engine, clock, leadership).iterate, interval=RETENTION_SECONDS),
        Loop("gauges", Gauges(engine, clock, leadership).iterate, interval=GAUGE_SECONDS),
    ]
    return [
        Connections(engine, redis=redis, channels=[users, delivery]),
        MetricsPort(settings.host, settings.metrics_port),
        ClockKeeper(clock, engine),
        guard,
        port,
        handovers,
        cancel,
        Loop("heartbeat", Heartbeat(engine, clock, leadership).iterate, interval=BEAT_SECONDS),
        *deciders,
        prefetch,
        shards,
        leadership,
        *leader_work,
        Readiness([port], [guard.answers]),
    ]
