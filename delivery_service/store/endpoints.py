"""Endpoints, and what their lanes need of them. Every statement goes by the primary key (tenant, endpoint)."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, and_, delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.arrays import source
from chassis.database import unit_of_work
from chassis.errors import AlreadyExists, IllegalTransition, NotFound
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.endpoints import (
    MOST_ENDPOINTS,
    DisableReason,
    Endpoint,
    EndpointState,
    check_etag,
    disabled,
)
from delivery_service.domain.signatures import Secret
from delivery_service.store import endpoint_policies, endpoint_secrets
from delivery_service.store.tables import endpoint_secrets as secrets_table
from delivery_service.store.tables import endpoints


class Target(NamedTuple):
    """An endpoint with the secrets that are valid now, newest first."""

    endpoint: Endpoint
    secrets: tuple[Secret, ...]


async def create(engine: AsyncEngine, endpoint: Endpoint, secret: Secret) -> None:
    """Store a new endpoint with its first secret.

    Raises:
        AlreadyExists: the tenant has an endpoint with this id.
        IllegalTransition: the tenant has as many endpoints as it may have; two calls at once may each add one.
    """
    there_are = select(func.count()).where(endpoints.c.tenant_id == endpoint.tenant_id)
    try:
        async with unit_of_work(engine) as connection:
            if (count := (await connection.execute(there_are)).scalar_one()) >= MOST_ENDPOINTS:
                raise IllegalTransition(
                    f"there are {count} endpoints, at most {MOST_ENDPOINTS} are allowed; delete one first"
                )
            await connection.execute(insert(endpoints).values(_columns(endpoint)))
            await connection.execute(
                insert(secrets_table).values(
                    tenant_id=endpoint.tenant_id,
                    endpoint_id=endpoint.endpoint_id,
                    secret_id=secret.secret_id,
                    secret=secret.key,
                    kind=secret.kind,
                    create_time=func.clock_timestamp(),  # secrets live by the real clock
                )
            )
    except IntegrityError as error:
        raise AlreadyExists(f'the endpoint "{endpoint.endpoint_id}" exists; choose another id') from error


async def get(engine: AsyncEngine, lane: LaneKey) -> Endpoint:
    """Return one endpoint.

    Raises:
        NotFound: the tenant has no such endpoint.
    """
    async with engine.connect() as connection:
        row = (await connection.execute(select(endpoints).where(_is(lane)))).one_or_none()
    return _found(row, lane)


async def page(engine: AsyncEngine, tenant_id: str, *, after: str, size: int) -> list[Endpoint]:
    """Return up to `size` endpoints of a tenant after an id, in the order of ids."""
    query = (
        select(endpoints)
        .where(endpoints.c.tenant_id == tenant_id, endpoints.c.endpoint_id > after)
        .order_by(endpoints.c.endpoint_id)
        .limit(size)
    )
    async with engine.connect() as connection:
        return [_endpoint(row) for row in (await connection.execute(query)).all()]


async def change(
    engine: AsyncEngine, lane: LaneKey, how: Callable[[Endpoint], Endpoint], *, etag: str = ""
) -> tuple[Endpoint, Endpoint]:
    """Replace an endpoint by what `how` makes of it, under its lock; return it as it was and as it is.

    Nothing is written when `how` raises or returns what it got.

    Raises:
        NotFound: the tenant has no such endpoint.
        StaleVersion: it has another etag than the given one.
    """
    async with unit_of_work(engine) as connection:
        before = await _locked(connection, lane)
        check_etag(before, etag)
        after = how(before)
        if after is not before:
            await connection.execute(update(endpoints).where(_is(lane)).values(_columns(after)))
        return before, after


async def remove(engine: AsyncEngine, lane: LaneKey, *, etag: str = "") -> None:
    """Delete an endpoint with its secrets and its breaker; what waits for it ends as dead soon after.

    Raises:
        NotFound: the tenant has no such endpoint.
        StaleVersion: it has another etag than the given one.
    """
    async with unit_of_work(engine) as connection:
        check_etag(await _locked(connection, lane), etag)
        await connection.execute(delete(endpoints).where(_is(lane)))


async def disable(
    engine: AsyncEngine, lane: LaneKey, reason: DisableReason, note: str, *, now: Instant, url: str = ""
) -> bool:
    """Disable an enabled endpoint; return whether this call did it.

    With `url` only if that is still where it goes: what another receiver said is not about this one.
    """

    def how(stored: Endpoint) -> Endpoint:
        return disabled(stored, reason, note, now=now) if url in ("", stored.url) else stored

    try:
        before, after = await change(engine, lane, how)
    except NotFound:
        return False
    return after is not before


_LANES = {"tenant_id": "text", "endpoint_id": "text"}
_TARGETS = text(
    f"SELECT e.* FROM {source(_LANES, name='lane')} JOIN endpoints e USING (tenant_id, endpoint_id)"
).columns(*endpoints.c)

# The secrets' times are of the real clock: one that began or ran out in the last seconds is looked at again, and
# what a longer transaction wrote is found when everything is read again.
_STALE = text(f"""
    SELECT lane.tenant_id, lane.endpoint_id
    FROM {source({**_LANES, "version": "bigint", "create_time": "timestamptz"}, name="lane")}
    LEFT JOIN endpoints e USING (tenant_id, endpoint_id)
    WHERE (e.version, e.create_time) IS DISTINCT FROM (lane.version, lane.create_time)
       OR EXISTS (SELECT FROM endpoint_secrets s
                  WHERE s.tenant_id = lane.tenant_id AND s.endpoint_id = lane.endpoint_id
                    AND (s.create_time > clock_timestamp() - interval '10 seconds'
                         OR s.expire_time BETWEEN clock_timestamp() - interval '10 seconds' AND clock_timestamp()))
""")


async def stale(connection: AsyncConnection, seen: Mapping[LaneKey, Endpoint | None]) -> list[LaneKey]:
    """Return the lanes whose endpoint is no longer as it was seen (None: gone), or whose secrets just changed."""
    columns = {
        "tenant_id": [lane.tenant_id for lane in seen],
        "endpoint_id": [lane.endpoint_id for lane in seen],
        "version": [one.version if one else None for one in seen.values()],
        "create_time": [one.create_time.to_stdlib() if one else None for one in seen.values()],
    }
    rows = (await connection.execute(_STALE, columns)).all()
    return [LaneKey(row.tenant_id, row.endpoint_id) for row in rows]


async def targets(connection: AsyncConnection, lanes: Sequence[LaneKey]) -> dict[LaneKey, Target]:
    """Return what these lanes send to; a lane whose endpoint is gone is missing."""
    named = {
        "tenant_id": [lane.tenant_id for lane in lanes],
        "endpoint_id": [lane.endpoint_id for lane in lanes],
    }
    listed = (await connection.execute(_TARGETS, named)).all()
    secrets = await endpoint_secrets.valid(connection, lanes)
    return {
        (lane := LaneKey(row.tenant_id, row.endpoint_id)): Target(_endpoint(row), secrets.get(lane, ()))
        for row in listed
    }


async def _locked(connection: AsyncConnection, lane: LaneKey) -> Endpoint:
    query = select(endpoints).where(_is(lane)).with_for_update()
    return _found((await connection.execute(query)).one_or_none(), lane)


def _is(lane: LaneKey) -> ColumnElement[bool]:
    return and_(endpoints.c.tenant_id == lane.tenant_id, endpoints.c.endpoint_id == lane.endpoint_id)


def _found(row: Any, lane: LaneKey) -> Endpoint:
    if row is None:
        raise NotFound(f'there is no endpoint "{lane.endpoint_id}"')
    return _endpoint(row)


def _columns(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "tenant_id": endpoint.tenant_id,
        "endpoint_id": endpoint.endpoint_id,
        "url": endpoint.url,
        "description": endpoint.description,
        "state": endpoint.state,
        "timeout": endpoint.timeout,
        "version": endpoint.version,
        "create_time": endpoint.create_time.to_stdlib(),
        "update_time": endpoint.update_time.to_stdlib(),
        "event_type_filters": list(endpoint.event_type_filters),
        "headers": dict(endpoint.headers),
        "metadata": dict(endpoint.metadata),
        "disable_reason": endpoint.disable_reason,
        "disable_time": endpoint.disable_time.to_stdlib() if endpoint.disable_time else None,
        "disable_note": endpoint.disable_note,
        "max_rate": endpoint.max_rate,
        "max_concurrency": endpoint.max_concurrency,
        "retry_policy": endpoint_policies.stored(endpoint.retry_policy),
        "breaker_policy": endpoint_policies.stored(endpoint.breaker_policy),
        "client_certificate": endpoint.client_certificate,
        "client_key": endpoint.client_key,
    }


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(
        tenant_id=row.tenant_id,
        endpoint_id=row.endpoint_id,
        url=row.url,
        description=row.description,
        state=EndpointState(row.state),
        timeout=row.timeout,
        version=row.version,
        create_time=Instant(row.create_time),
        update_time=Instant(row.update_time),
        event_type_filters=tuple(row.event_type_filters),
        headers=_pairs(row.headers),
        metadata=_pairs(row.metadata),
        disable_reason=DisableReason(row.disable_reason),
        disable_time=Instant(row.disable_time) if row.disable_time else None,
        disable_note=row.disable_note,
        max_rate=row.max_rate,
        max_concurrency=row.max_concurrency,
        retry_policy=endpoint_policies.retry_policy(row.retry_policy),
        breaker_policy=endpoint_policies.breaker_policy(row.breaker_policy),
        client_certificate=row.client_certificate,
        client_key=row.client_key,
    )


def _pairs(json: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(json.items()))
