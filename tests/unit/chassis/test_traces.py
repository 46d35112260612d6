"""Traces: off without a collector; a dead one never holds up the end."""

import os
import subprocess
import sys
import time
from pathlib import Path

from chassis import traces

ROOT = Path(__file__).parents[3]
PROGRAM = """
import asyncio, time
from chassis.traces import Traces, tracer, traceparent, server_interceptors
made = Traces("test", "r1", "http://127.0.0.1:9")
made.install()
with tracer.start_as_current_span("work"):
    assert traceparent().startswith("00-")
assert len(server_interceptors()) == 1
began = time.monotonic()
asyncio.run(made.stop())
print(time.monotonic() - began)
"""


async def test_off_without_an_endpoint() -> None:
    """No interceptor, no traceparent, and a life that does nothing."""
    off = traces.Traces("test", "r1", "")
    off.install()
    await off.start()
    with traces.tracer.start_as_current_span("work"):
        assert traces.traceparent() == ""
    assert traces.server_interceptors() == traces.client_interceptors() == []
    await off.stop()


def test_a_dead_collector_does_not_hold_up_the_end() -> None:
    """Spans that nobody takes delay neither the stop nor the process by more than three seconds."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    stopped = float(process.stdout.readline())
    said = time.monotonic()
    process.communicate(timeout=30)
    assert process.returncode == 0
    assert stopped < 3
    assert time.monotonic() - said < 3
    assert said - began < 20
