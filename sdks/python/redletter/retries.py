"""When a call is tried again: only what can be repeated, only while nobody answers, a few times."""

import random
from dataclasses import dataclass
from datetime import timedelta

from redletter.errors import ApiError

IDEMPOTENT = frozenset(
    {
        "/redletter.user.v1.UserService/UpsertUser",
        "/redletter.user.v1.UserService/GetUser",
        "/redletter.user.v1.UserService/ListUsers",
        "/redletter.user.v1.UserService/BatchUpsertUsers",
        "/redletter.user.v1.TenantService/GetTenant",
        "/redletter.user.v1.ApiKeyService/ListApiKeys",
        "/redletter.user.v1.ApiKeyService/RevokeApiKey",
        "/redletter.scheduler.v1.EventTypeService/CreateEventType",
        "/redletter.scheduler.v1.EventTypeService/GetEventType",
        "/redletter.scheduler.v1.EventTypeService/ListEventTypes",
        "/redletter.scheduler.v1.EventService/GetEvent",
        "/redletter.scheduler.v1.EventService/ListEvents",
        "/redletter.scheduler.v1.SchedulerAdminService/GetSchedulerStatus",
        "/redletter.delivery.v1.EndpointService/GetEndpoint",
        "/redletter.delivery.v1.EndpointService/ListEndpoints",
        "/redletter.delivery.v1.DeliveryService/ListDeliveries",
        "/redletter.delivery.v1.DeliveryService/GetDelivery",
        "/redletter.delivery.v1.DeliveryService/ListAttempts",
        "/redletter.delivery.v1.InboxService/ListInbox",
        "/redletter.delivery.v1.InboxService/AckInbox",
    }
)
"""Methods whose repetition changes nothing and answers the same. DeleteUser is not one: a repetition of a
deletion that worked answers NOT_FOUND; nor is UpdateEventType, whose etag would be stale by then."""


@dataclass(frozen=True)
class Retries:
    """Exponential backoff with full jitter: before try n + 1 wait 0 to min(cap, base * 2^(n-1))."""

    attempts: int = 6
    base: timedelta = timedelta(milliseconds=200)
    cap: timedelta = timedelta(seconds=5)

    def delay(self, failed: int, error: ApiError) -> timedelta | None:
        """Return how long to wait after `failed` tries (from 1), or None if `error` ends the call.

        What the service asked for (`retry_after`) is waited for at least.
        """
        if error.code != "UNAVAILABLE" or failed >= self.attempts:
            return None
        # A doubling without this bound overflows after a thousand tries of an import that is told to go on.
        ceiling = min(self.cap, self.base * (1 << min(failed - 1, 30)))
        # Jitter spreads clients out; nobody gains by guessing it.
        jitter = ceiling * random.random()  # noqa: S311
        return (error.retry_after or timedelta(0)) + jitter
