"""Events handed over as the scheduler does: batches over one channel, the same bytes until they are accepted."""

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import grpc
from google.protobuf.timestamp_pb2 import Timestamp
from google.type.date_pb2 import Date
from redletter.delivery.v1 import intake_service_pb2 as wire
from redletter.delivery.v1.intake_service_pb2_grpc import IntakeServiceStub

from chassis.rpc.channel import connect
from chassis.rpc.credentials import InternalToken

BATCH_SECONDS = 0.025
AGAIN_SECONDS = 1.0
CALL_SECONDS = 10.0
PEOPLE = 50
_BODY = b'{"type":"birthday","data":{"message":{"title":"Happy birthday","body":"%s"}}}' % (b"x" * 400)
# An event is stamped a moment after its batch.
_MARGIN_NS = 5_000_000
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


@dataclass(frozen=True)
class Offered:
    """One event: whose it is, and when it was due (Unix nanoseconds)."""

    event_id: str
    user_id: str
    due_ns: int


@dataclass(frozen=True)
class Stop:
    """A stop of what was decided before an instant, of a person or of single events; times are Unix nanoseconds."""

    user_id: str
    event_ids: frozenset[str]
    decided_before_ns: int
    answered_ns: int

    def covers(self, event: Offered) -> bool:
        """Return whether the event must not leave any more after the answer."""
        if event.due_ns >= self.decided_before_ns:
            return False
        return event.user_id == self.user_id or event.event_id in self.event_ids


class Load:
    """So many events per second for a tenant, until `stop`; what is refused is offered again."""

    def __init__(self, addresses: str, secret: str, *, tenant_id: str, endpoint_id: str, rate: int) -> None:
        self._channel = connect(addresses, InternalToken(secret), peer="delivery_service")
        self._intake = IntakeServiceStub(self._channel)
        self._tenant_id = tenant_id
        self._endpoint_id = endpoint_id
        self._rate = rate
        self._offers: set[asyncio.Task[None]] = set()
        self.offered: dict[str, Offered] = {}
        self.results: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.stops: list[Stop] = []

    async def run(self, seconds: float, *, busy: Callable[[], bool]) -> None:
        """Offer for so long and while something is `busy`, then wait until everything is accepted."""
        began, sent = time.monotonic(), 0
        while (passed := time.monotonic() - began) < seconds or busy():
            wanted = int(passed * self._rate) - sent
            if wanted > 0:
                self._offer(wanted, first=sent)
                sent += wanted
            await asyncio.sleep(BATCH_SECONDS)
        await asyncio.gather(*self._offers)

    async def close(self) -> None:
        """Close the channel."""
        await self._channel.close()

    async def delete_person(self, number: int) -> None:
        """Stop everything of one of the people, as a deletion does."""
        await self._stop(user_id=f"u{number}")

    async def cancel(self, event_ids: list[str]) -> None:
        """Stop single events."""
        await self._stop(events=event_ids)

    async def _stop(self, *, user_id: str = "", events: list[str] | None = None) -> None:
        subject = {"events": wire.EventIds(event_ids=events)} if events else {"user_id": user_id}
        now, before = datetime.now(UTC), time.time_ns()
        request = wire.CancelEventsRequest(
            tenant_id=self._tenant_id, decided_before=_stamp(now), reason="benchmark", **subject
        )
        answer = await self._intake.CancelEvents(request, timeout=CALL_SECONDS)
        # What had been received, or could not be held back, is none of the promise.
        excepted = {*answer.too_late_event_ids}
        self.stops.append(
            Stop(user_id, frozenset(events or ()) - excepted, before - _MARGIN_NS, time.time_ns())
        )

    def _offer(self, count: int, *, first: int) -> None:
        now = datetime.now(UTC)
        made = []
        for n in range(first, first + count):
            event_id = f"evt_{''.join(secrets.choice(_ALPHABET) for _ in range(26))}_2027"
            person = f"u{n % PEOPLE}"
            self.offered[event_id] = Offered(event_id, person, time.time_ns())
            made.append(
                wire.AcceptedEvent(
                    event_id=event_id,
                    tenant_id=self._tenant_id,
                    user_id=person,
                    event_type_id="birthday",
                    occurrence_date=Date(year=now.year, month=now.month, day=now.day),
                    due_time=_stamp(now),
                    decide_time=_stamp(now),
                    deliver_by=_stamp(now + timedelta(hours=1)),
                    priority=2,
                    body=_BODY,
                    endpoint_id=self._endpoint_id,
                )
            )
        task = asyncio.create_task(self._until_accepted(made))
        self._offers.add(task)
        task.add_done_callback(self._offers.discard)

    async def _until_accepted(self, events: list[wire.AcceptedEvent]) -> None:
        request = wire.AcceptEventsRequest(handover_id=secrets.token_hex(8), events=events)
        while True:
            try:
                answer = await self._intake.AcceptEvents(request, timeout=CALL_SECONDS)
            except grpc.aio.AioRpcError as error:
                self.errors[error.code().name] += 1
                await asyncio.sleep(AGAIN_SECONDS)
                continue
            self.results.update(
                wire.AcceptResult.Result.Name(result.result).removeprefix("RESULT_")
                for result in answer.results
            )
            return


def _stamp(moment: datetime) -> Timestamp:
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp
