"""Invented people, each of whom is due once within a peak of seconds, in zones all over the world."""

import itertools
import random
import threading
import time
from dataclasses import dataclass, field

from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.client import Client
from redletter.common.v1 import on_enrol_pb2
from redletter.delivery.v1 import endpoint_service_pb2
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2
from redletter.user.v1 import tenant_pb2, tenant_service_pb2, user_pb2, user_service_pb2
from whenever import Instant, ZonedDateTime

from redletter_cli.dev.accounts import Accounts

_ZONES = (
    "Pacific/Auckland", "Asia/Tokyo", "Asia/Kathmandu", "Asia/Kolkata", "Europe/Berlin",
    "America/Sao_Paulo", "America/St_Johns", "America/New_York", "America/Los_Angeles", "Pacific/Honolulu",
)  # fmt: skip
_NIGHT = 21  # o'clock: nobody's peak may cross midnight
_BATCH = 250


@dataclass
class Peak:
    """One tenant whose people are due second by second from `begins` (Unix time) on."""

    client: Client
    tenant_id: str
    begins: int
    seconds: int
    people: dict[str, int] = field(default_factory=dict)
    """Who is due at which Unix second."""

    @property
    def ends(self) -> int:
        """The last second at which somebody is due."""
        return self.begins + self.seconds - 1

    def enrol(self, count: int, *, from_second: int = 0) -> None:
        """Enrol so many more people, spread over the seconds from that one on."""
        for start in range(0, count, _BATCH):
            self._upsert(min(_BATCH, count - start), from_second)

    def feed(self, count: int, *, over: float) -> threading.Thread:
        """Enrol people in small batches over so many seconds, beside whatever else happens."""

        def run() -> None:
            size = 10
            pause = over * size / count
            for _ in range(count // size):
                # Due some seconds from now, so that planning has to be in time; at the end all in the last one.
                ahead = int(time.time()) + 4 - self.begins
                self._upsert(size, max(0, min(self.seconds - 1, ahead)))
                time.sleep(pause)

        thread = threading.Thread(target=run, name="feed")
        thread.start()
        return thread

    def _upsert(self, count: int, from_second: int) -> None:
        chosen = {f"p{next(_NUMBERS):06d}": random.randrange(from_second, self.seconds) for _ in range(count)}
        request = user_service_pb2.BatchUpsertUsersRequest(
            users=[self._user(user_id, second) for user_id, second in chosen.items()],
            on_enrol=on_enrol_pb2.ON_ENROL_SAME_DAY,
        )
        results = self.client.users.BatchUpsertUsers(request).results
        assert not any(r.status.code for r in results if r.HasField("status")), results
        self.people |= {user_id: self.begins + second for user_id, second in chosen.items()}

    def _user(self, user_id: str, second: int) -> user_pb2.User:
        at = local(self.begins + second, second)
        occasion = user_pb2.Occasion(kind=f"s{second}", date=Date(month=at.month, day=at.day))
        return user_pb2.User(
            user_id=user_id, time_zone=at.tz_id, given_name=f"Ada {user_id}", occasions=[occasion]
        )


_NUMBERS = itertools.count()


def local(unix_second: int, turn: int) -> ZonedDateTime:
    """Return the second in one zone after the other, of those where its day is not about to end."""
    instant = Instant.from_timestamp(unix_second)
    there = [at for zone in _ZONES if 1 <= (at := instant.to_tz(zone)).hour < _NIGHT]
    return there[turn % len(there)]


def prepare(accounts: Accounts, name: str, port: int, *, seconds: int, ahead: float) -> Peak:
    """Make a tenant with an endpoint at `port` and one event type per second of a peak that begins soon."""
    addresses = {"user": accounts.user, "scheduler": accounts.scheduler, "delivery": accounts.delivery}
    with Client(addresses, accounts.operator_key) as operator:
        tenant = tenant_pb2.Tenant(name=name, time_zone="UTC", locale="en")
        made = operator.tenants.CreateTenant(tenant_service_pb2.CreateTenantRequest(tenant=tenant))
    client = Client(addresses, made.secret)
    client.endpoints.CreateEndpoint(
        endpoint_service_pb2.CreateEndpointRequest(endpoint_id="sink", url=f"http://127.0.0.1:{port}/")
    )
    _await_tenant(client)
    peak = Peak(client, made.tenant.tenant_id, int(time.time() + ahead) + 1, seconds)
    for second in range(seconds):
        at = local(peak.begins + second, second)
        client.event_types.CreateEventType(
            event_type_service_pb2.CreateEventTypeRequest(
                event_type=event_type_pb2.EventType(
                    event_type_id=f"s{second}",
                    occasion_kind=f"s{second}",
                    local_time=TimeOfDay(hours=at.hour, minutes=at.minute, seconds=at.second),
                    deliver_within={"seconds": 3600},
                    templates=[
                        event_type_pb2.Template(
                            title="Hello {{ user.given_name | default('you') }}", body="It is today."
                        )
                    ],
                )
            )
        )
    return peak


def _await_tenant(client: Client) -> None:
    """Wait until the scheduler knows the tenant: it comes with the feed."""
    deadline = time.monotonic() + 20
    request = event_type_service_pb2.ListEventTypesRequest()
    while not client.event_types.ListEventTypes(request).event_types:
        if time.monotonic() > deadline:
            raise TimeoutError("the scheduler does not know the tenant after 20 s")
        time.sleep(0.05)
