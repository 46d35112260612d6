"""What was acknowledged, in plain Python: people, rules, and which facts held when.

Nothing here is the scheduler's code. Days and hours are derived from `datetime` and `zoneinfo` by the words
of DESIGN 4, so that a plan can be compared with what it should be.
"""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

Key = tuple[str, ...]

TOLERANCE = timedelta(milliseconds=50)
"""So far apart the clocks of two replicas and of this model may be."""

BACKWARD, FORWARD, OMIT = 1, 2, 3
YEARLY, MONTHLY, WEEKLY = 1, 2, 4
NO_SHIFT, BEFORE, AFTER = 1, 2, 3
ACTIVE, PAUSED, DELETED = "ACTIVE", "PAUSED", "DELETED"


@dataclass
class Occasion:
    """A date of a person; `since` is when it was last written."""

    kind: str
    year: int
    month: int
    day: int
    leap: int
    since: datetime
    on_enrol: int


@dataclass
class Person:
    """What user_service was told of somebody; `zones` are all they ever had."""

    user_id: str
    zone: str
    name: str
    occasions: dict[str, Occasion]
    out: set[str] = field(default_factory=set)
    local_times: dict[str, time] = field(default_factory=dict)
    quiet: tuple[time, time] | None = None
    follows: bool = False
    current_zone: str = ""
    zones: set[str] = field(default_factory=set)
    alive: bool = True


@dataclass
class Rule:
    """A rule of the tenant as its last acknowledged change left it."""

    event_type_id: str
    kind: str
    recurrence: int = YEARLY
    local_time: time = time(9)
    day_offset: int = 0
    shift: int = NO_SHIFT
    state: str = ACTIVE


@dataclass
class _Fact:
    value: object
    issued: datetime
    settled: datetime | None


class Facts:
    """Which values a thing may have had at an instant.

    A change may count from when it was issued, and surely counts from when it was seen to be applied.
    """

    def __init__(self) -> None:
        self._known: dict[Key, list[_Fact]] = {}

    def note(self, *key: str, value: object, at: datetime, settled: datetime | None = None) -> None:
        """Remember that a thing changes at `at`; `settled`: it was answered, or it is not known yet."""
        self._known.setdefault(key, []).append(_Fact(value, at, settled))

    def settle(self, at: datetime) -> None:
        """Everything that was issued is applied by now."""
        for facts in self._known.values():
            for fact in facts:
                fact.settled = fact.settled or at

    def possible(self, *key: str, at: datetime, initial: object = False) -> set[object]:
        """Return the values that may have held at this instant."""
        begin = datetime(1, 1, 2, tzinfo=UTC)
        facts = [_Fact(initial, begin, begin), *self._known.get(key, ())]
        found = set()
        for number, fact in enumerate(facts):
            following = facts[number + 1] if number + 1 < len(facts) else None
            over = following.settled if following is not None else None
            if fact.issued - TOLERANCE <= at and (over is None or at <= over + TOLERANCE):
                found.add(fact.value)
        return found

    def certain(self, *key: str, value: object, at: datetime, initial: object = False) -> bool:
        """Return whether this value, and no other one, held at this instant."""
        return self.possible(*key, at=at, initial=initial) == {value}


@dataclass
class Truth:
    """Everything that the scheduler has acknowledged, and what callers were answered."""

    people: dict[str, Person] = field(default_factory=dict)
    rules: dict[str, Rule] = field(default_factory=dict)
    holidays: set[date] = field(default_factory=set)
    leap: int = BACKWARD
    paused: bool = False
    facts: Facts = field(default_factory=Facts)
    care: dict[tuple[str, str], tuple[bool, datetime]] = field(default_factory=dict)
    """Care switches by person and occasion (empty: the person): whether set, and since when."""
    instances: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Of each event that callers made under an id of their own: its id and the request."""
    made: set[str] = field(default_factory=set)
    """Events that callers made: none of them may get lost."""
    cancelling: set[str] = field(default_factory=set)
    cancelled: set[str] = field(default_factory=set)
    """Events that somebody tried to cancel, and those whose caller was told CANCELLED."""
    skipping: set[str] = field(default_factory=set)
    chosen: dict[str, datetime] = field(default_factory=dict)
    """The instants that were chosen by hand and acknowledged, by event."""
    redated: set[str] = field(default_factory=set)
    restated: set[str] = field(default_factory=set)
    """People and rules whose plans may have gone since the last look without an event."""
    changed: bool = False
    """Whether anything was changed that can move a due time into the past."""

    def living(self) -> list[Person]:
        """Return the people who are not deleted."""
        return [person for person in self.people.values() if person.alive]

    def redate(self, user_id: str) -> None:
        """Note that this person's plans may go and come anew."""
        self.redated.add(user_id)
        self.changed = True

    def restate(self, event_type_id: str) -> None:
        """Note that this rule's plans may go and come anew."""
        self.restated.add(event_type_id)
        self.changed = True

    def looked(self) -> None:
        """Forget what was only of interest until the next look."""
        self.redated.clear()
        self.restated.clear()


def nominal_date(occasion: Occasion, rule: Rule, cycle: str, leap: int) -> date | None:
    """Return the occurrence date of a cycle; None when it does not apply."""
    if rule.recurrence == WEEKLY:
        on = datetime.strptime(cycle, "%Y%m%d").replace(tzinfo=UTC).date()
        first = date(occasion.year or 2000, occasion.month, occasion.day)
        is_turn = on > first and (on - first).days % 7 == 0
        return on + timedelta(days=rule.day_offset) if is_turn else None
    year = int(cycle[:4])
    month = occasion.month if rule.recurrence == YEARLY else int(cycle[5:])
    if occasion.day <= calendar.monthrange(year, month)[1]:
        on = date(year, month, occasion.day)
    else:
        chosen = occasion.leap or leap
        if chosen == OMIT:
            return None
        last = date(year, month, calendar.monthrange(year, month)[1])
        on = last if chosen == BACKWARD else last + timedelta(days=1)
    return on + timedelta(days=rule.day_offset)


def working_day(on: date, shift: int, holidays: set[date]) -> date:
    """Return the day on which a message leaves that is due on `on`."""
    step = {NO_SHIFT: 0, BEFORE: -1, AFTER: 1}[shift]
    while step and (on.weekday() >= 5 or on in holidays):
        on += timedelta(days=step)
    return on


def nominal_times(truth: Truth, person: Person, rule: Rule, on: date) -> Iterator[datetime]:
    """Yield the instants at which a plan of this occurrence date may nominally be due."""
    day = working_day(on, rule.shift, truth.holidays)
    wall = person.local_times.get(rule.event_type_id, rule.local_time)
    zones = {person.zone, *person.zones} if person.follows else {person.zone}
    for zone in sorted(zones):
        # fold=0: the offset before a gap, so that what does not exist moves on by its length; else the first.
        yield datetime.combine(day, wall, ZoneInfo(zone)).replace(fold=0).astimezone(UTC)
