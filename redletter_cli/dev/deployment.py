"""All of Redletter on this machine: PostgreSQL and Valkey first, the services on them, and back in reverse."""

import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

from redletter_cli.dev.accounts import Accounts, ensure_accounts
from redletter_cli.dev.arrivals import ReceiverProcess
from redletter_cli.dev.clock import Clock, ClockFile
from redletter_cli.dev.errors import Refused
from redletter_cli.dev.keeper import Keeper, Say
from redletter_cli.dev.migrations import DATABASE, bring_up_to_date
from redletter_cli.dev.places import Places, write_json
from redletter_cli.dev.ports import Ports
from redletter_cli.dev.premises import await_predecessor, require_free_ports
from redletter_cli.dev.services import DELIVERY, SCHEDULER, USER, Service, ServiceSpec, addresses
from redletter_cli.dev.topology import Shape, specs
from redletter_cli.embedded import Postgres, Valkey
from redletter_cli.embedded.directory import DirectoryLock, make_private

_READY_WITHIN = timedelta(seconds=90)
_REACHED_SECONDS = 1.0


class Deployment:
    """Everything on one machine, kept below `data_dir`: `open`, `start_services`, `tick` often, `close`."""

    def __init__(self, data_dir: Path, *, ports: Ports, shape: Shape, say: Say) -> None:
        self.places = Places(make_private(data_dir))
        self.ports = ports
        self.accounts = Accounts.read(self.places.client)
        self.clock = Clock()
        self.clock_file = ClockFile(self.places.clock)
        self.services: list[Service] = []
        self._shape = shape
        self._say = say
        self._keeper = Keeper(say, changed=self._note_processes)
        self._lock = DirectoryLock(self.places.root)
        self._postgres: Postgres | None = None
        self._valkey: Valkey | None = None
        self._receiver: ReceiverProcess | None = None
        self._noted = 0.0

    @property
    def crashes(self) -> int:
        """How many processes have ended without being asked to."""
        return self._keeper.crashes

    @property
    def receiver_port(self) -> int:
        """Where the endpoint of this data directory points: the port of its first start, whatever the base is now."""
        return self.accounts.receiver_port or self.ports.receiver

    def ensure_accounts(self) -> None:
        """Make operator key, tenant, API key and endpoint where they are missing, and write client.json.

        Raises:
            EmbeddedError: one of them could not be made.
            ApiError: a service refused.
        """
        assert self._receiver is not None
        present = replace(
            self.accounts,
            user=addresses([self.ports.user.public]),
            scheduler=addresses([self.ports.scheduler(i).public for i in range(self._shape.schedulers)]),
            delivery=addresses([self.ports.delivery(i).public for i in range(self._shape.deliveries)]),
        )
        [user] = [spec for spec in self._specs() if spec.module == USER]
        self.accounts = ensure_accounts(
            present,
            self.places.client,
            bootstrap=user.environment(self._shared(self.clock)),
            receiver_port=self.receiver_port,
        )
        self._receiver.trust(self.accounts.receiver_secret)

    def lock(self) -> None:
        """Make this process the owner of the data directory.

        Raises:
            DataDirectoryInUse: somebody else is.
        """
        self._lock.acquire()

    def start_servers(self) -> None:
        """Start PostgreSQL, Valkey and the webhook receiver, and bring the schemas up to date.

        Raises:
            EmbeddedError: a port is taken, or something did not start.
        """
        self.lock()
        self.places.services.mkdir(exist_ok=True)
        await_predecessor(self.places, self._say)
        require_free_ports(self.ports, self._shape, receiver=self.receiver_port)
        # It needs nobody: it starts while the others do, and is waited for with the services.
        self._receiver = ReceiverProcess(self.places, port=self.receiver_port)
        self._receiver.start()
        self._postgres = Postgres(self.places.postgres, port=self.ports.postgres)
        self._valkey = Valkey(self.places.valkey, port=self.ports.valkey)
        if self._postgres.notice:
            self._say(self._postgres.notice)
        self._postgres.start()
        self._keeper.watch("PostgreSQL", self._postgres)
        self._valkey.start()
        self._keeper.watch("Valkey", self._valkey)
        shared = self._shared(Clock())
        # The first process of each service stands for its settings.
        environments = {spec.module: spec.environment(shared) for spec in reversed(self._specs())}
        bring_up_to_date(self._postgres, self.places, environments)

    def start_services(self, clock: Clock) -> None:
        """Start every service with `clock` and return when all are ready.

        Raises:
            StartFailed: one ended or was not ready within 90 s; carries its last words.
        """
        assert self._receiver is not None
        self.clock = clock
        self.clock_file.write(clock)
        shared = self._shared(clock)
        self.services = [
            Service(spec, shared, log=self.places.log(spec.name), cwd=self.places.services)
            for spec in self._specs()
        ]
        for service in self.services:
            service.start()
        for service in self.services:
            service.wait_ready(_READY_WITHIN)
            self._keeper.watch(service.name, service, last_words=service.last_words)
        self._receiver.wait_ready()
        self._keeper.watch("the webhook receiver", self._receiver)
        self._note_processes()

    def stop_services(self) -> None:
        """Stop schedulers, then deliveries, then user_service, so that what is under way finds its way on."""
        self._keeper.forget([*self.services, *([self._receiver] if self._receiver else [])])
        for module in (SCHEDULER, DELIVERY, USER):
            _stop_together(service for service in self.services if service.spec.module == module)
        self.services = []
        self._note_processes()

    def restart_services(self, clock: Clock) -> None:
        """Give all services another clock; the servers stay up."""
        self.stop_services()
        self.start_services(clock)

    def tick(self) -> None:
        """Look after everything once: start again what crashed, note how far business time has come."""
        self._keeper.tick()
        if time.monotonic() - self._noted >= _REACHED_SECONDS:
            self._noted = time.monotonic()
            self.clock_file.write(self.clock)

    def close(self) -> None:
        """Stop everything in order; what was never started is left alone."""
        started = bool(self.services)
        self.stop_services()
        if started:
            self.clock_file.write(self.clock, clean=True)
        for server in (self._receiver, self._valkey, self._postgres):
            if server:
                self._keeper.forget([server])
                server.stop()
        self._receiver = self._valkey = self._postgres = None
        self._lock.release()

    def pids(self) -> dict[str, int]:
        """Return the process ids of everything that was started, by name."""
        named = {"postgres": self._postgres, "valkey": self._valkey, "receiver": self._receiver}
        pids = {name: server.pid for name, server in named.items() if server}
        pids |= {service.name: service.pid for service in self.services}
        return {name: pid for name, pid in pids.items() if pid is not None}

    def _note_processes(self) -> None:
        write_json(self.places.processes, dict(self.pids()))

    def _specs(self) -> list[ServiceSpec]:
        assert self._postgres is not None
        return specs(self.ports, self._shape, partial(self._postgres.url, DATABASE))

    def _shared(self, clock: Clock) -> dict[str, str]:
        assert self._valkey is not None
        return {
            "REDLETTER_REDIS_URL": self._valkey.url(),
            "REDLETTER_INTERNAL_SECRET": self.places.internal_secret(),
            **clock.environment(),
        }


def open_deployment(data: Path, *, ports: Ports, shape: Shape, say: Say) -> Deployment:
    """Return the deployment that lives in `data`, nothing started yet.

    Raises:
        Refused: the directory cannot be made or used.
    """
    try:
        return Deployment(data, ports=ports, shape=shape, say=say)
    except OSError as error:
        raise Refused(f"the data directory {data} cannot be used: {error.strerror or error}") from error


def _stop_together(services: Iterable[Service]) -> None:
    listed = list(services)
    if listed:
        with ThreadPoolExecutor(len(listed)) as pool:
            list(pool.map(Service.stop, listed))
