"""What was received against what was expected; every difference is named."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from redletter_cli.lapse.expected import LOCAL_TIME, Expected
from redletter_cli.lapse.received import Inbound, Received
from redletter_cli.lapse.window import Window

Key = tuple[str, str, date]


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that should not be: `missing`, `double`, `unexpected`, `early`, `wrong_time`."""

    kind: str
    user_id: str
    event_type: str
    occurrence_date: date
    detail: str


@dataclass(frozen=True, kw_only=True)
class DateCount:
    """One local date, per event type: how many were expected, how many distinct messages came."""

    occurrence_date: date
    expected: Counter[str]
    received: Counter[str]


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The comparison of a whole run. `fringe` are dates outside the asked ones whose instants fall into the run."""

    dates: Sequence[DateCount]
    fringe: DateCount
    differences: Sequence[Difference]
    at_nine: int
    repeats: int
    refused: Sequence[str]
    lateness: Sequence[float] = field(repr=False)

    def count(self, kind: str) -> int:
        """Return how many differences of a kind there are."""
        return sum(difference.kind == kind for difference in self.differences)

    @property
    def expected(self) -> int:
        """All messages that had to come, the fringe included."""
        return sum(day.expected.total() for day in (*self.dates, self.fringe))

    @property
    def received(self) -> int:
        """All distinct messages that came and were due within the run, the fringe included."""
        return sum(day.received.total() for day in (*self.dates, self.fringe))

    def is_clean(self, *, crashes: int) -> bool:
        """Whether everything came exactly once; an id may come again only after a crash."""
        return not self.differences and not self.refused and (crashes > 0 or self.repeats == 0)


def compare(expected: Sequence[Expected], inbound: Inbound, window: Window) -> Verdict:
    """Compare the independent count with what arrived; what is due after the window is only checked for haste."""
    due_within = [m for m in inbound.messages.values() if window.begin != m.due and m.due < window.end]
    return Verdict(
        dates=[_day(day, expected, due_within) for day in window.dates],
        fringe=_fringe(window, expected, due_within),
        differences=[
            *_counted(expected, due_within),
            *_mistimed(expected, due_within),
            *(
                _difference("early", m, f"{-m.lateness:.3f} s")
                for m in inbound.messages.values()
                if m.lateness < 0
            ),
        ],
        at_nine=_at_nine(expected, due_within),
        repeats=inbound.repeats,
        refused=inbound.refused,
        lateness=sorted(m.lateness for m in due_within),
    )


def percentile(ordered: Sequence[float], share: float) -> float:
    """Return the value that `share` (0 to 1) of the ordered values do not exceed; 0 of none."""
    if not ordered:
        return 0.0
    return ordered[min(len(ordered) - 1, max(0, math.ceil(share * len(ordered)) - 1))]


def _day(day: date, expected: Iterable[Expected], received: Iterable[Received]) -> DateCount:
    return DateCount(
        occurrence_date=day,
        expected=Counter(e.event_type for e in expected if e.occurrence_date == day),
        received=Counter(m.event_type for m in received if m.occurrence_date == day),
    )


def _fringe(window: Window, expected: Iterable[Expected], received: Iterable[Received]) -> DateCount:
    def outside(day: date) -> bool:
        return not window.first <= day <= window.last

    return DateCount(
        occurrence_date=window.first,
        expected=Counter(e.event_type for e in expected if outside(e.occurrence_date)),
        received=Counter(m.event_type for m in received if outside(m.occurrence_date)),
    )


def _key(one: Expected | Received) -> Key:
    return one.user_id, one.event_type, one.occurrence_date


def _counted(expected: Sequence[Expected], received: Sequence[Received]) -> list[Difference]:
    # A person may have two occasions of a kind on one date: then two messages are right.
    wanted, got = Counter(map(_key, expected)), Counter(map(_key, received))
    differences = []
    for key in sorted(wanted.keys() | got.keys()):
        more, fewer = got[key] - wanted[key], wanted[key] - got[key]
        surplus = "double" if wanted[key] else "unexpected"
        kinds = [*["missing"] * max(0, fewer), *[surplus] * max(0, more)]
        differences += [
            Difference(
                kind=kind,
                user_id=key[0],
                event_type=key[1],
                occurrence_date=key[2],
                detail=f"expected {wanted[key]}, received {got[key]}",
            )
            for kind in kinds
        ]
    return differences


def _mistimed(expected: Sequence[Expected], received: Sequence[Received]) -> list[Difference]:
    due: defaultdict[Key, set[datetime]] = defaultdict(set)
    for one in expected:
        due[_key(one)].add(one.due)
    return [
        _difference("wrong_time", m, f"due {m.due.isoformat()}, expected {min(due[_key(m)]).isoformat()}")
        for m in received
        if _key(m) in due and m.due.astimezone(UTC) not in due[_key(m)]
    ]


def _at_nine(expected: Sequence[Expected], received: Sequence[Received]) -> int:
    zones = {one.user_id: one.zone for one in expected}
    return sum(
        m.user_id in zones and m.due.astimezone(zones[m.user_id]).time() == LOCAL_TIME for m in received
    )


def _difference(kind: str, message: Received, detail: str) -> Difference:
    return Difference(
        kind=kind,
        user_id=message.user_id,
        event_type=message.event_type,
        occurrence_date=message.occurrence_date,
        detail=f"{detail} ({message.webhook_id})",
    )
