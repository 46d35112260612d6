"""Which ended deliveries a caller means: pages of them in the order of their end, and how many there are.

Meant is only what nobody has settled: the latest round of each delivery, since a new one settles it. Whatever a
filter asks for, one page examines a bounded number of rows; it then holds what it found, and says where to go on.
"""

# ruff: noqa: S608 - every name in these statements is of this module

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Final, NamedTuple

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from delivery_service.domain.deliveries import INBOX, DeliveryCause, DeliveryState

EXAMINED: Final = 10_000
"""So many rows one page looks at when the index alone cannot tell which of them are meant."""

DEAD_LETTER: Final = (
    f"d.state IN ({DeliveryState.DEAD:d}, {DeliveryState.EXPIRED:d}) AND d.settlement = 0"
    f" AND d.endpoint_id <> '{INBOX}'"
)
"""The SQL condition that a row `d` of deliveries is a dead letter, as the partial indexes have it."""

_DEAD_STATES: Final = (DeliveryState.DEAD, DeliveryState.EXPIRED)
_KEY: Final = "end_time, event_id, endpoint_id"


class Key(NamedTuple):
    """Where a page ends: no two deliveries that are meant have the same."""

    end_time: datetime
    event_id: str
    endpoint_id: str


FIRST: Final = Key(datetime.min.replace(tzinfo=UTC), "", "")
LAST: Final = Key(datetime.max.replace(tzinfo=UTC), "", "")


@dataclass(frozen=True, slots=True)
class Filter:
    """All given conditions must hold; `end_after` is inclusive, `end_before` is not."""

    states: tuple[DeliveryState, ...] = _DEAD_STATES
    endpoint_id: str = ""
    causes: tuple[DeliveryCause, ...] = ()
    user_id: str = ""
    event_type_id: str = ""
    end_after: datetime = FIRST.end_time
    end_before: datetime = LAST.end_time

    @property
    def dead_letters(self) -> bool:
        """Whether only dead letters are meant: their indexes hold nothing else."""
        return DeliveryState.DELIVERED not in self.states

    @property
    def by_index(self) -> bool:
        """Whether each row that the index gives is meant."""
        whole = self.dead_letters and set(self.states) == set(_DEAD_STATES)
        return (
            whole
            and not self.user_id
            and not self.event_type_id
            and bool(self.endpoint_id or not self.causes)
        )


class Found(NamedTuple):
    """An ended delivery that is meant; `user_id` and `event_type_id` are empty when its message is gone."""

    event_id: str
    endpoint_id: str
    round: int
    occurrence_date: date
    state: int
    cause: int
    status_code: int
    attempts: int
    end_time: datetime
    deliver_by: datetime
    user_id: str
    event_type_id: str

    @property
    def key(self) -> Key:
        """Where a page that ends with it ends."""
        return Key(self.end_time, self.event_id, self.endpoint_id)


async def page(
    connection: AsyncConnection, tenant_id: str, asked: Filter, *, after: Key, size: int, newest: bool = False
) -> tuple[list[Found], Key | None]:
    """Return up to `size` deliveries after (with `newest`: before) a key, and where to go on; None: that was all."""
    examined = size if asked.by_index else EXAMINED
    parameters = {**parameters_of(tenant_id, asked, after=after), "size": size, "examined": examined}
    rows = (await connection.execute(text(page_statement(asked, newest=newest)), parameters)).all()
    found = [Found._make(row) for row in rows]
    if len(found) == size:
        return found, found[-1].key
    if asked.by_index:
        return found, None
    order, _ = _direction(newest=newest)
    last = f"SELECT {_KEY} FROM ({_read(asked, newest=newest)}) r ORDER BY {order} OFFSET :examined - 1"
    end = (await connection.execute(text(last), parameters)).one_or_none()
    return found, None if end is None else Key._make(end)


async def count(connection: AsyncConnection, tenant_id: str, asked: Filter) -> int:
    """Return how many deliveries are meant right now."""
    message = (
        "JOIN messages m USING (event_id, occurrence_date)" if asked.user_id or asked.event_type_id else ""
    )
    statement = (
        f"SELECT count(*) FROM deliveries d {message} WHERE {_bounds(asked)} AND {_wanted(asked, 'd')}"
    )
    if asked.endpoint_id:
        statement += " AND d.endpoint_id = :endpoint_id"
    return int((await connection.execute(text(statement), parameters_of(tenant_id, asked))).scalar_one())


def page_statement(asked: Filter, *, newest: bool) -> str:
    """Return the SQL of a page: what is read by the index, its messages by their primary key, then what is meant."""
    order, _ = _direction(newest=newest)
    return f"""
        SELECT r.event_id, r.endpoint_id, r.round, r.occurrence_date, r.state, r.cause, r.status_code, r.attempts,
            r.end_time, r.deliver_by, coalesce(m.user_id, ''), coalesce(m.event_type_id, '')
        FROM ({_read(asked, newest=newest)}) r
        LEFT JOIN LATERAL (
            SELECT user_id, event_type_id FROM messages
            WHERE event_id = r.event_id AND occurrence_date = r.occurrence_date OFFSET 0
        ) m ON true
        WHERE {_wanted(asked, "r")} ORDER BY {order} LIMIT :size
    """


def _read(asked: Filter, *, newest: bool) -> str:
    """Return SQL for the next `:examined` rows: by deliveries_dead, deliveries_dead_ends or deliveries_ended."""
    order, beyond = _direction(newest=newest)
    columns = "SELECT d.* FROM deliveries d WHERE"
    after = f"({_KEY}) {beyond} (:after_time, :after_event, :after_endpoint)"
    rest = f"{_bounds(asked)} AND {after} ORDER BY {order} LIMIT :examined"
    if not (asked.dead_letters and asked.endpoint_id):
        endpoint = " d.endpoint_id = :endpoint_id AND" if asked.endpoint_id else ""
        ends = " d.round > 0 AND" if asked.dead_letters else ""  # what only deliveries_dead_ends says as well
        return f"{columns}{endpoint}{ends} {rest}"
    # One probe per cause instead of every dead letter of the tenant: the endpoint may have few among millions.
    of_cause = f"{columns} d.endpoint_id = :endpoint_id AND d.cause = c.cause AND {rest}"
    return (
        f"SELECT l.* FROM unnest(CAST(:every_cause AS smallint[])) AS c(cause), LATERAL ({of_cause}) l"
        f" ORDER BY {order} LIMIT :examined"
    )


def _bounds(asked: Filter) -> str:
    """Return what an index can tell; said as a constant, so that the planner may use the partial ones."""
    dead = f"AND {DEAD_LETTER} " if asked.dead_letters else ""
    return f"d.tenant_id = :tenant_id AND d.end_time >= :end_after AND d.end_time < :end_before {dead}"


def _wanted(asked: Filter, row: str) -> str:
    conditions = [
        f"{row}.state = ANY(CAST(:states AS smallint[]))",
        f"{row}.settlement = 0",
        f"{row}.endpoint_id <> '{INBOX}'",
    ]
    if asked.causes:
        conditions.append(f"{row}.cause = ANY(CAST(:causes AS smallint[]))")
    if asked.user_id:
        conditions.append("m.user_id = :user_id")
    if asked.event_type_id:
        conditions.append("m.event_type_id = :event_type_id")
    return " AND ".join(conditions)


def _direction(*, newest: bool) -> tuple[str, str]:
    """Return ORDER BY and the comparison of a row that comes after the key."""
    if newest:
        return ", ".join(f"{column} DESC" for column in _KEY.split(", ")), "<"
    return _KEY, ">"


def parameters_of(tenant_id: str, asked: Filter, *, after: Key = FIRST) -> dict[str, Any]:
    """Return what the statements of a filter are told, but for their limits."""
    causes: Sequence[int] = asked.causes or tuple(DeliveryCause)
    return {
        "tenant_id": tenant_id,
        "endpoint_id": asked.endpoint_id,
        "states": [int(state) for state in asked.states],
        "causes": [int(cause) for cause in asked.causes],
        "every_cause": [int(cause) for cause in causes],
        "user_id": asked.user_id,
        "event_type_id": asked.event_type_id,
        "end_after": asked.end_after,
        "end_before": asked.end_before,
        "after_time": after.end_time,
        "after_event": after.event_id,
        "after_endpoint": after.endpoint_id,
    }
