"""When a call is tried again: only what can be repeated, only while nobody answers, a few times."""

import random
from dataclasses import dataclass
from datetime import timedelta

from google.protobuf.message import Message

from redletter.errors import ApiError

IDEMPOTENT = frozenset(
    {
        "/redletter.user.v1.UserService/UpsertUser",
        "/redletter.user.v1.UserService/GetUser",
        "/redletter.user.v1.UserService/ListUsers",
        "/redletter.user.v1.UserService/BatchUpsertUsers",
        "/redletter.user.v1.UserService/SetPreferences",
        "/redletter.user.v1.UserService/SetCareSwitch",
        "/redletter.user.v1.UserService/ClearCareSwitch",
        "/redletter.user.v1.UserService/ListCareSwitches",
        "/redletter.user.v1.TenantService/GetTenant",
        "/redletter.user.v1.ApiKeyService/ListApiKeys",
        "/redletter.user.v1.ApiKeyService/RevokeApiKey",
        "/redletter.scheduler.v1.EventTypeService/CreateEventType",
        "/redletter.scheduler.v1.EventTypeService/GetEventType",
        "/redletter.scheduler.v1.EventTypeService/ListEventTypes",
        "/redletter.scheduler.v1.EventTypeService/PauseEventType",
        "/redletter.scheduler.v1.EventTypeService/ResumeEventType",
        "/redletter.scheduler.v1.EventTypeService/PreviewTemplate",
        "/redletter.scheduler.v1.EventService/GetEvent",
        "/redletter.scheduler.v1.EventService/ListEvents",
        "/redletter.scheduler.v1.EventService/CreateEvent",
        "/redletter.scheduler.v1.EventService/BatchCreateEvents",
        "/redletter.scheduler.v1.EventService/CancelEvent",
        "/redletter.scheduler.v1.EventService/BatchCancelEvents",
        "/redletter.scheduler.v1.HolidayService/SetHoliday",
        "/redletter.scheduler.v1.HolidayService/ListHolidays",
        "/redletter.scheduler.v1.ScheduleService/ExplainSchedule",
        "/redletter.scheduler.v1.ScheduleService/PreviewSchedule",
        "/redletter.scheduler.v1.ScheduleService/ForecastSchedule",
        "/redletter.scheduler.v1.LedgerService/GetLedger",
        "/redletter.scheduler.v1.LedgerService/ListLedgerDays",
        "/redletter.scheduler.v1.SchedulerAdminService/GetSchedulerStatus",
        "/redletter.scheduler.v1.SchedulerAdminService/PauseScheduler",
        "/redletter.scheduler.v1.SchedulerAdminService/GetTzdataDiff",
        "/redletter.scheduler.v1.SchedulerAdminService/GetGuard",
        "/redletter.common.v1.OperationService/GetOperation",
        "/redletter.common.v1.OperationService/ListOperations",
        "/redletter.common.v1.OperationService/PauseOperation",
        "/redletter.common.v1.OperationService/CancelOperation",
        "/redletter.delivery.v1.EndpointService/GetEndpoint",
        "/redletter.delivery.v1.EndpointService/ListEndpoints",
        "/redletter.delivery.v1.EndpointService/EnableEndpoint",
        "/redletter.delivery.v1.EndpointService/DisableEndpoint",
        "/redletter.delivery.v1.EndpointSecretService/ListEndpointSecrets",
        "/redletter.delivery.v1.EndpointSecretService/GetEndpointPublicKey",
        "/redletter.delivery.v1.EndpointSecretService/ExpireEndpointSecret",
        "/redletter.delivery.v1.BreakerService/GetBreaker",
        "/redletter.delivery.v1.DeliveryService/ListDeliveries",
        "/redletter.delivery.v1.DeliveryService/GetDelivery",
        "/redletter.delivery.v1.DeliveryService/ListAttempts",
        "/redletter.delivery.v1.DeadLetterService/ListDeadLetters",
        "/redletter.delivery.v1.DeadLetterService/ListDeadLetterGroups",
        "/redletter.delivery.v1.InboxService/ListInbox",
        "/redletter.delivery.v1.InboxService/AckInbox",
        "/redletter.delivery.v1.InboxService/ExtendInboxLeases",
        "/redletter.delivery.v1.InboxService/BatchDeleteInbox",
        "/redletter.delivery.v1.MessageService/BatchGetMessages",
        "/redletter.delivery.v1.ManifestService/GetManifest",
        "/redletter.delivery.v1.DeliverySettingsService/GetDeliverySettings",
    }
)
"""Methods whose repetition changes nothing and answers the same. DeleteUser is not one: a repetition of a
deletion that worked answers NOT_FOUND; nor is UpdateEventType, whose etag would be stale by then, nor
SkipEvent, whose event is decided by then, nor DeleteEventType, whose second answer names no operation, nor
TestEventType and TestEndpoint, which send each time, nor RotateEndpointSecret, which makes a secret each time."""

_BY_INSTANCE = frozenset(
    {
        "/redletter.scheduler.v1.EventService/TriggerEvent",
        "/redletter.scheduler.v1.EventService/ReissueEvent",
    }
)

_COUNTING = frozenset(
    {
        "/redletter.scheduler.v1.EventService/ReissueEvents",
        "/redletter.delivery.v1.DeliveryService/RedeliverDeliveries",
        "/redletter.delivery.v1.DeadLetterService/DiscardDeadLetters",
    }
)


def repeatable(method: str, request: Message) -> bool:
    """Return whether sending `request` to `method` twice does no more than sending it once.

    TriggerEvent and ReissueEvent are when the request has an `instance` (without one each call makes an event),
    ReissueEvents, RedeliverDeliveries and DiscardDeadLetters when they only count.
    """
    if method in _BY_INSTANCE:
        return bool(getattr(request, "instance", ""))
    if method in _COUNTING:
        return bool(getattr(request, "dry_run", False))
    return method in IDEMPOTENT


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
