"""The ledger: what recipients and rules call for, what is planned and ended, what delivery has.

Three equations per tenant and occurrence date. What a person or a rule has changed since is told apart
from what nothing accounts for: only that counts as a difference.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import md5
from typing import Final

from whenever import Date

from scheduler_service.domain.decisions import Reason

CHECKSUM_MODULUS: Final = 2**63
_DIGITS: Final = 15
_MOVING: Final = "the rule's people are being planned again"
_RULE_GONE: Final = (Reason.PAUSED, Reason.EVENT_TYPE_DELETED, Reason.USER_DELETED, Reason.OCCASION_REMOVED)


class Why(StrEnum):
    """Why something stands on one side of an equation and not on the other."""

    NEVER_PLANNED = "NEVER_PLANNED"
    UNEXPECTED = "UNEXPECTED"
    CHANGED_SINCE = "CHANGED_SINCE"
    NO_MESSAGE = "NO_MESSAGE"
    NO_EVENT = "NO_EVENT"
    NO_OUTCOME = "NO_OUTCOME"


@dataclass(frozen=True, slots=True)
class Difference:
    """One event that only one side knows; `text` is the same in words."""

    event_id: str
    why: Why
    text: str


@dataclass(frozen=True, slots=True)
class Equation:
    """Two counts; `difference` counts what nothing accounts for, or by how much the counts differ."""

    left: int
    right: int
    difference: int = 0
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """An open plan or an ended event, and the versions of person and rule it was made or decided with.

    The rule's version of an event is that of the rule, that of a plan the rule's timing version.
    """

    event_id: str
    user_id: str
    event_type_id: str
    occasion_id: str
    cycle: str
    made_by_caller: bool
    recipient_version: int
    event_type_version: int
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One event that recipient and rule call for."""

    plan_id: bytes
    user_id: str
    event_type_id: str
    occasion_id: str
    cycle: str


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What is known of an expected event that is not among those of its date.

    `decided`: it has ended under another date; the rest is its plan, if there is one.
    """

    decided: bool = False
    plan_version: int = 0
    cycle: str | None = None
    last_cycle: str | None = None
    occurrence_date: Date | None = None


@dataclass
class Books:
    """What is stored of one tenant and date; versions are those of today.

    `moving` names rules whose people are being planned again, `resting` those that are paused or deleted,
    `excused` what `excuses` has found.
    """

    on: Date
    expected: dict[str, Wanted] = field(default_factory=dict)
    open: dict[str, Entry] = field(default_factory=dict)
    ended: dict[str, Entry] = field(default_factory=dict)
    elsewhere: dict[str, Elsewhere] = field(default_factory=dict)
    lost_requests: Sequence[str] = ()
    recipient_versions: Mapping[str, int] = field(default_factory=dict)
    rule_versions: Mapping[str, int] = field(default_factory=dict)
    moving: Collection[str] = ()
    resting: Collection[str] = ()
    excused: Mapping[str, str] = field(default_factory=dict)


def absent(books: Books) -> dict[str, Wanted]:
    """Return what is expected and neither planned nor ended under this date."""
    return {
        name: wanted
        for name, wanted in books.expected.items()
        if name not in books.open and name not in books.ended
    }


def expected_equation(books: Books) -> Equation:
    """Return expected = open + ended. What a caller made counts on both sides.

    Open is also what comes after an earlier cycle of its plan that is not decided yet, and what is
    planned so far from its date that only its id finds it. Expected is what was called for when it was
    decided: without differences the two sides are equal.
    """
    missing = absent(books)
    to_come = {name for name in missing if _is_to_come(missing[name], books.elsewhere.get(name), books.on)}
    entries = sorted([*books.open.items(), *books.ended.items()])
    found = [
        *(_missing(name, missing[name], books) for name in sorted(missing.keys() - to_come)),
        *(
            _unexpected(name, entry, books)
            for name, entry in entries
            if not entry.made_by_caller and name not in books.expected
        ),
        *(
            Difference(name, Why.NEVER_PLANNED, "a caller asked for it, and it is neither planned nor ended")
            for name in books.lost_requests
        ),
    ]
    # What a later change accounts for was called for when it was decided, or is called for only since.
    accounted = [d.event_id for d in found if d.why is Why.CHANGED_SINCE]
    only_since = sum(name in books.expected for name in accounted)
    expected = len(books.expected) - only_since + (len(accounted) - only_since)
    by_caller = sum(entry.made_by_caller for _, entry in entries)
    return _equation(expected + by_caller + len(books.lost_requests), len(entries) + len(to_come), found)


def sent_equation(
    sent: Collection[str], messages: Collection[str], *, sent_later: Collection[str] = ()
) -> Equation:
    """Return ended by SENT = messages in delivery, id by id.

    `sent_later` was read after the messages: what was decided between the two readings is no difference.
    """
    theirs = set(messages)
    ours = set(sent) | (set(sent_later) & theirs)
    found = [
        *(
            Difference(n, Why.NO_MESSAGE, "it was sent, and delivery has no message")
            for n in sorted(ours - theirs)
        ),
        *(
            Difference(n, Why.NO_EVENT, "delivery has a message that is not SENT here")
            for n in sorted(theirs - ours)
        ),
    ]
    return _equation(len(ours), len(theirs), found)


def outcome_equation(messages: int, outcomes: Mapping[str, int], without: Iterable[str] = ()) -> Equation:
    """Return messages = sum of their outcomes; `without` names messages that have none."""
    total = sum(outcomes.values())
    found = tuple(Difference(n, Why.NO_OUTCOME, "no delivery of it is known") for n in sorted(without))
    return Equation(messages, total, max(abs(messages - total), len(found)), found)


def checksum(event_ids: Iterable[str]) -> int:
    """Return the sum over the ids of the first 15 digits of their md5, modulo 2^63: as delivery computes it."""
    digests = (md5(name.encode(), usedforsecurity=False).hexdigest() for name in event_ids)
    return sum(int(digest[:_DIGITS], 16) for digest in digests) % CHECKSUM_MODULUS


def _is_to_come(wanted: Wanted, elsewhere: Elsewhere | None, on: Date) -> bool:
    if elsewhere is None or elsewhere.decided or elsewhere.cycle is None:
        return False
    if elsewhere.cycle == wanted.cycle:
        return elsewhere.occurrence_date == on
    return elsewhere.cycle < wanted.cycle


def _missing(name: str, wanted: Wanted, books: Books) -> Difference:
    elsewhere = books.elsewhere.get(name, Elsewhere())
    if elsewhere.decided:
        return Difference(name, Why.CHANGED_SINCE, "it was decided under another date")
    if wanted.event_type_id in books.moving:
        return Difference(name, Why.CHANGED_SINCE, _MOVING)
    if name in books.excused:
        return Difference(name, Why.CHANGED_SINCE, books.excused[name])
    return Difference(name, Why.NEVER_PLANNED, _never_planned(wanted, elsewhere))


def _never_planned(wanted: Wanted, elsewhere: Elsewhere) -> str:
    if elsewhere.last_cycle == wanted.cycle:
        return "its plan says that it was decided, and there is no such event"
    if elsewhere.cycle == wanted.cycle:
        return f"recipient and rule call for it, and it is planned for {elsewhere.occurrence_date}"
    if is_passed(wanted, elsewhere):
        return "recipient and rule call for it, and its plan has passed over it"
    return "recipient and rule call for it; it is neither planned nor ended"


def is_passed(wanted: Wanted, elsewhere: Elsewhere) -> bool:
    """True when the plan is at, or has decided, a later cycle, and does not say that it decided this one."""
    beyond = max(elsewhere.cycle or "", elsewhere.last_cycle or "")
    return elsewhere.last_cycle != wanted.cycle and wanted.cycle < beyond


def _unexpected(name: str, entry: Entry, books: Books) -> Difference:
    since = _changed_since(entry, books, is_open=name in books.open) or books.excused.get(name)
    if since:
        return Difference(name, Why.CHANGED_SINCE, since)
    return Difference(name, Why.UNEXPECTED, "it is planned or ended, and nothing calls for it")


def _changed_since(entry: Entry, books: Books, *, is_open: bool) -> str:
    """Return what has changed since this was planned or decided; empty: nothing.

    A change of a person is written together with their plans, so that an open plan has no such excuse.
    """
    if entry.event_type_id in books.moving:
        return _MOVING
    if is_open:
        # Only what somebody has moved by hand stays planned through a pause.
        return (
            "it was moved by hand, and waits for its paused rule"
            if entry.event_type_id in books.resting
            else ""
        )
    version = books.recipient_versions.get(entry.user_id)
    if version is None:
        return "the person is gone"
    if version != entry.recipient_version:
        return "the person has changed since"
    if entry.reason in _RULE_GONE:
        return f"it ended because of {entry.reason}"
    if entry.reason and entry.event_type_id in books.resting:
        # Skipped, cancelled or silenced after the pause, before the leader had come to its plan.
        return "it ended unsent while its rule was paused or deleted"
    if books.rule_versions.get(entry.event_type_id, 0) > entry.event_type_version:
        return "the rule has changed since"
    return ""


def _equation(left: int, right: int, found: Sequence[Difference]) -> Equation:
    unaccounted = [d for d in found if d.why is not Why.CHANGED_SINCE]
    accounted = [d for d in found if d.why is Why.CHANGED_SINCE]
    return Equation(left, right, len(unaccounted), (*unaccounted, *accounted))
