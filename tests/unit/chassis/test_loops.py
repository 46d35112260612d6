"""Loops repeat, whatever one iteration meets, and a stop waits for the iteration under way."""

import asyncio

import pytest

from chassis.loops import Loop


async def test_a_failure_does_not_end_the_loop() -> None:
    """The third iteration comes although the first two raised."""
    done = asyncio.Event()
    calls = 0

    async def iterate() -> float | None:
        nonlocal calls
        calls += 1
        if calls < 3:
            raise ValueError("bad luck")
        done.set()
        return None

    loop = Loop("test", iterate, interval=60)
    await loop.start()
    await asyncio.wait_for(done.wait(), 2)
    await loop.stop()
    assert calls == 3


async def test_wake_ends_a_wait_and_is_not_lost_during_an_iteration() -> None:
    """A wake during the work leads to another round; one during the wait too; without one it waits."""
    entered: asyncio.Queue[int] = asyncio.Queue()
    leave = asyncio.Semaphore(0)
    calls = 0

    async def iterate() -> float | None:
        nonlocal calls
        calls += 1
        entered.put_nowait(calls)
        await leave.acquire()
        return None

    loop = Loop("test", iterate, interval=60)
    await loop.start()
    assert await asyncio.wait_for(entered.get(), 1) == 1
    loop.wake()
    leave.release()
    assert await asyncio.wait_for(entered.get(), 1) == 2
    leave.release()
    await asyncio.sleep(0)
    loop.wake()
    assert await asyncio.wait_for(entered.get(), 1) == 3
    leave.release()
    await loop.stop()
    assert entered.empty()


async def test_a_stop_waits_for_the_iteration() -> None:
    """What was begun is finished before stop returns, and nothing runs after it."""
    entered, leave = asyncio.Event(), asyncio.Event()
    finished = False

    async def iterate() -> float | None:
        nonlocal finished
        entered.set()
        await leave.wait()
        finished = True
        return 0

    loop = Loop("test", iterate, interval=0.01)
    await loop.start()
    await entered.wait()
    stopping = asyncio.create_task(loop.stop())
    await asyncio.sleep(0)
    assert not stopping.done()
    leave.set()
    await asyncio.wait_for(stopping, 1)
    assert finished


async def test_a_stop_that_is_given_up_cancels_the_iteration() -> None:
    """A stuck iteration does not outlive the grace of its stop."""
    cancelled = asyncio.Event()

    async def iterate() -> float | None:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return None

    loop = Loop("test", iterate, interval=1)
    await loop.start()
    await asyncio.sleep(0)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(loop.stop(), 0.05)
    await asyncio.wait_for(cancelled.wait(), 1)


async def test_a_loop_that_was_never_started_stops() -> None:
    """Stopping is harmless before the start."""

    async def iterate() -> float | None:
        return None

    await Loop("test", iterate, interval=1).stop()
