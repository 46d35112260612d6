"""Valkey or Redis, single or cluster. Nothing durable lives there: every caller survives its absence."""

from typing import Any

from redis.asyncio import Redis, RedisCluster
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

# A coordination call that takes longer than this is as good as none: leases are counted in seconds.
TIMEOUT_SECONDS = 0.5

REDIS_ERRORS = (RedisError, OSError, TimeoutError)


def connect(url: str, *, cluster: bool = False) -> "Redis | RedisCluster | None":
    """Return a client, or None without a URL. Connecting happens with the first command."""
    if not url:
        return None
    options: dict[str, Any] = {
        "socket_timeout": TIMEOUT_SECONDS,
        "socket_connect_timeout": TIMEOUT_SECONDS,
        "decode_responses": True,
    }
    if cluster:
        return RedisCluster.from_url(url, **options)
    return Redis.from_url(url, retry=Retry(NoBackoff(), 0), **options)
