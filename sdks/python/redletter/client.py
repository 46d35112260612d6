"""The client: one object for the three services, with key, deadlines, retries and errors that speak."""

from collections.abc import Iterator, Mapping
from datetime import timedelta
from types import TracebackType
from typing import Self

import grpc

from redletter.addresses import Addresses, target
from redletter.calls import MAX_BYTES, Calls, Streams
from redletter.common.v1 import operation_service_pb2_grpc
from redletter.delivery.v1 import (
    breaker_service_pb2_grpc,
    dead_letter_service_pb2_grpc,
    delivery_service_pb2_grpc,
    delivery_settings_service_pb2_grpc,
    endpoint_secret_service_pb2_grpc,
    endpoint_service_pb2_grpc,
    endpoint_trial_service_pb2_grpc,
    inbox_service_pb2_grpc,
    manifest_service_pb2_grpc,
    message_service_pb2_grpc,
)
from redletter.errors import from_rpc_error, too_large
from redletter.keys import check_form
from redletter.operations import Operations
from redletter.retries import Retries
from redletter.scheduler.v1 import (
    event_service_pb2_grpc,
    event_type_service_pb2_grpc,
    holiday_service_pb2_grpc,
    ledger_service_pb2_grpc,
    schedule_service_pb2_grpc,
    scheduler_admin_service_pb2_grpc,
)
from redletter.user.v1 import (
    api_key_service_pb2_grpc,
    tenant_service_pb2_grpc,
    user_service_pb2,
    user_service_pb2_grpc,
)

DEFAULT_TIMEOUT = timedelta(seconds=15)

_OPTIONS: tuple[tuple[str, str | int], ...] = (
    ("grpc.service_config", '{"loadBalancingConfig": [{"round_robin": {}}]}'),
    ("grpc.enable_retries", 0),  # the client retries itself and says what happened
    ("grpc.max_receive_message_length", 16 * 1024 * 1024),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
)


class Client:
    """The public API of a deployment, as the tenant of `api_key`; safe to share between threads.

    Every attribute is the typed stub of one service. A call that fails raises `redletter.errors.ApiError`; calls
    that may be repeated are repeated while a service is away (`retries`), within `timeout`.

    Raises:
        ValueError: an address is missing or malformed, or `api_key` cannot be a key.
    """

    def __init__(
        self,
        addresses: Addresses | Mapping[str, str],
        api_key: str,
        *,
        timeout: timedelta = DEFAULT_TIMEOUT,
        retries: Retries | None = None,
    ) -> None:
        self.addresses = Addresses.of(addresses)
        check_form(api_key)
        self._opened: list[grpc.Channel] = []
        policy = retries or Retries()
        user = self._channel("user", self.addresses.user, api_key, timeout, policy)
        scheduler = self._channel("scheduler", self.addresses.scheduler, api_key, timeout, policy)
        delivery = self._channel("delivery", self.addresses.delivery, api_key, timeout, policy)
        self.users = user_service_pb2_grpc.UserServiceStub(user)
        self.tenants = tenant_service_pb2_grpc.TenantServiceStub(user)
        self.api_keys = api_key_service_pb2_grpc.ApiKeyServiceStub(user)
        self.event_types = event_type_service_pb2_grpc.EventTypeServiceStub(scheduler)
        self.events = event_service_pb2_grpc.EventServiceStub(scheduler)
        self.holidays = holiday_service_pb2_grpc.HolidayServiceStub(scheduler)
        self.schedule = schedule_service_pb2_grpc.ScheduleServiceStub(scheduler)
        self.ledger = ledger_service_pb2_grpc.LedgerServiceStub(scheduler)
        self.operations = Operations(
            operation_service_pb2_grpc.OperationServiceStub(scheduler),
            operation_service_pb2_grpc.OperationServiceStub(delivery),
        )
        self.scheduler_admin = scheduler_admin_service_pb2_grpc.SchedulerAdminServiceStub(scheduler)
        self.endpoints = endpoint_service_pb2_grpc.EndpointServiceStub(delivery)
        self.breakers = breaker_service_pb2_grpc.BreakerServiceStub(delivery)
        self.endpoint_secrets = endpoint_secret_service_pb2_grpc.EndpointSecretServiceStub(delivery)
        self.endpoint_trials = endpoint_trial_service_pb2_grpc.EndpointTrialServiceStub(delivery)
        self.deliveries = delivery_service_pb2_grpc.DeliveryServiceStub(delivery)
        self.dead_letters = dead_letter_service_pb2_grpc.DeadLetterServiceStub(delivery)
        self.inbox = inbox_service_pb2_grpc.InboxServiceStub(delivery)
        self.messages = message_service_pb2_grpc.MessageServiceStub(delivery)
        self.manifests = manifest_service_pb2_grpc.ManifestServiceStub(delivery)
        self.delivery_settings = delivery_settings_service_pb2_grpc.DeliverySettingsServiceStub(delivery)

    def import_users(
        self, requests: Iterator[user_service_pb2.ImportUsersRequest]
    ) -> Iterator[user_service_pb2.ImportUsersResponse]:
        """Yield one answer per request, in order, while `requests` is read ahead by another thread.

        Raises:
            ApiError: the stream broke, or a request is larger than 4 MiB. Go on after the last
                `acknowledged_line` with a new stream.
        """
        refused: list[Exception] = []
        try:
            yield from self.users.ImportUsers(_checked(requests, refused))
        except grpc.RpcError as error:
            raise from_rpc_error(error, service="user", address=self.addresses.user) from None
        if refused:
            raise refused[0]

    def close(self) -> None:
        """Close the connections; calls under way are cancelled."""
        for channel in self._opened:
            channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _channel(
        self, service: str, address: str, api_key: str, timeout: timedelta, retries: Retries
    ) -> grpc.Channel:
        channel = grpc.insecure_channel(target(address), options=_OPTIONS)
        self._opened.append(channel)
        calls = Calls(service=service, address=address, api_key=api_key, timeout=timeout, retries=retries)
        return grpc.intercept_channel(channel, calls, Streams(api_key))


def _checked(
    requests: Iterator[user_service_pb2.ImportUsersRequest], refused: list[Exception]
) -> Iterator[user_service_pb2.ImportUsersRequest]:
    # gRPC reads this in a thread of its own and would turn an exception into "Exception iterating requests!".
    # So the stream ends properly instead, and the reason is raised once everything before it is answered.
    for request in requests:
        size = request.ByteSize()
        if size > MAX_BYTES:
            refused.append(too_large("ImportUsers", size, MAX_BYTES))
            return
        yield request
