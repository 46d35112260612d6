"""The process as shipped: its verbs, its readiness, its end."""

import asyncio
import json
import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
from grpc_health.v1.health_pb2 import HealthCheckRequest, HealthCheckResponse
from grpc_health.v1.health_pb2_grpc import HealthStub

from tests.integration.user_service.harness import SECRET
from user_service.settings import Settings

ROOT = Path(__file__).parents[3]


async def start(*verb: str, **settings: str) -> asyncio.subprocess.Process:
    """Start `python -m user_service` with nothing in the environment but these settings."""
    environment = {f"REDLETTER_{name.upper()}": value for name, value in settings.items()}
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", "user_service", *verb,
        cwd=ROOT,
        env={**environment, "HOME": os.environ["HOME"], "PYTHONPATH": "sdks/python"},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip


async def ran(*verb: str, **settings: str) -> tuple[int | None, str, str]:
    """Run to the end; return exit code, stdout and stderr."""
    process = await start(*verb, **settings)
    out, err = await process.communicate()
    return process.returncode, out.decode(), err.decode()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def serving(port: int) -> bool:
    """Wait for SERVING, for at most 20 seconds."""
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            try:
                answer = await HealthStub(channel).Check(HealthCheckRequest(), wait_for_ready=True, timeout=2)
            except grpc.aio.AioRpcError:
                continue
            if answer.status == HealthCheckResponse.SERVING:
                return True
    return False


async def test_it_serves_until_it_is_told_to_stop(settings: Settings) -> None:
    """After `migrate` and `bootstrap` the process is SERVING on both ports; SIGTERM ends it with 0."""
    known = {"database_url": settings.database_url, "internal_secret": SECRET}
    public, internal = free_port(), free_port()
    assert (await ran("migrate", **known))[0] == 0
    code, out, _ = await ran("bootstrap", **known)
    assert code == 0
    assert json.loads(out)["operator_key"].startswith("rl_")
    process = await start(**known, public_port=str(public), internal_port=str(internal))
    try:
        assert await serving(public)
        assert await serving(internal)
        process.send_signal(signal.SIGTERM)
        out_bytes, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err
    events = [json.loads(line)["event"] for line in out_bytes.decode().splitlines()]
    assert events[-1] == "service.stopped"
    assert "service.ready" in events


async def test_a_taken_port_is_said(settings: Settings) -> None:
    """Without its port the process ends with 2 and one sentence."""
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        code, _, err = await ran(
            database_url=settings.database_url, internal_secret=SECRET, public_port=str(port)
        )
    assert code == 2
    assert f"127.0.0.1:{port}: the port is taken" in err


async def test_wrong_settings_are_named_without_their_values() -> None:
    """A missing or wrong setting ends with 2 and its name; values, which may be secrets, are not repeated."""
    code, out, err = await ran("migrate", internal_secret="too short")
    assert code == 2
    assert out == ""
    assert "REDLETTER_DATABASE_URL" in err
    assert "REDLETTER_INTERNAL_SECRET" in err
    assert "too short" not in err
    assert "Traceback" not in err


async def test_a_wrong_verb_is_answered_with_the_usage() -> None:
    """An unknown verb ends with 2 and says which there are."""
    code, _, err = await ran("migrat")
    assert code == 2
    assert "migrate | migrate expand | migrate contract | bootstrap | resync" in err


async def test_a_verb_that_cannot_work_says_why(clone_database: Callable[..., str]) -> None:
    """Without schema or server the verbs end with 1 and a sentence, never with a traceback."""
    bare = clone_database("bare", lambda _url: None)
    away = f"postgresql+asyncpg://u:pw@127.0.0.1:{free_port()}/x"
    for verb, url, words in (
        ("bootstrap", bare, "migrate` first"),
        ("bootstrap", away, "REDLETTER_DATABASE_URL"),
        ("migrate", away, "REDLETTER_DATABASE_URL"),
    ):
        code, out, err = await ran(verb, database_url=url, internal_secret=SECRET)
        assert (code, out) == (1, "")
        assert words in err
        assert "Traceback" not in err
        assert "pw@" not in err


async def test_the_feed_is_begun_anew_by_hand(settings: Settings) -> None:
    """`resync` prints the new epoch, another one each time."""
    known = {"database_url": settings.database_url, "internal_secret": SECRET}
    await ran("migrate", **known)
    epochs = set()
    for _ in range(2):
        code, out, err = await ran("resync", **known)
        assert code == 0, err
        epochs.add(json.loads(out)["epoch"])
    assert len(epochs) == 2
