"""From an answer, or the lack of one, to the outcome that is recorded. No I/O."""

import random
from collections.abc import Callable
from typing import Final, NamedTuple, assert_never

from whenever import Instant

from chassis.clocks import BusinessClock
from delivery_service.domain.deliveries import DeliveryCause, DeliveryState, QueuedDelivery
from delivery_service.domain.outcomes import Dead, Delivered, Retry, Verdict, of_failure, of_status
from delivery_service.domain.retries import Backoff, RetryPolicy, next_delay
from delivery_service.domain.stops import RecentStops
from delivery_service.store.outcomes import Outcome
from delivery_service.transport.requests import Answer

_AS_TABLED: Final = RetryPolicy()
_NO_ATTEMPT: Final = (None, 0, 0, -1, -1, -1, 0, b"", "", "")


class Ending(NamedTuple):
    """How an attempt leaves its delivery; `at` is real time while PENDING, else business time."""

    state: DeliveryState
    cause: DeliveryCause
    attempt_cause: DeliveryCause
    at: Instant
    disable: bool = False


class Judge:
    """Decides what an answer means for its delivery: the end, or another attempt and when."""

    def __init__(
        self,
        clock: BusinessClock,
        stops: RecentStops,
        backoff: Backoff,
        *,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._clock = clock
        self._stops = stops
        self._backoff = backoff
        self._draw = draw

    def ending(
        self, row: QueuedDelivery, answer: Answer, *, policy: RetryPolicy = _AS_TABLED, now: Instant
    ) -> Ending:
        """Return how the delivery stands after this answer, at business time `now`.

        What is retried is dead after the policy's last attempt, and expired when `deliver_by` leaves no time.
        """
        judged = _verdict(answer, policy)
        match judged:
            case Delivered():
                return Ending(DeliveryState.DELIVERED, DeliveryCause.NONE, DeliveryCause.NONE, now)
            case Dead():
                return Ending(DeliveryState.DEAD, judged.cause, judged.cause, now, judged.disable)
            case Retry():
                return self._retried(row, judged, policy, now=now)
            case _:
                assert_never(judged)

    def _retried(self, row: QueuedDelivery, judged: Retry, policy: RetryPolicy, *, now: Instant) -> Ending:
        if self._stops.stops(row):
            return Ending(DeliveryState.CANCELLED, self._stops.cause(row), judged.cause, now)
        if policy.max_attempts and row.attempts + 1 >= policy.max_attempts:
            return Ending(DeliveryState.DEAD, judged.cause, judged.cause, now)
        delay = next_delay(
            self._backoff.under(policy),
            row.attempts + 1,
            draw=self._draw(),
            retry_after=judged.after,
            now=now,
            deliver_by=row.deliver_by,
            speed=self._clock.speed,
        )
        if delay is None:
            return Ending(DeliveryState.EXPIRED, DeliveryCause.DEADLINE, judged.cause, now)
        again = self._clock.real().add(seconds=delay.total_seconds())
        return Ending(DeliveryState.PENDING, judged.cause, judged.cause, again)


def _verdict(answer: Answer, policy: RetryPolicy) -> Verdict:
    if answer.status_code:
        return of_status(answer.status_code, answer.retry_after, policy=policy)
    return of_failure(answer.cause, policy=policy)


def unsent(
    row: QueuedDelivery, endpoint_id: str, *, state: DeliveryState, cause: DeliveryCause, now: Instant
) -> Outcome:
    """Return the outcome of a delivery that ended without another attempt."""
    return Outcome(
        row.event_id,
        endpoint_id,
        row.round,
        row.occurrence_date,
        state,
        cause,
        row.attempts,
        now.to_stdlib(),
        *_NO_ATTEMPT,
    )


def withdrawn(row: QueuedDelivery, endpoint_id: str, *, cause: DeliveryCause, now: Instant) -> Outcome:
    """Return the outcome of a delivery that was stopped, or acknowledged in the inbox, while it waited."""
    return unsent(row, endpoint_id, state=DeliveryState.CANCELLED, cause=cause, now=now)


def concluded(
    row: QueuedDelivery,
    endpoint_id: str,
    answer: Answer,
    *,
    ending: Ending,
    started: Instant,
    url: str,
    secret_id: str,
) -> Outcome:
    """Return the outcome of an attempt that started at `started` by the real clock."""
    return Outcome(
        row.event_id,
        endpoint_id,
        row.round,
        row.occurrence_date,
        ending.state,
        ending.cause,
        row.attempts + 1,
        ending.at.to_stdlib(),
        started.to_stdlib(),
        answer.status_code,
        ending.attempt_cause,
        answer.connect_us,
        answer.first_byte_us,
        answer.total_us,
        answer.answer_bytes,
        answer.answer,
        url,
        secret_id,
    )
