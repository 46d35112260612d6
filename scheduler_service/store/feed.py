"""How far the feed of user_service has been followed: its epoch, and what waits there."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

_GET = text("SELECT epoch, swept, backlog, oldest_change_time, pull_time, serial FROM feed")
_ENTER = text("UPDATE feed SET epoch = :epoch, swept = false")
_COUNT = text("UPDATE feed SET serial = serial + 1 RETURNING serial")
_SWEPT = text("UPDATE feed SET swept = true WHERE epoch = :epoch")
_NOTE = text("UPDATE feed SET backlog = :backlog, oldest_change_time = :oldest, pull_time = :pulled")


@dataclass(frozen=True)
class Feed:
    """The feed as the planner last saw it."""

    epoch: str
    swept: bool
    backlog: int
    oldest_change_time: datetime | None
    pull_time: datetime | None
    serial: int


async def get(connection: AsyncConnection) -> Feed:
    """Return the one row."""
    return Feed(*(await connection.execute(_GET)).one())


async def enter(connection: AsyncConnection, epoch: str) -> None:
    """Begin a new epoch: everybody is to be confirmed again."""
    await connection.execute(_ENTER, {"epoch": epoch})


async def count_page(connection: AsyncConnection) -> int:
    """Note that one more page is applied, in the transaction that applies it; return how many there were."""
    return int((await connection.execute(_COUNT)).scalar_one())


async def mark_swept(connection: AsyncConnection, epoch: str) -> None:
    """Note that nobody of an older epoch is left."""
    await connection.execute(_SWEPT, {"epoch": epoch})


async def note(
    connection: AsyncConnection, *, backlog: int, oldest: datetime | None, pulled: datetime
) -> None:
    """Remember what waited when the feed was asked at the real instant `pulled`."""
    await connection.execute(_NOTE, {"backlog": backlog, "oldest": oldest, "pulled": pulled})
