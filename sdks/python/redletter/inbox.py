"""Reading the inbox as a worker: one stream that goes on when a replica goes."""

import time
from collections.abc import Generator

import grpc

from redletter.client import Client
from redletter.delivery.v1 import inbox_service_pb2
from redletter.errors import ApiError, from_rpc_error
from redletter.retries import Retries


def pull(
    client: Client, request: inbox_service_pb2.PullInboxRequest, *, retries: Retries | None = None
) -> Generator[inbox_service_pb2.PullInboxResponse, None, None]:
    """Yield leased messages as they come, each to one caller at a time, until the caller closes the iterator.

    Each must be acknowledged (`client.inbox.AckInbox`) before its `lease_until`, or it goes to somebody else. When
    the stream breaks a new one is opened, to another replica if need be; `retries` bounds how often in a row
    (default: 100 times, at most 5 s apart). With `end_when_empty` it ends when nothing is left.

    Raises:
        ApiError: the service refused, or nobody answered for too long.
    """
    policy = retries or Retries(attempts=100)
    failed = 0
    while True:
        stream = client.inbox.PullInbox(request)
        try:
            for response in stream:
                failed = 0
                yield response
        except grpc.RpcError as error:
            failed += 1
            cause = from_rpc_error(error, service="delivery", address=client.addresses.delivery)
            time.sleep(_pause(policy, failed, cause))
        else:
            return
        finally:
            stream.cancel()


def _pause(policy: Retries, failed: int, cause: ApiError) -> float:
    delay = policy.delay(failed, cause)
    if delay is None:
        raise cause from None
    return delay.total_seconds()
