"""Ctrl-C, SIGTERM and a closed terminal all mean the same: stop everything in order."""

import signal
import threading
from types import FrameType

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def stop_on_signals() -> threading.Event:
    """Return an event that the first of the three signals sets, before it interrupts what is under way.

    Later ones are ignored: the stop that has begun is bounded in time and must not be broken off.
    """
    stopping = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        stopping.set()
        raise KeyboardInterrupt

    for number in _SIGNALS:
        signal.signal(number, stop)
    return stopping
