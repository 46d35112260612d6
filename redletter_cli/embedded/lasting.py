"""One thread that lives as long as the process: what it forks is never orphaned by a worker thread's end."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any, TypeVar

_T = TypeVar("_T")


class _LastingThread:
    def __init__(self) -> None:
        self._jobs: SimpleQueue[tuple[Callable[[], Any], Future[Any]]] = SimpleQueue()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def call(self, job: Callable[[], _T]) -> _T:
        answer: Future[_T] = Future()
        with self._lock:
            # Not alive: never started, or we are the fork of a process that had it.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="fork-children", daemon=True)
                self._thread.start()
        self._jobs.put((job, answer))
        return answer.result()

    def _run(self) -> None:
        while True:
            job, answer = self._jobs.get()
            try:
                answer.set_result(job())
            except Exception as error:  # noqa: BLE001 - the caller gets it, the thread must outlive it
                answer.set_exception(error)


_THREAD = _LastingThread()


def call_on_lasting_thread(job: Callable[[], _T]) -> _T:
    """Run `job` on the lasting thread and return what it returns or raise what it raises."""
    return _THREAD.call(job)
