"""A webhook as it arrived, and what the verification said about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What is known about who sent a message."""

    VERIFIED = "verified"
    REFUSED = "refused"
    UNCHECKED = "unchecked"


@dataclass(frozen=True, slots=True)
class Arrival:
    """One POST: `arrival_ns` is the real time at which its last byte was read (nanoseconds since 1970)."""

    webhook_id: str
    arrival_ns: int
    body: bytes
    verdict: Verdict
    reason: str
    """Why it was refused; empty otherwise."""
    headers: Mapping[str, str]
