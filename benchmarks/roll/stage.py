"""Two processes of every service, as the chart runs them, and what replaces one: a new one up, the old one SIGTERM."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import psutil
from redletter.client import Client
from redletter.user.v1 import tenant_pb2, tenant_service_pb2

from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment
from redletter_cli.dev.migrations import DATABASE
from redletter_cli.dev.ports import Ports, ServicePorts, free_base
from redletter_cli.dev.services import DELIVERY, SCHEDULER, USER, Service, ServiceSpec, addresses
from redletter_cli.dev.topology import Shape
from redletter_cli.embedded import Postgres
from redletter_cli.embedded.databases import execute

S = TypeVar("S", bound=Service)

REPLICAS = 2
ORDER = (USER, SCHEDULER, DELIVERY)
_READY_WITHIN = timedelta(seconds=60)
_SHARED = ("REDLETTER_REDIS_URL", "REDLETTER_INTERNAL_SECRET")
# Where a deployment has none: user_service gets its replicas behind those of delivery_service.
_MORE_USERS = 62


@dataclass(frozen=True)
class Replacement:
    """One process that was replaced: how long each half took, how the old one ended, when (epoch seconds)."""

    replaced: str
    began: float
    ended: float
    ready_seconds: float
    stop_seconds: float
    exit_code: int | None


class Successor(Service):
    """A service process that is there, and begins when `let_go` says so.

    Two of fifteen children that were forked beside threads that call through gRPC ended with SIGSEGV and an empty log;
    of those forked before the callers begin, none.
    """

    def __init__(self, spec: ServiceSpec, shared: dict[str, str], *, log: Path, cwd: Path) -> None:
        super().__init__(spec, shared, log=log, cwd=cwd)
        self._gate = cwd / f"{spec.name}.go"
        wait = 'until [ -e "$0" ]; do sleep 0.05; done; exec "$@"'
        argv = ("/bin/sh", "-c", wait, str(self._gate), *self._command.argv)
        self._command = replace(self._command, argv=argv)

    def let_go(self) -> None:
        """Begin."""
        self._gate.touch()


class Stage:
    """The processes; every address list names the old ports and the new ones from the beginning."""

    def __init__(self, directory: Path) -> None:
        self._logs = directory
        self.deployment = Deployment(
            directory / "data", ports=Ports(free_base()), shape=Shape(), say=lambda _: None
        )
        self._running: list[Service] = []
        self._successors: dict[str, Successor] = {}
        self._specs: dict[str, ServiceSpec] = {}
        self._shared: dict[str, str] = {}

    def start(self) -> None:
        """Make database and accounts, then start two processes of every service."""
        self.deployment.start_servers()
        self.deployment.start_services(Clock())
        self.deployment.ensure_accounts()
        [first, *_] = self.deployment.services
        assert first.pid is not None
        environment = psutil.Process(first.pid).environ()
        self._shared = {name: environment[name] for name in _SHARED} | Clock().environment()
        self._specs = {service.spec.module: service.spec for service in self.deployment.services}
        self.deployment.stop_services()
        self._running = [self._process(Service, module, n) for module in ORDER for n in range(REPLICAS)]
        for service in self._running:
            service.start()
        for old in self._running:
            number = int(old.name.rpartition("-")[2]) - 1
            self._successors[old.name] = new = self._process(Successor, old.spec.module, number + REPLICAS)
            new.start()
        for service in self._running:
            service.wait_ready(_READY_WITHIN)

    def tenant(self) -> tuple[str, str]:
        """Make a tenant and return its id and key."""
        with Client(self.addresses(), self.deployment.accounts.operator_key) as operator:
            tenant = tenant_pb2.Tenant(name="rolling", time_zone="UTC", locale="en")
            made = operator.tenants.CreateTenant(tenant_service_pb2.CreateTenantRequest(tenant=tenant))
        return made.tenant.tenant_id, made.secret

    def addresses(self) -> dict[str, str]:
        """Return what clients are told: every public address that is, or will be, somebody's."""
        return {
            name: addresses([ports.public for ports in self._all(module)])
            for name, module in zip(("user", "scheduler", "delivery"), ORDER, strict=True)
        }

    def roll(self, *, drain_seconds: float) -> Iterator[Replacement]:
        """Replace each process; the old one gets SIGTERM when the new one is ready and `drain_seconds` have passed."""
        for old in list(self._running):
            began, started = time.time(), time.monotonic()
            new = self._successors.pop(old.name)
            self._running.append(new)
            new.let_go()
            new.wait_ready(_READY_WITHIN)
            ready = time.monotonic() - started
            time.sleep(drain_seconds)  # the chart's preStop
            told = time.monotonic()
            old.stop()
            stopped = time.monotonic() - told
            self._running.remove(old)
            yield Replacement(old.name, began, time.time(), ready, stopped, old.poll())

    def execute(self, sql: str) -> str:
        """Run statements in the database of the services."""
        return execute(
            Postgres(self.deployment.places.postgres, port=self.deployment.ports.postgres),
            sql,
            database=DATABASE,
        )

    def ended(self) -> list[str]:
        """Return the names of processes that should run and do not."""
        return [service.name for service in self._running if service.poll() is not None]

    def close(self) -> None:
        """Stop everything."""
        for waiting in self._successors.values():
            waiting.stop()
        for module in (SCHEDULER, DELIVERY, USER):
            for service in self._running:
                if service.spec.module == module:
                    service.stop()
        self.deployment.close()

    def _process(self, kind: type[S], module: str, number: int) -> S:
        spec = self._specs[module]
        told = dict(spec.settings)
        if module != USER:
            told["REDLETTER_USER_SERVICE_ADDRESS"] = self._internal(USER)
        if module == SCHEDULER:
            told["REDLETTER_DELIVERY_SERVICE_ADDRESS"] = self._internal(DELIVERY)
        name = f"{module.removesuffix('_service')}-{number + 1}"
        own = replace(spec, name=name, ports=self._all(module)[number], settings=told)
        return kind(own, self._shared, log=self._logs / f"{name}.log", cwd=self._logs)

    def _internal(self, module: str) -> str:
        return addresses([ports.internal for ports in self._all(module)])

    def _all(self, module: str) -> list[ServicePorts]:
        ports = self.deployment.ports
        if module == SCHEDULER:
            return [ports.scheduler(n) for n in range(2 * REPLICAS)]
        if module == DELIVERY:
            return [ports.delivery(n) for n in range(2 * REPLICAS)]
        more = (ports.base + _MORE_USERS + 3 * n for n in range(2 * REPLICAS - 1))
        return [ports.user, *(ServicePorts(port, port + 1, port + 2) for port in more)]
