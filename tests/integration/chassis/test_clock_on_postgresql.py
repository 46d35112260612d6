"""The business clock is PostgreSQL's, and says how far this machine is from it."""

import time
from collections.abc import Callable
from unittest.mock import patch

from chassis.clocks import BusinessClock
from chassis.database import create_engine


async def test_synchronise_takes_the_databases_time_and_notes_the_skew(
    clone_database: Callable[..., str],
) -> None:
    """On this machine there is none; with a machine's clock ten minutes off there are 600 seconds of it."""
    engine = create_engine(clone_database("empty", lambda _url: None), name="test", schema="public")
    try:
        clock = BusinessClock()
        await clock.synchronise(engine)
        assert clock.skew_seconds < 0.05
        assert clock.trustworthy
        real = time.time_ns
        with patch.object(time, "time_ns", lambda: real() + 600 * 10**9):
            wrong = BusinessClock()
            await wrong.synchronise(engine)
        assert abs(wrong.skew_seconds - 600) < 1
        assert not wrong.trustworthy
        assert abs((wrong.now() - clock.now()).total("seconds")) < 0.05
    finally:
        await engine.dispose()
