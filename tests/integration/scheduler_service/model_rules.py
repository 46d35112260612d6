"""Steps of the model-based test that a tenant makes: rules, holidays, events by hand."""

from datetime import date, datetime, time, timedelta
from random import Random
from typing import Any

import grpc
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_pb2
from redletter.scheduler.v1 import event_service_pb2 as service_pb
from redletter.scheduler.v1 import event_type_pb2 as rule_pb
from redletter.scheduler.v1 import scheduler_admin_service_pb2 as admin_pb
from whenever import Instant

from chassis.wire import instant, timestamp
from scheduler_service.domain.ids import event_id
from tests.integration.scheduler_service.conftest import KEY, OPERATOR, Replica
from tests.integration.scheduler_service.model import (
    ACTIVE,
    BEFORE,
    DELETED,
    MONTHLY,
    PAUSED,
    WEEKLY,
    YEARLY,
    Rule,
)
from tests.integration.scheduler_service.model_machine import Machine, step
from tests.integration.scheduler_service.rule_calls import Rules, greeting

GONE = (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.FAILED_PRECONDITION)
_WORDS = rule_pb.Template(title="Hello", body="on {{ occurrence_date }}")


async def first_rules(machine: Machine) -> None:
    """Make the rules of the walk: two built-in ones, one with an offset and weekends, a monthly and a weekly one."""
    now = machine.stage.now()
    truth = machine.truth
    truth.rules = {
        "birthday": Rule("birthday", "birthday"),
        "anniversary": Rule("anniversary", "anniversary"),
        "ahead": Rule("ahead", "birthday", YEARLY, time(10), -2, BEFORE),
        "monthly": Rule("monthly", "anniversary", MONTHLY, time(8, 30)),
        "weekly": Rule("weekly", "birthday", WEEKLY, time(0, 15)),
    }
    for rule in truth.rules.values():
        truth.facts.note("rule", rule.event_type_id, value=ACTIVE, at=now, settled=now)
    for name in ("ahead", "monthly", "weekly"):
        await machine.stage.ask(lambda replica, name=name: Rules(replica).create(_wire(truth.rules[name])))  # type: ignore[misc]


def _wire(rule: Rule, **fields: object) -> rule_pb.EventType:
    return greeting(
        rule.event_type_id,
        **{
            "occasion_kind": rule.kind,
            "recurrence": rule.recurrence,
            "local_time": _wall(rule.local_time),
            "day_offset": rule.day_offset,
            "weekend_shift": rule.shift,
            "rrule": "FREQ=WEEKLY" if rule.recurrence == WEEKLY else "",
            **fields,
        },
    )


async def _update(machine: Machine, rule: Rule, path: str, **fields: object) -> str:
    wire = rule_pb.EventType(event_type_id=rule.event_type_id, **fields)  # type: ignore[arg-type]
    await machine.stage.ask(lambda replica: Rules(replica).update(wire, path))
    machine.truth.changed = True
    return f"{rule.event_type_id} {path} {fields}"


def _rule(machine: Machine, rng: Random, *states: str) -> Rule | None:
    found = [rule for _, rule in sorted(machine.truth.rules.items()) if rule.state in states]
    return rng.choice(found) if found else None


@step(4, "rules")
async def retime(machine: Machine, rng: Random) -> str:
    """A rule's hour is another one; often one near to now."""
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if rule is None:
        return ""
    near = (machine.stage.now() + timedelta(minutes=rng.randrange(-90, 90))).time()
    at = time(near.hour, near.minute) if rng.random() < 0.5 else time(rng.randrange(24), 30)
    said = await _update(machine, rule, "local_time", local_time=_wall(at))
    rule.local_time = at
    return said


@step(3, "rules")
async def offset(machine: Machine, rng: Random) -> str:
    """A rule is some days earlier or later."""
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if rule is None:
        return ""
    days = rng.randrange(-4, 4)
    said = await _update(machine, rule, "day_offset", day_offset=days)
    rule.day_offset = days
    return said


@step(2, "rules")
async def shift(machine: Machine, rng: Random) -> str:
    """A rule keeps away from weekends, or no longer."""
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if rule is None:
        return ""
    wanted = rng.choice((1, 2, 3))
    said = await _update(machine, rule, "weekend_shift", weekend_shift=wanted)
    rule.shift = wanted
    return said


@step(2, "rules")
async def spread(machine: Machine, rng: Random) -> str:
    """A rule's peak is spread."""
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if rule is None:
        return ""
    return await _update(machine, rule, "spread", spread={"seconds": rng.choice((0, 600, 7200))})


@step(3, "rules")
async def reword(machine: Machine, rng: Random) -> str:
    """A rule's words, or what becomes of late ones."""
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if rule is None:
        return ""
    if rng.random() < 0.7:
        return await _update(machine, rule, "templates", templates=[_WORDS])
    late = rng.choice((1, 2))
    before = machine.stage.now()
    machine.truth.facts.note("expires", rule.event_type_id, value=late == 2, at=before)
    return await _update(machine, rule, "late_policy", late_policy=late)


@step(3, "rules")
async def pause(machine: Machine, rng: Random) -> str:
    """A rule is paused."""
    rule = _rule(machine, rng, ACTIVE)
    if rule is None:
        return ""
    before = machine.stage.now()
    await machine.stage.ask(lambda replica: Rules(replica).pause(rule.event_type_id))
    return _stated(machine, rule, PAUSED, before)


@step(5, "rules")
async def resume(machine: Machine, rng: Random) -> str:
    """A paused rule goes on."""
    rule = _rule(machine, rng, PAUSED)
    if rule is None:
        return ""
    before = machine.stage.now()
    await machine.stage.ask(lambda replica: Rules(replica).resume(rule.event_type_id))
    return _stated(machine, rule, ACTIVE, before)


@step(1, "rules")
async def delete_rule(machine: Machine, rng: Random) -> str:
    """A rule is deleted."""
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if rule is None or rule.event_type_id not in ("ahead", "monthly", "weekly"):
        return ""
    before = machine.stage.now()
    await machine.stage.ask(lambda replica: Rules(replica).delete(rule.event_type_id))
    return _stated(machine, rule, DELETED, before)


@step(3, "rules")
async def revive(machine: Machine, rng: Random) -> str:
    """A deleted rule comes back."""
    rule = _rule(machine, rng, DELETED)
    if rule is None:
        return ""
    before = machine.stage.now()
    # Whoever has not heard of the first try's answer tries again, and hears that it is there.
    try:
        await machine.stage.ask(lambda replica: Rules(replica).create(_wire(rule)))
    except grpc.aio.AioRpcError as error:
        if error.code() is not grpc.StatusCode.ALREADY_EXISTS:
            raise
    return _stated(machine, rule, ACTIVE, before)


def _stated(machine: Machine, rule: Rule, state: str, before: datetime) -> str:
    rule.state = state
    now = machine.stage.now()
    machine.truth.facts.note("rule", rule.event_type_id, value=state, at=before, settled=now)
    machine.truth.restate(rule.event_type_id)
    return f"{rule.event_type_id} {state}"


@step(2, "rules")
async def holiday(machine: Machine, rng: Random) -> str:
    """A day becomes a holiday, or is none any more."""
    on = (machine.stage.now() + timedelta(days=rng.randrange(-1, 5))).date()
    if on in machine.truth.holidays:
        try:
            await machine.stage.ask(lambda replica: Rules(replica).delete_holiday(on.year, on.month, on.day))
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.NOT_FOUND:
                raise
        machine.truth.holidays.discard(on)
    else:
        await machine.stage.ask(lambda replica: Rules(replica).set_holiday(on.year, on.month, on.day))
        machine.truth.holidays.add(on)
    machine.truth.changed = True
    return f"{on} {on in machine.truth.holidays}"


@step(6)
async def create(machine: Machine, rng: Random) -> str:
    """A caller makes an event: now, at an instant, at a local time."""
    person = machine.somebody(rng)
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if person is None or rule is None:
        return ""
    due: dict[str, Any] = {}
    kind = rng.randrange(3)
    ahead = machine.stage.now() + timedelta(minutes=rng.choice((-30, 1, 45, 600, 3000)))
    if kind == 1:
        due["due_time"] = timestamp(Instant(ahead))
    elif kind == 2:
        due["local_time"] = service_pb.LocalMoment(date=_date(ahead.date()), time=_wall(ahead.time()))
    name = f"i{len(machine.truth.instances)}-{rng.randrange(10**6)}"
    request = service_pb.CreateEventRequest(
        instance=name, user_id=person.user_id, event_type_id=rule.event_type_id, metadata={"n": name}, **due
    )
    answer = await _made(machine, request)
    if answer is None:
        return f"{person.user_id} {rule.event_type_id} {due} refused"
    machine.truth.instances[name] = (answer.event.event_id, request.SerializeToString())
    machine.truth.made.add(answer.event.event_id)
    return f"{person.user_id} {rule.event_type_id} {ahead if kind else 'now'} {answer.event.event_id}"


async def _made(
    machine: Machine, request: service_pb.CreateEventRequest
) -> service_pb.CreateEventResponse | None:
    try:
        return await machine.stage.ask(lambda replica: replica.events.CreateEvent(request, metadata=KEY))
    except grpc.aio.AioRpcError as error:
        over = error.code() is grpc.StatusCode.INVALID_ARGUMENT and request.HasField("local_time")
        if error.code() in GONE or over:
            return None
        raise


@step(3)
async def create_again(machine: Machine, rng: Random) -> str:
    """The same call again is the same event; another body under its name is refused."""
    if not machine.truth.instances:
        return ""
    name = rng.choice(sorted(machine.truth.instances))
    wanted, body = machine.truth.instances[name]
    request = service_pb.CreateEventRequest.FromString(body)
    person = machine.truth.people[request.user_id]
    if not person.alive:
        return ""
    if rng.random() < 0.5:
        request.metadata["other"] = "x"
    try:
        answer = await machine.stage.ask(lambda replica: replica.events.CreateEvent(request, metadata=KEY))
    except grpc.aio.AioRpcError as error:
        if error.code() is grpc.StatusCode.ALREADY_EXISTS and request.SerializeToString() != body:
            return f"{name} refused"
        raise
    assert "other" not in request.metadata, f"another body under {name} made {answer.event.event_id}"
    assert (answer.event.event_id, answer.created) == (wanted, False), f"{name}: {wanted}, then {answer}"
    return f"{name} the same"


@step(6, "moments")
async def trigger(machine: Machine, rng: Random) -> str:
    """A rule's message leaves now, as an event of its own or instead of the open cycle."""
    person = machine.somebody(rng)
    rule = _rule(machine, rng, ACTIVE, PAUSED)
    if person is None or rule is None:
        return ""
    kinds = [name for name, one in sorted(person.occasions.items()) if one.kind == rule.kind]
    request = service_pb.TriggerEventRequest(
        user_id=person.user_id,
        event_type_id=rule.event_type_id,
        consume=rng.random() < 0.5,
        occasion_id=rng.choice(kinds) if kinds else "",
        instance=f"t{rng.getrandbits(40)}",
    )
    try:
        answer = await machine.stage.ask(lambda replica: replica.events.TriggerEvent(request, metadata=KEY))
    except grpc.aio.AioRpcError as error:
        if error.code() in GONE:
            return f"{person.user_id} {rule.event_type_id} refused: {error.code().name}"
        raise
    name = answer.event.event_id
    if request.consume:
        machine.truth.chosen.pop(name, None)
    else:
        machine.truth.made.add(name)
    return f"{person.user_id} {rule.event_type_id} consume={request.consume} {name}"


async def planned(machine: Machine, rng: Random) -> str:
    """Return a planned event, one of the next ones."""
    rows = await machine.stage.rows(
        "SELECT plan_id, cycle FROM plans WHERE due_time IS NOT NULL ORDER BY due_time, plan_id LIMIT 6"
    )
    found = [event_id(bytes(row["plan_id"]), row["cycle"]) for row in rows]
    return rng.choice(found) if found else ""


@step(4)
async def skip(machine: Machine, rng: Random) -> str:
    """A planned event is skipped."""
    name = await planned(machine, rng)
    if not name:
        return ""
    machine.truth.skipping.add(name)
    request = service_pb.SkipEventRequest(event_id=name)
    try:
        answer = await machine.stage.ask(lambda replica: replica.events.SkipEvent(request, metadata=KEY))
    except grpc.aio.AioRpcError as error:
        if error.code() in GONE:
            return f"{name} refused: {error.details()}"
        raise
    assert answer.event.reason == event_pb2.EVENT_REASON_SKIPPED, f"skipped, and is {answer.event}"
    return name


@step(5, "moments")
async def reschedule(machine: Machine, rng: Random) -> str:
    """A planned event is moved to another moment."""
    name = await planned(machine, rng)
    if not name:
        return ""
    due = machine.stage.now() + timedelta(minutes=rng.choice((-5, 1, 20, 300, 2000)))
    request = service_pb.RescheduleEventRequest(event_id=name, due_time=timestamp(Instant(due)))
    # What is not answered may be done: until the answer nothing is known of its moment.
    machine.truth.chosen.pop(name, None)
    try:
        answer = await machine.stage.ask(
            lambda replica: replica.events.RescheduleEvent(request, metadata=KEY)
        )
    except grpc.aio.AioRpcError as error:
        if error.code() in GONE:
            return f"{name} refused: {error.details()}"
        raise
    if answer.event.state == event_pb2.Event.STATE_PLANNED:
        machine.truth.chosen[name] = instant(answer.event.due_time).to_stdlib()
    return f"{name} to {due}"


@step(4)
async def cancel_planned(machine: Machine, rng: Random) -> str:
    """A planned event is cancelled."""
    name = await planned(machine, rng)
    return await cancelled(machine, name) if name else ""


@step(5)
async def cancel_ended(machine: Machine, rng: Random) -> str:
    """An event that was decided is cancelled, one of the last ones."""
    rows = await machine.stage.rows("SELECT event_id FROM events ORDER BY decide_time DESC, event_id LIMIT 6")
    return await cancelled(machine, rng.choice(rows)["event_id"]) if rows else ""


async def cancelled(machine: Machine, name: str) -> str:
    """Cancel an event and note what its caller was told."""
    truth, lanes = machine.truth, machine.stage.lanes
    truth.cancelling.add(name)
    request = service_pb.CancelEventRequest(event_id=name)
    try:
        answer = await machine.stage.ask(lambda replica: replica.events.CancelEvent(request, metadata=KEY))
    except grpc.aio.AioRpcError as error:
        if error.code() in GONE:
            return f"{name} refused: {error.details()}"
        raise
    if answer.result == service_pb.CANCEL_RESULT_CANCELLED:
        truth.cancelled.add(name)
    over = instant(answer.event.deliver_by).to_stdlib() <= machine.stage.now()
    told = service_pb.CancelResult.Name(answer.result)
    is_late = answer.result == service_pb.CANCEL_RESULT_TOO_LATE
    assert not (is_late and name in lanes.open and not over), f"{name} is open in delivery, told {told}"
    return f"{name} {told}"


@step(3)
async def reissue(machine: Machine, rng: Random) -> str:
    """An ended event is issued again."""
    rows = await machine.stage.rows("SELECT event_id FROM events ORDER BY event_id")
    if not rows:
        return ""
    name = rng.choice(rows)["event_id"]
    request = service_pb.ReissueEventRequest(
        event_id=name, reason="told to", instance=f"r{rng.getrandbits(40)}"
    )
    try:
        answer = await machine.stage.ask(lambda replica: replica.events.ReissueEvent(request, metadata=KEY))
    except grpc.aio.AioRpcError as error:
        if error.code() in GONE:
            return f"{name} refused: {error.details()}"
        raise
    machine.truth.made.add(answer.event.event_id)
    return f"{name} as {answer.event.event_id}"


@step(1, "controls")
async def pause_scheduler(machine: Machine, rng: Random) -> str:
    """An operator stops deciding."""
    before = machine.stage.now()

    async def call(replica: Replica) -> object:
        request = admin_pb.PauseSchedulerRequest(reason="told to")
        return await replica.admin.PauseScheduler(request, metadata=OPERATOR)

    await machine.stage.ask(call)
    return _decides(machine, before, paused=True)


@step(4, "controls")
async def resume_scheduler(machine: Machine, rng: Random) -> str:
    """It is decided again."""
    if not machine.truth.paused:
        return ""
    before = machine.stage.now()

    async def call(replica: Replica) -> object:
        return await replica.admin.ResumeScheduler(admin_pb.ResumeSchedulerRequest(), metadata=OPERATOR)

    await machine.stage.ask(call)
    return _decides(machine, before, paused=False)


def _decides(machine: Machine, before: datetime, *, paused: bool) -> str:
    machine.truth.paused = paused
    machine.truth.facts.note("paused", value=paused, at=before, settled=machine.stage.now())
    return f"paused={paused}"


def _wall(at: time) -> TimeOfDay:
    return TimeOfDay(hours=at.hour, minutes=at.minute)


def _date(on: date) -> Date:
    return Date(year=on.year, month=on.month, day=on.day)
