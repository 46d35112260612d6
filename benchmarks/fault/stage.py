"""A whole deployment with three schedulers and two deliveries, and the hands that hurt it."""

import os
import signal
import time
import urllib.request
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import psutil
from redletter.scheduler.v1 import scheduler_admin_service_pb2
from redletter.scheduler.v1.scheduler_status_pb2 import SchedulerStatus

from benchmarks.burst import Sink
from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment
from redletter_cli.dev.ports import Ports, free_base
from redletter_cli.dev.services import SCHEDULER, Service
from redletter_cli.dev.topology import Shape
from redletter_cli.embedded import Child, Command

READY_WITHIN = timedelta(seconds=60)
_TICK_SECONDS = 0.02

# A clock that can be set: sitecustomize is read by every Python process that finds it on its path. It moves what
# Python's time module says; the monotonic clock stays right, as on a machine whose wall clock is wrong.
_SETTABLE_CLOCK = """
import os, time
_now, _now_ns = time.time, time.time_ns
def _ahead():
    try:
        with open(os.environ["FAULTS_CLOCK"]) as file:
            return int(file.read() or 0)
    except OSError:
        return 0
time.time = lambda: _now() + _ahead()
time.time_ns = lambda: _now_ns() + _ahead() * 1_000_000_000
"""


class Receiver(Sink):
    """The receiver of one scenario; it listens when `start` returns, and must live until `stop`."""

    def __init__(self, record: Path) -> None:
        super().__init__(record, delay_ms=0.0)

    def start(self) -> None:
        """Start it.

        Raises:
            StartFailed: the port was taken meanwhile.
        """
        super().start()
        child = self._child
        assert child is not None
        child.wait_until(lambda: "ready " in child.output(), within=READY_WITHIN)

    def stop(self) -> None:
        """Stop it; without it nothing could have been counted."""
        assert self._child is None or self._child.poll() is None, "the receiver ended during the scenario"
        super().stop()


class Stage:
    """Everything runs between `start` and `close`; what dies is started again only while `keeping`."""

    def __init__(self, directory: Path, say: Callable[[str], None]) -> None:
        self.directory = directory
        self.deployment = Deployment(
            directory / "data", ports=Ports(free_base()), shape=Shape(schedulers=3), say=say
        )
        self.keeping = True
        self._substitute: Child | None = None
        self._environments: dict[str, dict[str, str]] = {}

    def start(self) -> None:
        """Start servers and services and make the operator's key."""
        self.deployment.start_servers()
        self.deployment.start_services(Clock())
        self.deployment.ensure_accounts()
        for service in self.deployment.services:
            self.environment(service.name)

    def close(self) -> None:
        """Stop everything; a frozen process is woken first, or it would not hear."""
        for pid in self.deployment.pids().values():
            send(pid, signal.SIGCONT)
        if self._substitute is not None:
            self._substitute.stop()
        self.deployment.close()

    @property
    def schedulers(self) -> dict[str, Service]:
        """The scheduler replicas by name."""
        return {s.name: s for s in self.deployment.services if s.spec.module == SCHEDULER}

    def pid(self, name: str) -> int:
        """Return the process id of a service or server."""
        return self.deployment.pids()[name]

    def environment(self, name: str) -> dict[str, str]:
        """Return the environment with which a service was first started."""
        if name not in self._environments:
            self._environments[name] = dict(psutil.Process(self.pid(name)).environ())
        return self._environments[name]

    def status(self) -> SchedulerStatus:
        """Return what the schedulers say of themselves."""
        request = scheduler_admin_service_pb2.GetSchedulerStatusRequest()
        with self.deployment.accounts.as_operator() as operator:
            return operator.scheduler_admin.GetSchedulerStatus(request).status

    def metric(self, scheduler: str, name: str) -> float:
        """Return a metric without labels of one scheduler, -1 when it does not answer or has none."""
        port = self.schedulers[scheduler].spec.ports.metrics
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=1) as answer:
                lines = answer.read().decode().splitlines()
        except OSError:
            return -1.0
        return next((float(line.split()[1]) for line in lines if line.startswith(f"{name} ")), -1.0)

    def wait(self, *, until: float = 0.0, condition: Callable[[], bool] = lambda: False) -> bool:
        """Look after the processes until the Unix time `until`, or until `condition`; return whether it came true."""
        while not (true := condition()) and time.time() < until:
            if self.keeping:
                self.deployment.tick()
            time.sleep(min(_TICK_SECONDS, max(0.0, until - time.time())))
        return true

    def kill(self, name: str) -> None:
        """kill -9, and start again at once; it is not awaited."""
        service = self.schedulers[name]
        send(self.pid(name), signal.SIGKILL)
        while service.poll() is None:
            time.sleep(0.001)
        service.start()

    def revive(self) -> list[str]:
        """Start again every scheduler that has ended without being killed here; return their last words."""
        ended = [service for service in self.schedulers.values() if service.poll() is not None]
        words = [f"{service.name} ended by itself: {service.last_words()[:200]}" for service in ended]
        for service in ended:
            service.start()
        return words

    def await_ready(self) -> None:
        """Return when every scheduler serves."""
        for service in self.schedulers.values():
            service.wait_ready(READY_WITHIN)

    def set_clock(self, seconds: int) -> None:
        """Put the wall clock of the substitute this far ahead."""
        (self.directory / "clock").write_text(str(seconds))

    def substitute(self, name: str) -> None:
        """Run one scheduler under a clock that `set_clock` moves, until `take_back`."""
        service = self.schedulers[name]
        shim = self.directory / "shim"
        shim.mkdir(exist_ok=True)
        (shim / "sitecustomize.py").write_text(_SETTABLE_CLOCK)
        self.set_clock(0)
        environment = dict(self.environment(name))
        environment["FAULTS_CLOCK"] = str(self.directory / "clock")
        environment["PYTHONPATH"] = os.pathsep.join([str(shim), environment.get("PYTHONPATH", "")])
        argv = tuple(psutil.Process(self.pid(name)).cmdline())
        self.deployment_forgets(service)
        self._substitute = Child(
            Command(
                name=name,
                argv=argv,
                log=self.directory / f"{name}-substitute.log",
                env=environment,
                cwd=self.deployment.places.services,
            )
        )
        self._substitute.wait_until(service.is_ready, within=READY_WITHIN)

    def deployment_forgets(self, service: Service) -> None:
        """Stop a service for good; the deployment would start it again."""
        self.keeping = False
        service.stop()

    def take_back(self, name: str) -> str:
        """End the substitute, start the real one again, and return what the substitute has logged."""
        assert self._substitute is not None
        self._substitute.stop()
        said = self._substitute.output()
        self._substitute = None
        self.schedulers[name].start()
        self.await_ready()
        self.keeping = True
        return said


def send(pid: int, number: signal.Signals) -> None:
    """Send a signal to one process of ours; one that is gone is left alone."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
