"""What must be true whenever nothing is under way."""

from collections import Counter
from datetime import datetime, timedelta
from typing import Any

from google.type.date_pb2 import Date
from redletter.scheduler.v1 import ledger_pb2

from scheduler_service.domain.ids import event_id
from tests.integration.scheduler_service.ledger_calls import ledger
from tests.integration.scheduler_service.model import (
    ACTIVE,
    DELETED,
    MONTHLY,
    PAUSED,
    WEEKLY,
    YEARLY,
    nominal_date,
    nominal_times,
)
from tests.integration.scheduler_service.model_machine import Machine

Row = Any
LATE_AFTER = timedelta(seconds=60)
OVER_AFTER = timedelta(hours=38)
DAYS_OF_A_LOOK, DAYS_OF_ALL = 3, 60
_EVENTS = """
SELECT event_id, user_id, event_type_id, occasion_id, instance, cycle, occurrence_date, state, reason, due_time,
       deliver_by, decide_time, late, shifts, time_zone FROM events
"""
_PLANS = """
SELECT plan_id, user_id, event_type_id, occasion_id, instance, cycle, occurrence_date, nominal_due_time, due_time,
       due_override FROM plans WHERE due_time IS NOT NULL
"""


async def look(machine: Machine, *, whole: bool = False) -> None:
    """Wait until nothing is under way, then compare everything with what was acknowledged.

    Raises:
        AssertionError: it is not so.
    """
    stage, truth = machine.stage, machine.truth
    at = await stage.quiet(paused=truth.paused)
    truth.facts.settle(at)
    events = {row["event_id"]: row for row in await stage.rows(_EVENTS)}
    plans = {event_id(bytes(row["plan_id"]), row["cycle"]): row for row in await stage.rows(_PLANS)}
    wrong = [
        *stage.lanes.wrong,
        *_once(events),
        *_ends(machine, events),
        *_lanes(machine, events, at),
        *_callers(machine, events, plans),
        *_gone(machine, events, plans),
        *_planned(machine, plans),
    ]
    machine.dates |= {row["occurrence_date"] for row in (*events.values(), *plans.values())}
    if not stage.lanes.down:
        wrong += await _books(machine, at, plans | events, whole=whole)
    machine.open = {name: (row["user_id"], row["event_type_id"]) for name, row in plans.items()}
    machine.ended = set(events)
    machine.states = Counter(
        f"{row['state']}({row['reason']})" if row["reason"] else row["state"] for row in events.values()
    )
    machine.looks += 1
    truth.looked()
    if wrong:
        raise AssertionError("; ".join(wrong))


def _once(events: dict[str, Row]) -> list[str]:
    named = ("user_id", "event_type_id", "occasion_id", "instance", "cycle")
    counted = Counter(tuple(row[name] for name in named) for row in events.values())
    return [f"{count} events of {key}" for key, count in counted.items() if count > 1]


def _ends(machine: Machine, events: dict[str, Row]) -> list[str]:
    """Each new event has one end that what was known then allows; the old ones are still there."""
    wrong = [f"{name} was ended and is gone" for name in machine.ended - events.keys()]
    for name in sorted(events.keys() - machine.ended):
        row = events[name]
        why = _sent_wrongly(machine, row) if row["state"] == "SENT" else _kept_wrongly(machine, row, events)
        if why:
            wrong.append(f"{name} of {row['user_id']} is {row['state']}({row['reason']}): {why}; {dict(row)}")
    return wrong


def _sent_wrongly(machine: Machine, row: Row) -> str:
    facts, at = machine.truth.facts, row["decide_time"]
    user, rule, occasion = row["user_id"], row["event_type_id"], row["occasion_id"]
    if not row["due_time"] <= at < row["deliver_by"]:
        return "outside of its time"
    if row["late"] != (at - row["due_time"] > LATE_AFTER):
        return "late is wrong"
    if True not in facts.possible("alive", user, at=at):
        return "the person is deleted"
    if facts.certain("out", user, rule, value=True, at=at):
        return "the person has opted out"
    for switch in {"", occasion}:
        if facts.certain("care", user, switch, value=True, at=at):
            return "never again was said"
    if ACTIVE not in facts.possible("rule", rule, at=at, initial=ACTIVE):
        return "the rule is not active"
    if facts.certain("paused", value=True, at=at):
        return "deciding is paused"
    if occasion and not _had_occasion(machine, row, wanted=True):
        return "the person has no such occasion"
    return ""


def _had_occasion(machine: Machine, row: Row, *, wanted: bool) -> bool:
    found = machine.truth.facts.possible(
        "occasions", row["user_id"], at=row["decide_time"], initial=frozenset()
    )
    return any((row["occasion_id"] in names) is wanted for names in found if isinstance(names, frozenset))


def _kept_wrongly(machine: Machine, row: Row, events: dict[str, Row]) -> str:
    truth, at = machine.truth, row["decide_time"]
    user, rule = row["user_id"], row["event_type_id"]
    facts = truth.facts
    too_late = at >= row["deliver_by"] or (
        True in facts.possible("expires", rule, at=at) and at - row["due_time"] > LATE_AFTER
    )
    allowed = {
        "SUPPRESSED(OPTED_OUT)": lambda: True in facts.possible("out", user, rule, at=at),
        "SUPPRESSED(PAUSED)": lambda: PAUSED in facts.possible("rule", rule, at=at, initial=ACTIVE),
        "SUPPRESSED(EVENT_TYPE_DELETED)": lambda: DELETED in facts.possible("rule", rule, at=at),
        "SUPPRESSED(CARE_SWITCH)": lambda: any(
            True in facts.possible("care", user, one, at=at) for one in ("", row["occasion_id"])
        ),
        "SUPPRESSED(OCCASION_REMOVED)": lambda: _had_occasion(machine, row, wanted=False),
        "SUPPRESSED(USER_DELETED)": lambda: False in facts.possible("alive", user, at=at),
        "SUPPRESSED(QUIET_HOURS)": lambda: True in facts.possible("quiet", user, at=at),
        "SUPPRESSED(TOO_CLOSE)": lambda: _is_near(machine, row, events),
        "SUPPRESSED(SKIPPED)": lambda: row["event_id"] in truth.skipping,
        "CANCELLED(CANCELLED)": lambda: row["event_id"] in truth.cancelling,
        "CANCELLED(USER_DELETED)": lambda: False in facts.possible("alive", user, at=at),
        "EXPIRED(MISSED)": lambda: too_late,
        "EXPIRED(MISSED_BY_MOVE)": lambda: too_late and truth.changed,
    }
    end = f"{row['state']}({row['reason']})"
    if end not in allowed:
        return "nothing of the kind was done"
    return "" if allowed[end]() else "nothing that is known allows it"


def _is_near(machine: Machine, row: Row, events: dict[str, Row]) -> bool:
    days = {YEARLY: 180, MONTHLY: 15, WEEKLY: 0}[machine.truth.rules[row["event_type_id"]].recurrence]
    named = ("user_id", "event_type_id", "occasion_id", "instance")
    return any(
        other["state"] == "SENT"
        and all(other[name] == row[name] for name in named)
        and abs(other["occurrence_date"] - row["occurrence_date"]) < timedelta(days=days)
        for other in events.values()
        if other["event_id"] != row["event_id"]
    )


def _lanes(machine: Machine, events: dict[str, Row], at: datetime) -> list[str]:
    """Delivery has exactly what was sent, nothing that was cancelled, nothing for who wants nothing."""
    lanes, truth = machine.stage.lanes, machine.truth
    if lanes.down:
        return []
    sent = {name for name, row in events.items() if row["state"] == "SENT"}
    wrong = [f"{name} is SENT and delivery does not have it" for name in sorted(sent - lanes.accepted.keys())]
    wrong += [f"delivery has {name}, which is not SENT" for name in sorted(lanes.accepted.keys() - sent)]
    heard = truth.cancelled & (lanes.received | lanes.open)
    wrong += [f"{name} was cancelled, and is sent" for name in sorted(heard)]
    for name in sorted(lanes.open & events.keys()):
        row = events[name]
        user, rule, facts = row["user_id"], row["event_type_id"], truth.facts
        if row["deliver_by"] <= at:
            continue
        unwanted = facts.certain("alive", user, value=False, at=at)
        unwanted |= facts.certain("out", user, rule, value=True, at=at)
        unwanted |= any(
            facts.certain("care", user, one, value=True, at=at) for one in ("", row["occasion_id"])
        )
        if unwanted:
            wrong.append(f"{name} of {user} is still open in delivery, and {user} wants none of it")
    return wrong


def _callers(machine: Machine, events: dict[str, Row], plans: dict[str, Row]) -> list[str]:
    """What callers made is there, and leaves when they said."""
    truth = machine.truth
    wrong = [f"{name} was made by a caller and is lost" for name in truth.made - events.keys() - plans.keys()]
    for name, due in list(truth.chosen.items()):
        row = events.get(name) or plans.get(name)
        if row is None or row["user_id"] in truth.redated or row["event_type_id"] in truth.restated:
            del truth.chosen[name]
        elif name in plans and row["due_override"] != due:
            wrong.append(f"{name} was moved to {due}, and is due at {row['due_time']}")
        elif name in events and row["state"] == "SENT" and row["due_time"] != due:
            wrong.append(f"{name} was moved to {due}, and was due at {row['due_time']}")
    return wrong


def _gone(machine: Machine, events: dict[str, Row], plans: dict[str, Row]) -> list[str]:
    """A planned event that is planned no more has ended, or its person or rule is why; none is both."""
    truth = machine.truth
    both = [f"{name} has ended and is planned" for name in sorted(plans.keys() & events.keys())]
    return both + [
        f"{name} of {user} was planned by {rule} and is gone without an end"
        for name, (user, rule) in sorted(machine.open.items())
        if name not in plans and name not in events
        if user not in truth.redated and rule not in truth.restated
    ]


def _planned(machine: Machine, plans: dict[str, Row]) -> list[str]:
    """Everybody has one plan per occasion and active rule, on the right day at the right moment."""
    truth = machine.truth
    of_rules = {
        (row["user_id"], row["event_type_id"], row["occasion_id"]): row
        for row in plans.values()
        if not row["instance"]
    }
    wanted = {
        (person.user_id, rule.event_type_id, name): (person, occasion, rule)
        for person in truth.living()
        for name, occasion in person.occasions.items()
        for rule in truth.rules.values()
        if occasion.kind == rule.kind and rule.state == ACTIVE
    }
    wrong = [f"{key} has no plan" for key in sorted(wanted.keys() - of_rules.keys())]
    wrong += [
        f"{key} has a plan, and should have none"
        for key in sorted(of_rules.keys() - wanted.keys())
        if not _rests(machine, of_rules[key])
    ]
    for key in sorted(wanted.keys() & of_rules.keys()):
        person, occasion, rule = wanted[key]
        row = of_rules[key]
        on = nominal_date(occasion, rule, row["cycle"], truth.leap)
        if on != row["occurrence_date"]:
            wrong.append(f"{key} {row['cycle']} is on {on}, and is planned for {row['occurrence_date']}")
        elif row["nominal_due_time"] not in set(nominal_times(truth, person, rule, on)):
            right = [str(one) for one in nominal_times(truth, person, rule, on)]
            wrong.append(f"{key} {row['cycle']} is due at {right}, and planned for {row['nominal_due_time']}")
    return wrong


async def _books(machine: Machine, at: datetime, known: dict[str, Row], *, whole: bool) -> list[str]:
    """Return the dates that are over and do not balance: the newest few, at the end all that matter.

    Also dates on which nothing is known to be: what was forgotten altogether is seen nowhere else.
    """
    last = (at - OVER_AFTER).date()
    over = {last - timedelta(days=days) for days in range(DAYS_OF_ALL if whole else DAYS_OF_A_LOOK)}
    if whole:
        over |= {on for on in machine.dates if on <= last}
    wrong = []
    for on in sorted(on for on in over if on >= machine.begin.to_stdlib().date()):
        wire = Date(year=on.year, month=on.month, day=on.day)
        found = await machine.stage.ask(lambda replica, wire=wire: ledger(replica, wire))  # type: ignore[misc]
        machine.ledgers += 1
        if found.difference or not found.closed:
            wrong.append(
                f"the ledger of {on} differs by {found.difference}, closed={found.closed}: {_said(found, known)}"
            )
    return wrong


def _rests(machine: Machine, row: Row) -> bool:
    """Return whether a plan was moved by hand and waits for its rule, which is paused."""
    truth = machine.truth
    person = truth.people[row["user_id"]]
    known = person.alive and row["occasion_id"] in person.occasions
    return known and row["due_override"] is not None and truth.rules[row["event_type_id"]].state == PAUSED


def _said(found: ledger_pb2.Ledger, known: dict[str, Row]) -> str:
    equations = (found.expected, found.sent, found.outcomes)
    listed = [d for equation in equations for d in equation.differences]
    why = ledger_pb2.LedgerDifference.Reason.Name
    unaccounted = [d for d in listed if why(d.reason) != "REASON_CHANGED_SINCE"]
    return ", ".join(
        f"{d.event_id} {why(d.reason)} ({d.text}) {dict(known.get(d.event_id, {}))}" for d in unaccounted
    )
