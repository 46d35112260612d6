"""The duty to get one event to one endpoint: its states, its causes, and the row that waits for it.

    PENDING ─┬─▶ DELIVERED   the receiver answered 2xx (in the inbox: acknowledged)
             ├─▶ DEAD        another attempt would be pointless
             ├─▶ EXPIRED     `deliver_by` passed, or too little is left for another attempt
             └─▶ CANCELLED   stopped

A pending delivery is a row of the queue; an ended one a row of deliveries. Nothing moves back.
"""

from datetime import date
from enum import IntEnum
from typing import Final, NamedTuple

from whenever import Instant

INBOX: Final = "inbox"
"""The endpoint that every tenant has: messages wait there for a reader."""


class DeliveryState(IntEnum):
    """How far a delivery has come; the numbers are those of redletter.delivery.v1.Delivery.State."""

    PENDING = 1
    DELIVERED = 2
    DEAD = 3
    EXPIRED = 4
    CANCELLED = 5


class DeliveryCause(IntEnum):
    """Why an attempt failed or a delivery ended; the numbers are those of redletter.delivery.v1.DeliveryCause."""

    NONE = 0
    HTTP_STATUS = 1
    TIMEOUT = 2
    CONNECTION = 3
    TLS = 4
    DNS = 5
    FORBIDDEN_ADDRESS = 6
    PROTOCOL = 7
    DEADLINE = 8
    CANCELLED = 9
    ENDPOINT_DISABLED = 10
    ACKNOWLEDGED = 11
    DISCARDED = 12
    REDELIVERED = 13
    IN_DOUBT = 14


class LaneKey(NamedTuple):
    """One endpoint of one tenant: what a lane is for."""

    tenant_id: str
    endpoint_id: str


# A tuple, not a frozen dataclass: one is made per event on the success path.
class QueuedDelivery(NamedTuple):
    """A pending delivery that this replica holds, with what an attempt needs."""

    event_id: str
    round: int
    occurrence_date: date
    attempts: int
    tenant_id: str
    user_id: str
    due_time: Instant
    decide_time: Instant
    deliver_by: Instant
    traceparent: str
    body: bytes
    stopped: bool = False


class Attempt(NamedTuple):
    """One HTTP try as it is stored; times in microseconds from its start, -1 where there was none."""

    start_time: Instant
    status_code: int
    cause: DeliveryCause
    connect_us: int
    first_byte_us: int
    total_us: int
    answer_bytes: int
    answer: bytes
    url: str
    secret_id: str
