"""Valkey or Redis, single or cluster. Nothing durable lives there: every caller survives its absence.

Whatever is wrong with it - gone, frozen, a cluster without the slot's node - is known after
`COMMAND_SECONDS` at the latest, as one of `REDIS_ERRORS`; behind a `circuit` at once, from the second time on.
"""

import asyncio
from collections.abc import Awaitable
from typing import Any, TypeVar

from redis.asyncio import Redis, RedisCluster
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from chassis.circuits import Circuit, CircuitOpen, CircuitPolicy

# One exchange with one server. A coordination call that takes longer is as good as none: leases are
# counted in seconds.
TIMEOUT_SECONDS = 0.5

# The whole command: connecting, asking a cluster where the slot is, following it there.
COMMAND_SECONDS = 0.8

REDIS_ERRORS = (RedisError, OSError, TimeoutError, CircuitOpen)

_AWAY = (RedisError, OSError, TimeoutError)

Answer = TypeVar("Answer")


def connect(url: str, *, cluster: bool = False) -> "Redis | RedisCluster | None":
    """Return a client, or None without a URL. Connecting happens with the first command.

    A cluster is found through any node of `url`, several separated by commas; credentials and TLS are
    those of the first.
    """
    if not url:
        return None
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "decode_responses": True,
        # Whoever asks asks again by itself, and has something else to do meanwhile.
        "retry": Retry(NoBackoff(), 0),
    }
    if not cluster:
        return Redis.from_url(url, **options)
    first, *others = url.split(",")
    nodes = [parse_url(other) for other in others]
    return RedisCluster.from_url(
        first,
        **options,
        startup_nodes=[ClusterNode(str(node["host"]), int(node.get("port", 6379))) for node in nodes],
        # What was configured stays the way in: addresses that were learned may all be others one day.
        dynamic_startup_nodes=False,
        # Our keys are in single slots: those of the living nodes go on without the rest.
        require_full_coverage=False,
    )


def circuit(use: str) -> Circuit:
    """Return a circuit for commands of one use, for example `shards`.

    One per use, not per server: of a cluster the node with one use's slot may be gone while the others serve.
    """
    return Circuit(
        f"redis.{use}", counts=lambda error: isinstance(error, _AWAY), policy=CircuitPolicy(failures=2)
    )


async def answer(command: Awaitable[Answer]) -> Answer:
    """Await a command of a client for at most `COMMAND_SECONDS`.

    Raises:
        REDIS_ERRORS: there was no answer, or it was an error.
    """
    async with asyncio.timeout(COMMAND_SECONDS):
        return await command
