"""InboxService: messages that wait for a reader, until they are acknowledged or deleted."""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final, assert_never

import grpc
from redletter.common.v1 import item_result_pb2
from redletter.delivery.v1 import inbox_service_pb2 as wire
from redletter.delivery.v1 import inbox_service_pb2_grpc, message_pb2
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import pages
from chassis.clocks import BusinessClock
from chassis.errors import IllegalTransition, NotFound, RedletterError
from chassis.rpc.credentials import tenant_id
from chassis.rpc.errors import status_of
from chassis.wire import span, timestamp
from delivery_service.api import inbox_filters, page_keys, rendering_messages
from delivery_service.store import inbox, inbox_endings, inbox_leases
from delivery_service.store.inbox import Key
from delivery_service.store.inbox_endings import Standing
from delivery_service.store.inbox_leases import Lease
from delivery_service.workers.inbox_pulls import InboxPulls, Pull
from delivery_service.workers.observations import INBOX_ACKED, INBOX_DISCARDED

LARGEST_PAGE: Final = 2 * 1024 * 1024
DEFAULT_LEASE: Final = timedelta(seconds=60)
DEFAULT_PULL: Final = 100
_FIRST: Final = datetime.min.replace(tzinfo=UTC)
_UNACKED = message_pb2.Message.STATE_UNACKED
_ACKED = message_pb2.Message.STATE_ACKED


class InboxServicer(inbox_service_pb2_grpc.InboxServiceServicer):
    """Parses, calls, renders; `withdrawn` is called when a replica holds what an acknowledgement ends."""

    def __init__(
        self, engine: AsyncEngine, clock: BusinessClock, pulls: InboxPulls, *, withdrawn: Callable[[], None]
    ) -> None:
        self._engine = engine
        self._clock = clock
        self._pulls = pulls
        self._withdrawn = withdrawn

    async def ListInbox(
        self, request: wire.ListInboxRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListInboxResponse:
        """List messages in the order they were accepted."""
        states = set(request.states) or {_UNACKED}
        asked = inbox_filters.parsed(request)
        bound_to = ["inbox", tenant_id(), sorted(states), asked]
        found = await inbox.page(
            self._engine,
            tenant_id(),
            asked,
            unacked=_UNACKED in states,
            acked=_ACKED in states,
            after=_after(page_keys.decode(request.page_token, bound_to, shape=(*page_keys.MOMENT, str))),
            size=pages.page_size(request.page_size),
            largest=LARGEST_PAGE,
        )
        token = pages.encode(_key(found.after), bound_to) if found.after else ""
        return wire.ListInboxResponse(
            messages=[rendering_messages.inbox_message(one) for one in found.messages], next_page_token=token
        )

    async def PullInbox(
        self, request: wire.PullInboxRequest, context: grpc.aio.ServicerContext
    ) -> AsyncIterator[wire.PullInboxResponse]:
        """Lease messages and stream them as they come."""
        reader = self._pulls.open(
            tenant_id(),
            Pull(
                inbox_filters.parsed(request),
                request.max_messages or DEFAULT_PULL,
                _lease(request),
                request.end_when_empty,
            ),
        )
        # A call that is cut while it waits for its caller to read never comes back here.
        context.add_done_callback(reader.left)  # type: ignore[arg-type]  # the stubs have a class there
        async for message, token in reader.messages():
            yield wire.PullInboxResponse(message=rendering_messages.inbox_message(message), lease_token=token)

    async def ExtendInboxLeases(
        self, request: wire.ExtendInboxLeasesRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ExtendInboxLeasesResponse:
        """Make leases last longer."""
        until = self._clock.real().add(seconds=_lease(request).total_seconds())
        done = await inbox_leases.extend(self._engine, tenant_id(), _leases(request.leases), until=until)
        results = await self._leased(request.leases, done)
        return wire.ExtendInboxLeasesResponse(results=results, lease_until=timestamp(until))

    async def ReleaseInboxLeases(
        self, request: wire.ReleaseInboxLeasesRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ReleaseInboxLeasesResponse:
        """Give leased messages back."""
        free_from = self._clock.real().add(seconds=span(request.delay).total_seconds())
        done = await inbox_leases.release(
            self._engine, tenant_id(), _leases(request.leases), free_from=free_from
        )
        self._pulls.arrived([tenant_id()])
        return wire.ReleaseInboxLeasesResponse(results=await self._leased(request.leases, done))

    async def AckInbox(
        self, request: wire.AckInboxRequest, _context: grpc.aio.ServicerContext
    ) -> wire.AckInboxResponse:
        """Acknowledge messages; an acknowledged one answers OK again."""
        done = await inbox_endings.acknowledge(
            self._engine, tenant_id(), _storable(request.event_ids), now=self._clock.now()
        )
        INBOX_ACKED.inc(done.fresh)
        self._pulls.arrived([tenant_id()])
        if done.on_the_wire:
            self._withdrawn()
        results = _results(
            request.event_ids, done.event_ids, lambda event_id: _unacked(event_id, done.others.get(event_id))
        )
        return wire.AckInboxResponse(results=results, on_the_wire=sorted(done.on_the_wire))

    async def BatchDeleteInbox(
        self, request: wire.BatchDeleteInboxRequest, _context: grpc.aio.ServicerContext
    ) -> wire.BatchDeleteInboxResponse:
        """Delete messages that nobody has acknowledged."""
        done = await inbox_endings.discard(
            self._engine, tenant_id(), _storable(request.event_ids), now=self._clock.now()
        )
        INBOX_DISCARDED.inc(done.fresh)
        self._pulls.arrived([tenant_id()])
        results = _results(
            request.event_ids,
            done.event_ids,
            lambda event_id: _undeleted(event_id, done.others.get(event_id)),
        )
        return wire.BatchDeleteInboxResponse(results=results)

    async def _leased(
        self, leases: Sequence[wire.InboxLease], done: Collection[str]
    ) -> list[item_result_pb2.ItemResult]:
        refused = _storable(lease.event_id for lease in leases if lease.event_id not in done)
        async with self._engine.connect() as connection:
            others = await inbox_endings.standings(connection, tenant_id(), set(refused))
        ids = [lease.event_id for lease in leases]
        return _results(ids, done, lambda event_id: _unleased(event_id, others.get(event_id)))


def _storable(event_ids: Iterable[str]) -> list[str]:
    """Return the ids that PostgreSQL could hold at all; items are not checked by the boundary."""
    return [event_id for event_id in event_ids if "\0" not in event_id]


def _leases(leases: Iterable[wire.InboxLease]) -> list[Lease]:
    given = (Lease(lease.event_id, lease.lease_token) for lease in leases)
    return [lease for lease in given if "\0" not in lease.event_id + lease.lease_token]


def _lease(request: wire.PullInboxRequest | wire.ExtendInboxLeasesRequest) -> timedelta:
    return span(request.lease) if request.HasField("lease") else DEFAULT_LEASE


def _results(
    event_ids: Sequence[str], done: Collection[str], refusal: Callable[[str], RedletterError]
) -> list[item_result_pb2.ItemResult]:
    results = []
    for index, event_id in enumerate(event_ids):
        result = item_result_pb2.ItemResult(index=index)
        if event_id in done:
            result.status.SetInParent()
        else:
            result.status.CopyFrom(status_of(refusal(event_id)))
        results.append(result)
    return results


def _unacked(event_id: str, standing: Standing | None) -> RedletterError:
    return _refused(event_id, standing, "so that it cannot be acknowledged")


def _undeleted(event_id: str, standing: Standing | None) -> RedletterError:
    return _refused(event_id, standing, "so that it cannot be deleted")


def _unleased(event_id: str, standing: Standing | None) -> RedletterError:
    return _refused(event_id, standing, "so that the lease is over")


def _refused(event_id: str, standing: Standing | None, effect: str) -> RedletterError:
    name = f'"{event_id[:80]}"'
    match standing:
        case None:
            return NotFound(f"the inbox has no message {name}")
        case Standing.WAITING:
            return IllegalTransition(f"message {name} was released or leased by somebody else, {effect}")
        case Standing.ACKED:
            return IllegalTransition(f"message {name} was acknowledged, {effect}")
        case Standing.DISCARDED:
            return IllegalTransition(f"message {name} was deleted, {effect}")
        case Standing.STOPPED:
            return IllegalTransition(f"message {name} was stopped, {effect}")
        case _:
            assert_never(standing)


def _key(after: Key) -> list[str | int]:
    return [*page_keys.of_moment(after[0]), after[1]]


def _after(key: "list[str | int] | None") -> Key:
    if key is None:
        return _FIRST, ""
    return page_keys.moment(key[:3]), str(key[3])
