"""Steps of the model-based test that user_service would cause: people, preferences, care switches, tenants."""

from datetime import datetime, time, timedelta
from random import Random

from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.user.v1 import care_switch_pb2, preferences_pb2, tenant_pb2, user_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from whenever import Instant

from chassis.wire import timestamp
from tests.integration.scheduler_service.conftest import TENANT
from tests.integration.scheduler_service.model import Occasion, Person
from tests.integration.scheduler_service.model_machine import Machine, step

ZONES = (
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Asia/Kathmandu",
    "Pacific/Auckland",
    "America/Los_Angeles",
    "Pacific/Kiritimati",
    "Pacific/Pago_Pago",
    "Australia/Lord_Howe",
    "Africa/Cairo",
)
_SET, _CLEARED = care_switch_pb2.CareSwitch.STATE_SET, care_switch_pb2.CareSwitch.STATE_CLEARED


@step(10)
async def add_person(machine: Machine, rng: Random) -> str:
    """Somebody new whose day is near, or 29 February."""
    if len(machine.truth.people) >= 40:
        return await move(machine, rng)
    name = f"u{len(machine.truth.people)}"
    kinds = rng.choice((["birthday"], ["birthday", "anniversary"], ["anniversary"], ["birthday", "birthday"]))
    zone = rng.choice(ZONES)
    person = Person(name, zone, rng.choice(("Ada", "Bo", "ليلى")), {}, zones={zone})
    for number, kind in enumerate(kinds):
        occasion_id = kind if kind not in person.occasions else f"{kind}-{number}"
        person.occasions[occasion_id] = _occasion(machine, rng, kind)
    machine.truth.people[name] = person
    machine.truth.redate(name)
    return f"{name} in {person.zone}: {_put(machine, person)}"


@step(7)
async def correct_date(machine: Machine, rng: Random) -> str:
    """A wrong date is corrected, by a day or to another one."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    name = rng.choice(sorted(person.occasions))
    person.occasions[name] = _occasion(machine, rng, person.occasions[name].kind)
    machine.truth.redate(person.user_id)
    return f"{person.user_id}: {_put(machine, person)}"


@step(3)
async def change_occasions(machine: Machine, rng: Random) -> str:
    """An occasion comes, or goes if there is more than one."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    if len(person.occasions) > 1 and rng.random() < 0.6:
        del person.occasions[rng.choice(sorted(person.occasions))]
    else:
        kind = rng.choice(("birthday", "anniversary"))
        person.occasions[f"{kind}-{rng.randrange(3)}"] = _occasion(machine, rng, kind)
    machine.truth.redate(person.user_id)
    return f"{person.user_id}: {_put(machine, person)}"


@step(3)
async def rename(machine: Machine, rng: Random) -> str:
    """A name changes."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    person.name = rng.choice(("Ada", "Bo", "Chidi", ""))
    return f"{person.user_id}: {_put(machine, person)}"


@step(7)
async def move(machine: Machine, rng: Random) -> str:
    """A person moves to another zone."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    person.zone = rng.choice(ZONES)
    person.zones.add(person.zone)
    machine.truth.changed = True
    return f"{person.user_id} to {person.zone}: {_put(machine, person)}"


@step(4)
async def follow(machine: Machine, rng: Random) -> str:
    """A phone reports a zone, or the person wants to be greeted at home again."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    person.follows = rng.random() < 0.75
    person.current_zone = rng.choice(("", *ZONES))
    person.zones |= {person.current_zone} - {""}
    machine.truth.changed = True
    return f"{person.user_id} {person.follows} {person.current_zone}: {_put(machine, person)}"


@step(6)
async def opt(machine: Machine, rng: Random) -> str:
    """A person opts out of an event type, or in again."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    person.out ^= {rng.choice(sorted(machine.truth.rules))}
    return f"{person.user_id} out of {sorted(person.out)}: {_put(machine, person)}"


@step(4)
async def choose_hours(machine: Machine, rng: Random) -> str:
    """A person wants a time of their own, or quiet hours, or none of them."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    if rng.random() < 0.5:
        rule = rng.choice(sorted(machine.truth.rules))
        if person.local_times.pop(rule, None) is None:
            person.local_times[rule] = time(rng.randrange(24), rng.choice((0, 30)))
    else:
        begin, end = rng.sample(range(24), 2)
        person.quiet = None if person.quiet else (time(begin), time(end))
    machine.truth.changed = True
    return f"{person.user_id} {person.local_times} {person.quiet}: {_put(machine, person)}"


@step(5)
async def switch_care(machine: Machine, rng: Random) -> str:
    """Never again, for a person or an occasion, also one that is deleted; or it is taken back."""
    people = list(machine.truth.people.values())
    if not people:
        return ""
    person = rng.choice(people)
    occasion = rng.choice(("", *sorted(person.occasions))) if person.alive else ""
    is_set = not machine.truth.care.get((person.user_id, occasion), (False, None))[0]
    return _switch(machine, person, occasion, is_set=is_set)


@step(4)
async def delete(machine: Machine, rng: Random) -> str:
    """A person is deleted."""
    person = machine.somebody(rng)
    if person is None:
        return ""
    return f"{person.user_id}: {_delete(machine, person)}"


@step(5)
async def import_again(machine: Machine, rng: Random) -> str:
    """Somebody who was deleted is imported again, enrolled now."""
    gone = [person for person in machine.truth.people.values() if not person.alive]
    if not gone:
        return ""
    person = rng.choice(gone)
    now = machine.stage.now()
    on_enrol = rng.choice((1, 2))
    for occasion in person.occasions.values():
        occasion.since, occasion.on_enrol = now, on_enrol
    machine.truth.redate(person.user_id)
    return f"{person.user_id}: {_put(machine, person)}"


@step(6)
async def refuse_what_is_under_way(machine: Machine, rng: Random) -> str:
    """Somebody whose message is open in delivery goes, opts out, or never wants any again."""
    lanes, people = machine.stage.lanes, machine.truth.people
    found = [lanes.accepted[name] for name in sorted(lanes.open)]
    found = [message for message in found if people[message.user_id].alive]
    if not found:
        return ""
    message = rng.choice(found)
    person = people[message.user_id]
    kind = rng.randrange(3)
    if kind == 0:
        return f"{message.event_id} {person.user_id}: {_delete(machine, person)}"
    if kind == 1:
        person.out.add(message.event_type_id)
        return f"{message.event_id} {person.user_id} out of {sorted(person.out)}: {_put(machine, person)}"
    return f"{message.event_id} {_switch(machine, person, '', is_set=True)}"


@step(4)
async def go_and_come_back(machine: Machine, rng: Random) -> str:
    """Somebody who had a message is deleted, and imported again when that is done."""
    rows = await machine.stage.rows(
        "SELECT user_id FROM events WHERE state = 'SENT' ORDER BY decide_time DESC, event_id LIMIT 5"
    )
    found = [machine.truth.people[row["user_id"]] for row in rows if row["user_id"]]
    found = [person for person in found if person.alive]
    if not found:
        return ""
    person = rng.choice(found)
    _delete(machine, person)
    if rng.random() < 0.7:
        await machine.stage.quiet(paused=True)
    now = machine.stage.now()
    for occasion in person.occasions.values():
        occasion.since, occasion.on_enrol = now, 2
    machine.truth.redate(person.user_id)
    return f"{person.user_id}: {_put(machine, person)}"


@step(1)
async def change_tenant(machine: Machine, rng: Random) -> str:
    """The tenant's zone and leap day rule are others."""
    truth = machine.truth
    truth.leap = rng.choice((1, 2, 3))
    for person in truth.people.values():
        if any(occasion.day > 28 for occasion in person.occasions.values()):
            truth.redate(person.user_id)
    put_tenant(machine, rng.choice(ZONES))
    return f"leap {truth.leap}"


@step(1)
async def resync(machine: Machine, rng: Random) -> str:
    """The feed begins a new epoch and says everything again."""
    feed = machine.stage.world.feed
    feed.epoch = f"epoch-{feed.version}"
    put_tenant(machine, "UTC")
    for person in machine.truth.people.values():
        if person.alive:
            _put(machine, person)
    return feed.epoch


def put_tenant(machine: Machine, zone: str) -> None:
    """Tell the feed of the tenant as it is."""
    tenant = tenant_pb2.Tenant(
        tenant_id=TENANT,
        name="t",
        time_zone=zone,
        locale="en",
        leap_day_rule=machine.truth.leap,
        create_time=timestamp(machine.begin),
    )
    machine.stage.world.feed.put("", tenant=tenant)


def _occasion(machine: Machine, rng: Random, kind: str) -> Occasion:
    now = machine.stage.now()
    near = (now + timedelta(days=rng.randrange(-2, 6))).date()
    month, day = (2, 29) if rng.random() < 0.15 else (near.month, near.day)
    year = rng.choice((0, 1892, 1968, 1996, 2024, now.year))
    if (month, day) == (2, 29) and year % 4:
        year = 0
    return Occasion(kind, year, month, day, rng.choice((0, 0, 1, 2, 3)), now, rng.choice((1, 2)))


def _put(machine: Machine, person: Person) -> str:
    truth, now = machine.truth, machine.stage.now()
    person.alive = True
    facts = truth.facts
    facts.note("alive", person.user_id, value=True, at=now)
    facts.note("quiet", person.user_id, value=person.quiet is not None, at=now)
    facts.note("occasions", person.user_id, value=frozenset(person.occasions), at=now)
    for rule in truth.rules:
        facts.note("out", person.user_id, rule, value=rule in person.out, at=now)
    machine.stage.world.feed.put(
        person.user_id, recipient=_recipient(person), care_switches=_care(machine, person, whole=True)
    )
    return " ".join(
        f"{name}={o.year}-{o.month:02d}-{o.day:02d}/{o.leap}/{o.on_enrol}"
        for name, o in person.occasions.items()
    )


def _switch(machine: Machine, person: Person, occasion: str, *, is_set: bool) -> str:
    now = machine.stage.now()
    machine.truth.care[person.user_id, occasion] = (is_set, now)
    machine.truth.facts.note("care", person.user_id, occasion, value=is_set, at=now)
    said = _put(machine, person) if person.alive else _delete(machine, person)
    return f"{person.user_id} {occasion or 'person'} {is_set}: {said}"


def _delete(machine: Machine, person: Person) -> str:
    now = machine.stage.now()
    person.alive = False
    machine.truth.redate(person.user_id)
    machine.truth.facts.note("alive", person.user_id, value=False, at=now)
    machine.stage.world.feed.put(
        person.user_id,
        user_tombstone=feed_pb2.UserTombstone(delete_time=_stamp(now)),
        care_switches=_care(machine, person, whole=False),
    )
    return "deleted"


def _care(machine: Machine, person: Person, *, whole: bool) -> list[feed_pb2.CareSwitchState]:
    return [
        feed_pb2.CareSwitchState(
            occasion_id=occasion, state=_SET if is_set else _CLEARED, change_time=_stamp(since)
        )
        for (user_id, occasion), (is_set, since) in machine.truth.care.items()
        if user_id == person.user_id and (whole or not occasion)
    ]


def _recipient(person: Person) -> feed_pb2.Recipient:
    enrolments = [
        feed_pb2.Enrolment(
            occasion=user_pb2.Occasion(
                occasion_id=name,
                kind=one.kind,
                date=Date(year=one.year, month=one.month, day=one.day),
                leap_day_rule=one.leap,
            ),
            enrol_time=_stamp(one.since),
            on_enrol=one.on_enrol,
        )
        for name, one in person.occasions.items()
    ]
    return feed_pb2.Recipient(
        time_zone=person.zone,
        locale="en",
        given_name=person.name,
        enrolments=enrolments,
        attributes_json=b"{}",
        preferences=_preferences(person),
    )


def _preferences(person: Person) -> preferences_pb2.Preferences:
    named = sorted(person.out | person.local_times.keys())
    chosen = [
        preferences_pb2.EventTypePreference(
            event_type_id=rule,
            opted_out=rule in person.out,
            local_time=_wall(person.local_times[rule]) if rule in person.local_times else None,
        )
        for rule in named
    ]
    quiet = None
    if person.quiet is not None:
        quiet = preferences_pb2.QuietHours(start=_wall(person.quiet[0]), end=_wall(person.quiet[1]))
    return preferences_pb2.Preferences(
        event_types=chosen,
        quiet_hours=quiet,
        zone_mode=2 if person.follows else 1,
        current_time_zone=person.current_zone,
    )


def _wall(at: time) -> TimeOfDay:
    return TimeOfDay(hours=at.hour, minutes=at.minute)


def _stamp(at: datetime) -> object:
    return timestamp(Instant(at))
