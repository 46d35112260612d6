"""Marked points of plan, claim, decide and hand-over, seen from outside: in PostgreSQL's and Valkey's own views.

Nothing in the services helps: `pg_stat_activity` shows which statement of which connection runs or has
just run in an open transaction, MONITOR every command that Valkey gets; the port of the connection tells the replica.
"""

import asyncio
import random
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import asyncpg
import psutil
import redis

# What a statement of the phase contains, within the 1,024 characters that PostgreSQL shows: label -> words of it.
PLAN = {
    "fenced": "FOR SHARE",
    "recipients": "INTO recipients",
    "plans": "INTO plans",
    "feed": "UPDATE feed",
}
DECIDE = {"decide": "WITH input AS MATERIALIZED"}
HAND_OVER = {
    "stored": "INSERT INTO handovers",
    "answered": "DELETE FROM handovers",
    "offered again": "UPDATE handovers",
}
_ACTIVITY = """
    SELECT client_port, query FROM pg_stat_activity
    WHERE usename = current_user AND pid <> pg_backend_pid() AND state IN ('active', 'idle in transaction')
        AND application_name <> 'faults'
"""


_LEADER = "SELECT holder, term FROM leadership WHERE role = 'planner'"


@dataclass(frozen=True)
class Mark:
    """Which replica was seen where."""

    scheduler: str
    label: str


async def statement(
    connection: asyncpg.Connection, words: Mapping[str, str], pids: Mapping[str, int], *, until: float
) -> Mark | None:
    """Return the first replica that is seen in one of these statements, None when there is none in time."""
    while time.time() < until:
        rows = await connection.fetch(_ACTIVITY)
        random.shuffle(rows)
        for row in rows:
            label = next((label for label, part in words.items() if part in row["query"]), None)
            if label is None:
                continue
            scheduler = owner(row["client_port"], pids)
            if scheduler is not None:
                return Mark(scheduler, label)
        await asyncio.sleep(0)
    return None


async def leader(connection: asyncpg.Connection) -> tuple[str, int]:
    """Return who leads by PostgreSQL's book, and its term."""
    [row] = await connection.fetch(_LEADER)
    return row["holder"], row["term"]


def claim(redis_url: str, pids: Mapping[str, int], *, until: float) -> Mark | None:
    """Return the replica whose next claim Valkey has just got."""
    with redis.Redis.from_url(redis_url) as client, client.monitor() as monitor:
        for seen in monitor.listen():
            if time.time() > until:
                return None
            command = str(seen["command"])
            if not command.upper().startswith("EVAL") or seen["client_type"] == "lua":
                continue
            scheduler = owner(int(seen["client_port"]), pids)
            if scheduler is not None:
                return Mark(scheduler, "leadership" if "{leadership}" in command else "shards")
    return None


def flush(redis_url: str) -> None:
    """Let Valkey forget everything."""
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()


def owner(port: int, pids: Mapping[str, int]) -> str | None:
    """Return which of these processes has the connection from this local port."""
    for name, pid in pids.items():
        try:
            connections = psutil.Process(pid).net_connections(kind="tcp4")
        except psutil.Error:
            continue
        if any(connection.laddr.port == port for connection in connections if connection.raddr):
            return name
    return None


def summary(marks: "Counter[str]") -> str:
    """Return how often which point was hit."""
    return ", ".join(f"{label} {count}" for label, count in sorted(marks.items()))
