"""Steps of the model-based test that nobody asked for: crashes, servers that go, and the clock."""

from datetime import timedelta
from random import Random

from tests.integration.scheduler_service.model_machine import Machine, step
from tests.integration.scheduler_service.model_people import delete, move, opt, switch_care
from tests.integration.scheduler_service.model_rules import (
    cancel_planned,
    create,
    pause,
    planned,
    reschedule,
    retime,
    skip,
)

_RACES = (cancel_planned, skip, reschedule, create, delete, move, opt, switch_care, retime, pause)
LONGEST_WAY = timedelta(days=30)


@step(8)
async def some_minutes_pass(machine: Machine, rng: Random) -> str:
    """The clock jumps ahead by minutes."""
    return await _ahead(machine, 60 * rng.uniform(1, 90))


@step(5)
async def some_hours_pass(machine: Machine, rng: Random) -> str:
    """The clock jumps ahead by hours."""
    return await _ahead(machine, 3600 * rng.uniform(1, 20))


@step(3)
async def some_days_pass(machine: Machine, rng: Random) -> str:
    """The clock jumps ahead by days."""
    return await _ahead(machine, 86_400 * rng.uniform(1, 6))


@step(0.3)
async def some_months_pass(machine: Machine, rng: Random) -> str:
    """The clock jumps ahead by months."""
    return await _ahead(machine, 86_400 * rng.uniform(25, 200))


async def _ahead(machine: Machine, seconds: float) -> str:
    await machine.stage.set_ahead(seconds)
    return f"{timedelta(seconds=round(seconds))}"


@step(16)
async def due_moment_comes(machine: Machine, rng: Random) -> str:
    """The next due instant is some milliseconds away, and then it comes."""
    return await _approach(machine, rng)


@step(14, "moments")
async def race(machine: Machine, rng: Random) -> str:
    """Something is changed at the due instant, just before or just after the decision."""
    said = await _approach(machine, rng)
    change = rng.choice(_RACES)
    return f"{said}; {change.__name__} {await change(machine, rng)}"


async def _approach(machine: Machine, rng: Random) -> str:
    now = machine.stage.now()
    [row] = await machine.stage.rows("SELECT min(due_time) AS due FROM plans WHERE due_time > $1", now)
    if row["due"] is None or row["due"] > now + LONGEST_WAY:
        return "nothing is due soon"
    before = timedelta(milliseconds=rng.choice((-20, 2, 5, 10, 20, 40, 80)))
    await machine.stage.set_ahead(max(0.0, (row["due"] - before - machine.stage.now()).total_seconds()))
    return f"{row['due']} less {before}, of {await planned(machine, rng)}"


@step(2, "replicas")
async def crash(machine: Machine, rng: Random) -> str:
    """A replica is killed and another one starts; sometimes Redis forgets what the first one held."""
    replicas = machine.stage.replicas
    await machine.stage.crash(rng.choice(replicas))
    if rng.random() < 0.6:
        await machine.stage.redis.flushall()
    await machine.stage.start_replica()
    return f"{len(machine.stage.replicas)} replicas"


@step(1, "replicas")
async def stop_and_start(machine: Machine, rng: Random) -> str:
    """A replica is stopped in order and another one starts."""
    await machine.stage.start_replica()
    await machine.stage.replicas[0].stop()
    return f"{len(machine.stage.replicas)} replicas"


@step(2)
async def kill_connections(machine: Machine, rng: Random) -> str:
    """PostgreSQL ends every connection."""
    return f"{await machine.stage.kill_connections()} ended"


@step(2)
async def forget_redis(machine: Machine, rng: Random) -> str:
    """Redis forgets everything."""
    await machine.stage.redis.flushall()
    return "flushed"


@step(1.5)
async def delivery_goes(machine: Machine, rng: Random) -> str:
    """Delivery does not answer any more."""
    machine.stage.lanes.down = True
    return "down"


@step(5)
async def delivery_comes(machine: Machine, rng: Random) -> str:
    """Delivery answers again."""
    if not machine.stage.lanes.down:
        return ""
    machine.stage.lanes.down = False
    machine.stage.orphans = True
    return "up"


@step(5)
async def lanes_stall(machine: Machine, rng: Random) -> str:
    """What is accepted from now on is not sent yet."""
    machine.stage.lanes.prompt = False
    return "stalled"


@step(4)
async def lanes_send(machine: Machine, rng: Random) -> str:
    """The lanes send what is open, and go on."""
    machine.stage.lanes.prompt = rng.random() < 0.4
    return f"{machine.stage.lanes.send()} sent"
