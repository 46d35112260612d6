"""Three deliveries as shipped, a tenant, and the hands that end processes."""

import signal
import time
from datetime import timedelta
from pathlib import Path

import psutil
from redletter.client import Client
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.user.v1 import tenant_pb2, tenant_service_pb2

from benchmarks.burst import Sink
from benchmarks.fault.stage import send
from benchmarks.replica.load import Load
from redletter_cli.dev.clock import Clock
from redletter_cli.dev.deployment import Deployment
from redletter_cli.dev.ports import Ports, free_base
from redletter_cli.dev.services import DELIVERY, Service, addresses
from redletter_cli.dev.topology import Shape

__all__ = ["READY_WITHIN", "Sink", "Stage", "bring_back", "kill"]

REPLICAS = 3
READY_WITHIN = timedelta(seconds=60)


class Stage:
    """Three deliveries and a tenant; what is done to them is done by the scenarios."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.deployment = Deployment(
            directory / "data",
            ports=Ports(free_base()),
            shape=Shape(schedulers=1, deliveries=REPLICAS),
            say=lambda _: None,
        )

    def start(self) -> None:
        """Start everything and make the tenant."""
        self.deployment.start_servers()
        self.deployment.start_services(Clock())
        self.deployment.ensure_accounts()
        with self.deployment.accounts.as_operator() as operator:
            tenant = tenant_pb2.Tenant(name="replicas", time_zone="UTC", locale="en")
            made = operator.tenants.CreateTenant(tenant_service_pb2.CreateTenantRequest(tenant=tenant))
        self.tenant_id, self._key = made.tenant.tenant_id, made.secret
        [first, *_] = self.replicas
        environment = psutil.Process(first.pid).environ()
        self.store = environment["REDLETTER_DATABASE_URL"]
        self._secret = environment["REDLETTER_INTERNAL_SECRET"]

    @property
    def replicas(self) -> list[Service]:
        """The delivery replicas."""
        return [s for s in self.deployment.services if s.spec.module == DELIVERY]

    def add_endpoint(self, endpoint_id: str, port: int) -> None:
        """Create an endpoint that does not give up on a slow receiver."""
        accounts = self.deployment.accounts
        named = {"user": accounts.user, "scheduler": accounts.scheduler, "delivery": accounts.delivery}
        with Client(named, self._key) as client:
            client.endpoints.CreateEndpoint(
                endpoint_service_pb2.CreateEndpointRequest(
                    endpoint_id=endpoint_id,
                    url=f"http://127.0.0.1:{port}/",
                    timeout={"seconds": 20},
                )
            )

    def load(self, endpoint_id: str, rate: int) -> Load:
        """Return a load for one endpoint, over a channel to all replicas."""
        intakes = addresses([s.spec.ports.internal for s in self.replicas])
        return Load(intakes, self._secret, tenant_id=self.tenant_id, endpoint_id=endpoint_id, rate=rate)


def kill(service: Service) -> None:
    """kill -9, and return when it has ended."""
    assert service.pid is not None
    send(service.pid, signal.SIGKILL)
    while service.poll() is None:
        time.sleep(0.001)


def bring_back(service: Service) -> None:
    """Start a replica and return when it is ready."""
    service.start()
    service.wait_ready(READY_WITHIN)
