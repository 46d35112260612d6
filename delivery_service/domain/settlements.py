"""What was done about a delivery after its end; what it ended with stays as it was."""

from enum import IntEnum


class Settlement(IntEnum):
    """The numbers are those of redletter.delivery.v1.Delivery.Settlement."""

    NONE = 0
    REDELIVERED = 1
    DISCARDED = 2
