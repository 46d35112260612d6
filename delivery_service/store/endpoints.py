"""Endpoints and their secrets."""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import insert, select, text, tuple_
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from whenever import Instant

from chassis.database import unit_of_work
from chassis.errors import AlreadyExists, NotFound
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.endpoints import Endpoint, EndpointState
from delivery_service.store.tables import endpoint_secrets, endpoints


class Secret(NamedTuple):
    """A signing key of an endpoint."""

    secret_id: str
    key: bytes


class Target(NamedTuple):
    """An endpoint with the secrets that are valid now, newest first."""

    endpoint: Endpoint
    secrets: tuple[Secret, ...]


async def create(engine: AsyncEngine, endpoint: Endpoint, secret: Secret) -> None:
    """Store a new endpoint with its first secret.

    Raises:
        AlreadyExists: the tenant has an endpoint with this id.
    """
    try:
        async with unit_of_work(engine) as connection:
            await connection.execute(insert(endpoints).values(_columns(endpoint)))
            await connection.execute(
                insert(endpoint_secrets).values(
                    tenant_id=endpoint.tenant_id,
                    endpoint_id=endpoint.endpoint_id,
                    secret_id=secret.secret_id,
                    secret=secret.key,
                    create_time=endpoint.create_time.to_stdlib(),
                )
            )
    except IntegrityError as error:
        raise AlreadyExists(f'the endpoint "{endpoint.endpoint_id}" exists; choose another id') from error


async def get(engine: AsyncEngine, lane: LaneKey) -> Endpoint:
    """Return one endpoint; by its primary key.

    Raises:
        NotFound: the tenant has no such endpoint.
    """
    async with engine.connect() as connection:
        row = (await connection.execute(select(endpoints).where(_at([lane])))).one_or_none()
    if row is None:
        raise NotFound(f'there is no endpoint "{lane.endpoint_id}"')
    return _endpoint(row)


async def page(engine: AsyncEngine, tenant_id: str, *, after: str, size: int) -> list[Endpoint]:
    """Return up to `size` endpoints of a tenant after an id, in the order of ids; by the primary key."""
    query = (
        select(endpoints)
        .where(endpoints.c.tenant_id == tenant_id, endpoints.c.endpoint_id > after)
        .order_by(endpoints.c.endpoint_id)
        .limit(size)
    )
    async with engine.connect() as connection:
        return [_endpoint(row) for row in (await connection.execute(query)).all()]


async def targets(connection: AsyncConnection, lanes: Sequence[LaneKey]) -> dict[LaneKey, Target]:
    """Return what these lanes send to; a lane whose endpoint is gone is missing. By the primary keys."""
    listed = (await connection.execute(select(endpoints).where(_at(lanes)))).all()
    keys = tuple_(endpoint_secrets.c.tenant_id, endpoint_secrets.c.endpoint_id)
    query = (
        select(endpoint_secrets)
        .where(keys.in_([tuple(lane) for lane in lanes]))
        .order_by(endpoint_secrets.c.create_time.desc(), endpoint_secrets.c.secret_id)
    )
    secrets: dict[LaneKey, list[Secret]] = {}
    for row in (await connection.execute(query)).all():
        secrets.setdefault(LaneKey(row.tenant_id, row.endpoint_id), []).append(
            Secret(row.secret_id, row.secret)
        )
    return {
        (lane := LaneKey(row.tenant_id, row.endpoint_id)): Target(
            _endpoint(row), tuple(secrets.get(lane, ()))
        )
        for row in listed
    }


_DISABLE = text(
    f"UPDATE endpoints SET state = {EndpointState.DISABLED:d}, version = version + 1, update_time = :now"
    f" WHERE tenant_id = :tenant_id AND endpoint_id = :endpoint_id AND state = {EndpointState.ENABLED:d}"
)


async def disable(engine: AsyncEngine, lane: LaneKey, *, now: Instant) -> bool:
    """Disable an enabled endpoint; return whether this call did it."""
    async with unit_of_work(engine) as connection:
        done = await connection.execute(_DISABLE, {**lane._asdict(), "now": now.to_stdlib()})
        return done.rowcount == 1


def _at(lanes: Sequence[LaneKey]) -> Any:
    return tuple_(endpoints.c.tenant_id, endpoints.c.endpoint_id).in_([tuple(lane) for lane in lanes])


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
    }


def _endpoint(row: Any) -> Endpoint:
    return Endpoint(
        row.tenant_id,
        row.endpoint_id,
        row.url,
        row.description,
        EndpointState(row.state),
        row.timeout,
        row.version,
        Instant(row.create_time),
        Instant(row.update_time),
    )
