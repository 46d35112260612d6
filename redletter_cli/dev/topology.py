"""Which service processes there are, on which ports, and what each is told."""

from collections.abc import Callable
from dataclasses import dataclass

from redletter_cli.dev.errors import Refused
from redletter_cli.dev.ports import MOST_REPLICAS, Ports
from redletter_cli.dev.services import DELIVERY, SCHEDULER, USER, ServiceSpec, addresses

LOOPBACK = "127.0.0.0/8,::1/128"
"""The private networks that webhooks of this deployment may be sent to, there also without TLS."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """How many processes of the services that scale out.

    Raises:
        Refused: fewer than 1 or more than 9.
    """

    schedulers: int = 2
    deliveries: int = 2

    def __post_init__(self) -> None:
        for option, count in (("--schedulers", self.schedulers), ("--deliveries", self.deliveries)):
            if not 1 <= count <= MOST_REPLICAS:
                raise Refused(f"{option} {count} is not possible: allowed are 1 to {MOST_REPLICAS}")


def specs(ports: Ports, shape: Shape, database_url: Callable[[str], str]) -> list[ServiceSpec]:
    """Return every service process; `database_url` takes a role."""
    users = {"REDLETTER_USER_SERVICE_ADDRESS": addresses([ports.user.internal])}
    intakes = [ports.delivery(i).internal for i in range(shape.deliveries)]
    return [
        ServiceSpec(
            name="user-1",
            module=USER,
            ports=ports.user,
            settings={"REDLETTER_DATABASE_URL": database_url(USER)},
        ),
        *(
            ServiceSpec(
                name=f"delivery-{i + 1}",
                module=DELIVERY,
                ports=ports.delivery(i),
                settings={
                    **users,
                    "REDLETTER_DATABASE_URL": database_url(DELIVERY),
                    "REDLETTER_ALLOWED_NETWORKS": LOOPBACK,
                    "REDLETTER_ALLOW_HTTP": "inside",
                },
            )
            for i in range(shape.deliveries)
        ),
        *(
            ServiceSpec(
                name=f"scheduler-{i + 1}",
                module=SCHEDULER,
                ports=ports.scheduler(i),
                settings={
                    **users,
                    "REDLETTER_DATABASE_URL": database_url(SCHEDULER),
                    "REDLETTER_DELIVERY_SERVICE_ADDRESS": addresses(intakes),
                },
            )
            for i in range(shape.schedulers)
        ),
    ]
