"""One message through the whole deployment, for `helm test`: a tenant, a person, an event, read back from the inbox."""

import os
import secrets
import sys
import time
from collections.abc import Callable
from typing import Final, TypeVar

from redletter.client import Client
from redletter.delivery.v1 import inbox_service_pb2, message_pb2
from redletter.errors import ApiError
from redletter.scheduler.v1 import event_service_pb2
from redletter.user.v1 import tenant_pb2, tenant_service_pb2, user_pb2, user_service_pb2

WITHIN_SECONDS: Final = 60.0
_AGAIN_SECONDS: Final = 0.25
_SERVICES: Final = ("user", "scheduler", "delivery")
_EVENT_TYPE: Final = "birthday"

T = TypeVar("T")


def main() -> int:
    """Send one message and read it back; 0 when it came, 1 with a sentence when it did not, 2 for a wrong setting."""
    names = ["REDLETTER_OPERATOR_KEY", *(f"REDLETTER_{service.upper()}_ADDRESS" for service in _SERVICES)]
    missing = [name for name in names if not os.environ.get(name)]
    if missing:
        sys.stderr.write(f"one-message: {', '.join(missing)} must be set\n")
        return 2
    addresses = {service: os.environ[f"REDLETTER_{service.upper()}_ADDRESS"] for service in _SERVICES}
    began = time.monotonic()
    try:
        message = send(addresses, os.environ["REDLETTER_OPERATOR_KEY"])
    except (ApiError, TimeoutError) as error:
        sys.stderr.write(f"one-message: {error}\n")
        return 1
    seconds = time.monotonic() - began
    sys.stdout.write(f"{message.event_id} came to the inbox {seconds:.1f} s after the first call\n")
    return 0


def send(addresses: dict[str, str], operator_key: str) -> message_pb2.Message:
    """Return the message of a new tenant's only person, acknowledged.

    Raises:
        ApiError: a service refused.
        TimeoutError: it did not come within a minute.
    """
    with Client(addresses, operator_key) as operator:
        tenant = tenant_pb2.Tenant(name=f"helm-test-{secrets.token_hex(6)}", time_zone="UTC", locale="en")
        made = operator.tenants.CreateTenant(tenant_service_pb2.CreateTenantRequest(tenant=tenant))
    with Client(addresses, made.secret) as client:
        person = user_pb2.User(user_id="ada", time_zone="Europe/Lisbon", given_name="Ada")
        client.users.UpsertUser(user_service_pb2.UpsertUserRequest(user=person))
        wanted = event_service_pb2.CreateEventRequest(
            instance="helm-test", user_id=person.user_id, event_type_id=_EVENT_TYPE
        )
        # The scheduler learns of tenant and person through the feed, within a second or so.
        event = _until(lambda: _created(client, wanted), "the scheduler does not know the person")
        message = _until(lambda: _received(client, event), f"{event} did not come to the inbox")
        client.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=[event]))
    return message


def _created(client: Client, wanted: event_service_pb2.CreateEventRequest) -> str | None:
    try:
        return str(client.events.CreateEvent(wanted).event.event_id)
    except ApiError as error:
        if error.code != "NOT_FOUND":
            raise
        return None


def _received(client: Client, event_id: str) -> message_pb2.Message | None:
    listed = client.inbox.ListInbox(inbox_service_pb2.ListInboxRequest(page_size=10))
    return next((message for message in listed.messages if message.event_id == event_id), None)


def _until(look: Callable[[], T | None], otherwise: str) -> T:
    deadline = time.monotonic() + WITHIN_SECONDS
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"{otherwise} within {WITHIN_SECONDS:.0f} s")
        time.sleep(_AGAIN_SECONDS)
    return found


if __name__ == "__main__":
    sys.exit(main())
