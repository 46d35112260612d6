"""UserFeedService: what the scheduler's leader has not applied yet."""

import uuid
from collections.abc import Sequence

import structlog
from redletter.user.v1 import user_feed_service_pb2, user_feed_service_pb2_grpc

from chassis.clocks import BusinessClock
from chassis.errors import InvalidInput
from user_service.api import rendering
from user_service.api.calls import Context
from user_service.api.paging import LARGEST_FEED_PAGE, within
from user_service.domain.changes import Applied
from user_service.store.changes import Changes
from user_service.store.epochs import Reader

log = structlog.get_logger()


class FeedServicer(user_feed_service_pb2_grpc.UserFeedServiceServicer):
    """Pull, acknowledge, resync."""

    def __init__(self, changes: Changes, clock: BusinessClock) -> None:
        self._changes = changes
        self._clock = clock

    async def PullChanges(
        self, request: user_feed_service_pb2.PullChangesRequest, _context: Context
    ) -> user_feed_service_pb2.PullChangesResponse:
        """Answer the most urgent changes; nothing is removed."""
        reader = Reader(request.reader_serial, request.confirmed_serial, request.confirmed_epoch)
        page = await self._changes.pull(request.max_items, reader=reader, real=self._clock.real())
        return user_feed_service_pb2.PullChangesResponse(
            epoch=page.epoch,
            changes=within((rendering.change(change) for change in page.changes), LARGEST_FEED_PAGE),
            backlog=page.backlog,
            restored=rendering.restored(page.restored),
        )

    async def AckChanges(
        self, request: user_feed_service_pb2.AckChangesRequest, _context: Context
    ) -> user_feed_service_pb2.AckChangesResponse:
        """Remove what is applied, unless it has changed again."""
        removed = await self._changes.acknowledge(
            request.epoch, _applied(request.changes), serial=request.reader_serial
        )
        return user_feed_service_pb2.AckChangesResponse(removed=removed)

    async def Resync(
        self, _request: user_feed_service_pb2.ResyncRequest, _context: Context
    ) -> user_feed_service_pb2.ResyncResponse:
        """Begin a new epoch and mark everything."""
        epoch = await self._changes.resync(real=self._clock.real())
        log.info("feed.resynced", epoch=epoch)
        return user_feed_service_pb2.ResyncResponse(epoch=epoch)


def _applied(changes: Sequence[user_feed_service_pb2.AppliedChange]) -> list[Applied]:
    return [
        Applied(_uuid(change.tenant_id, index), change.user_id, change.version)
        for index, change in enumerate(changes)
    ]


def _uuid(text: str, index: int) -> str:
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise InvalidInput.at(
            f"changes[{index}].tenant_id", f"{text[:80]!r} is not a tenant", allowed="tenant_id of the change"
        ) from None
