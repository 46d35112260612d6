"""Work that repeats: one named loop over one plain coroutine, which a test can also call once."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import grpc
import structlog
from prometheus_client import Counter

log = structlog.get_logger()

FAILURES = Counter("redletter_loop_failures_total", "Iterations that raised, by loop.", ["loop"])
LONGEST_PAUSE_SECONDS = 5.0


class Loop:
    """Calls `iterate` again and again.

    `iterate` returns the seconds to wait before the next call: 0 runs again at once, None waits
    for `interval` seconds. `wake()` ends a wait early. A failure is logged and paused for, longer
    each time, up to five seconds; it never ends the loop.
    """

    def __init__(self, name: str, iterate: Callable[[], Awaitable[float | None]], *, interval: float) -> None:
        self.name = name
        self._iterate = iterate
        self._interval = interval
        self._woken = asyncio.Event()
        self._stopping = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def wake(self) -> None:
        """Run the next iteration now instead of after the rest of the wait."""
        self._woken.set()

    async def start(self) -> None:
        """Begin to repeat."""
        self._stopping.clear()
        self._task = asyncio.create_task(self._run(), name=self.name)

    async def stop(self) -> None:
        """Let the current iteration end, then return; a cancelled wait cancels the iteration."""
        self._stopping.set()
        self._woken.set()
        if self._task is not None:
            try:
                await asyncio.shield(self._task)
            except asyncio.CancelledError:
                self._task.cancel()
                raise
            self._task = None

    async def _run(self) -> None:
        pause = 0.0
        while not self._stopping.is_set():
            self._woken.clear()
            try:
                wait = await self._iterate()
                pause = 0.0
            except Exception as error:  # noqa: BLE001 - a loop outlives whatever one iteration meets
                FAILURES.labels(self.name).inc()
                pause = min(LONGEST_PAUSE_SECONDS, max(0.1, pause * 2))
                log.warning("loop.failed", loop=self.name, error=type(error).__name__, detail=_detail(error))
                wait = pause
            await self._wait(self._interval if wait is None else wait)

    async def _wait(self, seconds: float) -> None:
        if seconds <= 0 or self._stopping.is_set():
            await asyncio.sleep(0)
            return
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), seconds)


def _detail(error: Exception) -> str:
    """Return one line that says what went wrong: of a failed call its code, not gRPC's own dump."""
    if isinstance(error, grpc.aio.AioRpcError):
        return f"{error.code().name}: {(error.details() or '')[:200]}"
    return str(error).partition("\n")[0][:200]
