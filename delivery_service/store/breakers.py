"""Breakers: one row per endpoint whose breaker left CLOSED or was forced; every other one is closed.

Each transition names the version it saw, so that of several replicas exactly one makes it. Instants are
PostgreSQL's real time: the replicas' own clocks need not agree.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.arrays import source, turned
from chassis.database import unit_of_work
from chassis.errors import NotFound, StaleVersion
from delivery_service.domain.breakers import Breaker, BreakerMode, BreakerPolicy, BreakerState, force
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.endpoints import EndpointState
from delivery_service.store.endpoint_policies import breaker_policy

_KEY = {"tenant_id": "text", "endpoint_id": "text"}
_COLUMNS = {
    **_KEY,
    "state": "smallint",
    "mode": "smallint",
    "reason": "text",
    "opened": "integer",
    "successes": "integer",
    "open_until": "timestamptz",
    "probe_owner": "bigint",
    "probe_until": "timestamptz",
    "version": "bigint",
}
_NAMES = ", ".join(_COLUMNS)
_OF_B = ", ".join(f"b.{name}" for name in _COLUMNS if name not in _KEY)
_STANDS = f"(b.state <> {BreakerState.CLOSED:d} OR b.mode <> {BreakerMode.AUTOMATIC:d})"

# A disabled endpoint is as good as closed: what waits for it is fetched and ends as dead.
_ENABLED = f"e.state = {EndpointState.ENABLED:d}"

# By endpoint_breakers_standing and the primary key of endpoints.
_STANDING = text(f"""
    SELECT b.tenant_id, b.endpoint_id, {_OF_B}, b.change_time
    FROM endpoint_breakers b JOIN endpoints e USING (tenant_id, endpoint_id) WHERE {_STANDS} AND {_ENABLED}
""")
# By endpoint_breakers_changed. A transaction that changes a breaker takes milliseconds from its stamp to its commit;
# one that took longer than this is found among those that stand.
_CHANGED = text(f"""
    SELECT b.tenant_id, b.endpoint_id, {_OF_B}, b.change_time
    FROM endpoint_breakers b JOIN endpoints e USING (tenant_id, endpoint_id)
    WHERE b.change_time > clock_timestamp() - interval '10 seconds' AND {_ENABLED}
""")
# By the primary keys; an endpoint without a row has a breaker that was never written.
_READ = text(f"""
    SELECT e.tenant_id, e.endpoint_id, {_OF_B}, b.change_time, e.breaker_policy, clock_timestamp() AS now
    FROM {source(_KEY, name="i")} JOIN endpoints e USING (tenant_id, endpoint_id)
    LEFT JOIN endpoint_breakers b USING (tenant_id, endpoint_id)
""")
# The endpoints are locked against deletion first, so that no breaker outlives its endpoint; in the order of ids.
_SET = text(f"""
    WITH input AS (SELECT * FROM {source(_COLUMNS, name="i")}),
    living AS MATERIALIZED (
        SELECT e.tenant_id, e.endpoint_id FROM input JOIN endpoints e USING (tenant_id, endpoint_id)
        ORDER BY e.tenant_id, e.endpoint_id FOR KEY SHARE OF e
    )
    INSERT INTO endpoint_breakers AS b ({_NAMES}, change_time)
    SELECT {_NAMES}, clock_timestamp() FROM input JOIN living USING (tenant_id, endpoint_id)
    WHERE version = 1 OR EXISTS (
        SELECT FROM endpoint_breakers o WHERE o.tenant_id = input.tenant_id AND o.endpoint_id = input.endpoint_id)
    ORDER BY tenant_id, endpoint_id
    ON CONFLICT (tenant_id, endpoint_id) DO UPDATE SET
        ({_NAMES}, change_time) = ROW ({", ".join(f"excluded.{name}" for name in _COLUMNS)}, excluded.change_time)
    WHERE b.version = excluded.version - 1
    RETURNING tenant_id, endpoint_id
""")
# The guard is `claimable` of the domain, by PostgreSQL's clock, and that somebody would be served: an open breaker
# for which nothing waits is left alone. What another replica is claiming is skipped; what it has claimed fails the
# guard, which is evaluated again on the locked row. The queue is probed by queue_lane.
_CLAIM = text(f"""
    WITH due AS MATERIALIZED (
        SELECT b.tenant_id, b.endpoint_id, e.timeout
        FROM endpoint_breakers b JOIN endpoints e USING (tenant_id, endpoint_id)
        WHERE b.mode = {BreakerMode.AUTOMATIC:d} AND {_ENABLED}
          AND (b.state = {BreakerState.OPEN:d} AND b.open_until <= clock_timestamp()
               OR b.state = {BreakerState.HALF_OPEN:d} AND (
                   b.probe_owner IS NULL OR b.probe_until <= clock_timestamp()
                   OR NOT EXISTS (SELECT FROM replicas r
                                  WHERE r.number = b.probe_owner AND r.lease_until > clock_timestamp())))
          AND EXISTS (SELECT FROM queue q WHERE q.owner IS NULL AND q.tenant_id = b.tenant_id
                      AND q.endpoint_id = b.endpoint_id AND q.next_time <= clock_timestamp())
        ORDER BY b.tenant_id, b.endpoint_id LIMIT :room FOR UPDATE OF b SKIP LOCKED
    )
    UPDATE endpoint_breakers b SET state = {BreakerState.HALF_OPEN:d}, open_until = NULL, probe_owner = :owner,
        probe_until = clock_timestamp() + make_interval(secs => :begin_seconds) + due.timeout,
        change_time = clock_timestamp(), version = b.version + 1
    FROM due WHERE b.tenant_id = due.tenant_id AND b.endpoint_id = due.endpoint_id
    RETURNING b.tenant_id, b.endpoint_id, {_OF_B}, b.change_time
""")
_PRUNE = text(f"""
    DELETE FROM endpoint_breakers b
    WHERE NOT {_STANDS} AND b.change_time < clock_timestamp() - interval '1 day'
""")

Breakers = dict[LaneKey, Breaker]


class Reading(NamedTuple):
    """Breakers as they are, the policies of their endpoints, and PostgreSQL's time."""

    breakers: Breakers
    policies: dict[LaneKey, BreakerPolicy]
    now: Instant


class Forced(NamedTuple):
    """What a person changed."""

    before: Breaker
    after: Breaker


async def standing(connection: AsyncConnection) -> Breakers:
    """Return every breaker that is not closed, or forced; of enabled endpoints."""
    return _breakers((await connection.execute(_STANDING)).all())


async def changed(connection: AsyncConnection) -> Breakers:
    """Return every breaker that changed in the last seconds, the closed ones too; of enabled endpoints."""
    return _breakers((await connection.execute(_CHANGED)).all())


async def read(connection: AsyncConnection, lanes: Sequence[LaneKey]) -> Reading:
    """Return the breakers of these endpoints; one whose endpoint is gone is missing."""
    rows = (await connection.execute(_READ, turned(_KEY, lanes))).all()
    policies = {LaneKey(row.tenant_id, row.endpoint_id): breaker_policy(row.breaker_policy) for row in rows}
    return Reading(_breakers(rows), policies, Instant(rows[0].now) if rows else Instant.now())


async def compare_and_set(connection: AsyncConnection, wanted: Mapping[LaneKey, Breaker]) -> set[LaneKey]:
    """Store these breakers where the version before theirs still stands; return which were stored."""
    rows = [_values(lane, breaker) for lane, breaker in wanted.items()]
    found = await connection.execute(_SET, turned(_COLUMNS, rows))
    return {LaneKey(row.tenant_id, row.endpoint_id) for row in found.all()}


async def claim(connection: AsyncConnection, owner: int, *, room: int, begin_seconds: float) -> Breakers:
    """Take up to `room` probes that are to be had; return the breakers, half open now and this owner's.

    The attempt must begin within `begin_seconds`; `probe_until` leaves the endpoint's timeout after that.
    """
    parameters = {"owner": owner, "room": room, "begin_seconds": begin_seconds}
    return _breakers((await connection.execute(_CLAIM, parameters)).all())


async def prune(connection: AsyncConnection) -> None:
    """Forget breakers that have been closed for a day: no row says the same."""
    await connection.execute(_PRUNE)


async def get(engine: AsyncEngine, lane: LaneKey) -> tuple[Breaker, BreakerPolicy]:
    """Return the breaker of one endpoint and the policy it follows.

    Raises:
        NotFound: the tenant has no such endpoint.
    """
    async with engine.connect() as connection:
        found = await _read_one(connection, lane)
    return found.breakers[lane], found.policies[lane]


async def put(engine: AsyncEngine, lane: LaneKey, mode: BreakerMode, reason: str) -> Forced:
    """Force a breaker, or give it back to the attempts; of one that is so already nothing changes.

    Raises:
        NotFound: the tenant has no such endpoint.
        StaleVersion: replicas changed it at the same moment, several times.
    """
    reason = "" if mode is BreakerMode.AUTOMATIC else reason
    for _ in range(5):
        async with unit_of_work(engine) as connection:
            found = await _read_one(connection, lane)
            before = found.breakers[lane]
            wanted = force(before, mode, reason, now=found.now)
            if wanted == before or await compare_and_set(connection, {lane: wanted}):
                return Forced(before, wanted)
    raise StaleVersion(f'the breaker of "{lane.endpoint_id}" is changing all the time; try again')


async def _read_one(connection: AsyncConnection, lane: LaneKey) -> Reading:
    found = await read(connection, [lane])
    if lane not in found.breakers:
        raise NotFound(f'there is no endpoint "{lane.endpoint_id}"')
    return found


def _values(lane: LaneKey, breaker: Breaker) -> tuple[Any, ...]:
    return (
        lane.tenant_id,
        lane.endpoint_id,
        breaker.state,
        breaker.mode,
        breaker.reason,
        breaker.opened,
        breaker.successes,
        breaker.open_until.to_stdlib() if breaker.open_until else None,
        breaker.probe_owner,
        breaker.probe_until.to_stdlib() if breaker.probe_until else None,
        breaker.version,
    )


def _breakers(rows: Iterable[Any]) -> Breakers:
    return {LaneKey(row.tenant_id, row.endpoint_id): _breaker(row) for row in rows}


def _breaker(row: Any) -> Breaker:
    if row.version is None:
        return Breaker()
    return Breaker(
        BreakerState(row.state),
        BreakerMode(row.mode),
        row.reason,
        row.opened,
        row.successes,
        Instant(row.open_until) if row.open_until else None,
        row.probe_owner,
        Instant(row.probe_until) if row.probe_until else None,
        Instant(row.change_time),
        row.version,
    )
