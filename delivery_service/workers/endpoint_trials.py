"""Trials: one sample message to one endpoint, now, and what came back. Nothing of it is stored or counted."""

import asyncio
import math
import time
from dataclasses import replace
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.errors import IllegalTransition, NotFound, TooManyRequests
from delivery_service.domain.deliveries import LaneKey, QueuedDelivery
from delivery_service.domain.endpoints import EndpointState
from delivery_service.domain.samples import new_test_id, sample_body
from delivery_service.store import endpoints
from delivery_service.store.endpoints import Target
from delivery_service.transport.requests import Answer, Request, Sender
from delivery_service.workers.lane import Lane

EVERY_SECONDS: Final = 1.0
_REMEMBERED: Final = 10_000


class Trial(NamedTuple):
    """What was sent and what came back."""

    test_id: str
    start_time: Instant
    request: Request
    secret_id: str
    answer: Answer


class EndpointTrials:
    """Tries endpoints out, each once at a time and once a second, so that nobody makes load with it."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock, sender: Sender) -> None:
        self._engine = engine
        self._clock = clock
        self._sender = sender
        # When an endpoint may be tried again (monotonic); infinity while it is being tried.
        self._again: dict[LaneKey, float] = {}

    async def perform(self, key: LaneKey, event_type_id: str) -> Trial:
        """Send a sample to an endpoint, enabled or not, and wait for what comes back.

        Raises:
            TooManyRequests: it is being tried, or was less than a second ago.
            NotFound: the tenant has no such endpoint.
            IllegalTransition: it has no secret that signs.
        """
        began = self._admit(key)
        came: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()

        def done(answer: Answer) -> None:
            # Not when the caller goes away: what he left on the wire still counts as his one trial.
            self._over(key, began)
            if not came.done():
                came.set_result(answer)

        try:
            lane = _lane(key, await self._target(key))
            row = _row(key, event_type_id, now=self._clock.now())
            request = lane.request(row)._replace(keep_headers=True)
            started = self._clock.real()
            self._sender.send(request, done)
        except BaseException:
            self._over(key, began)
            raise
        return Trial(row.event_id, started, request, lane.signers.secret_id, await came)

    async def _target(self, key: LaneKey) -> Target:
        async with self._engine.connect() as connection:
            found = (await endpoints.targets(connection, [key])).get(key)
        if found is None:
            raise NotFound(f'there is no endpoint "{key.endpoint_id}"')
        if not found.secrets:
            raise IllegalTransition(f'the endpoint "{key.endpoint_id}" has no valid secret; rotate it')
        return found

    def _admit(self, key: LaneKey) -> float:
        began = time.monotonic()
        wait = self._again.get(key, began) - began
        if wait > 0:
            why = "is being tried" if math.isinf(wait) else "was tried less than a second ago"
            raise TooManyRequests(
                f'the endpoint "{key.endpoint_id}" {why}; one trial at a time and one per second are allowed',
                retry_after=timedelta(seconds=min(wait, EVERY_SECONDS)),
                subject=f"endpoint:{key.endpoint_id}",
            )
        if len(self._again) >= _REMEMBERED:
            self._again = {known: again for known, again in self._again.items() if again > began}
        self._again[key] = math.inf
        return began

    def _over(self, key: LaneKey, began: float) -> None:
        self._again[key] = began + EVERY_SECONDS


def _lane(key: LaneKey, target: Target) -> Lane:
    # A lane of its own makes the request: what is tried is what a message would be.
    lane = Lane(key, most=1)
    lane.aim(target._replace(endpoint=replace(target.endpoint, state=EndpointState.ENABLED)))
    return lane


def _row(key: LaneKey, event_type_id: str, *, now: Instant) -> QueuedDelivery:
    test_id = new_test_id()
    return QueuedDelivery(
        event_id=test_id,
        round=1,
        occurrence_date=now.to_tz("UTC").date().to_stdlib(),
        attempts=0,
        tenant_id=key.tenant_id,
        user_id="",
        due_time=now,
        decide_time=now,
        deliver_by=now,
        traceparent="",
        body=sample_body(test_id, event_type_id, now=now),
    )
