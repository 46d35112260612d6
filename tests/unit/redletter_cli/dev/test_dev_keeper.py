"""What becomes of a process that ends without being asked to."""

from redletter_cli.dev.keeper import Keeper
from redletter_cli.embedded import StartFailed


class _Process:
    """A process whose end the test decides."""

    def __init__(self) -> None:
        self.code: int | None = None
        self.starts = 0
        self.refuses = 0

    @property
    def pid(self) -> int | None:
        return 4000 + self.starts

    def start(self) -> None:
        if self.refuses:
            self.refuses -= 1
            raise StartFailed("no luck")
        self.starts += 1
        self.code = None

    def poll(self) -> int | None:
        return self.code


class _World:
    def __init__(self) -> None:
        self.now = 0.0
        self.said: list[str] = []
        self.process = _Process()
        self.keeper = Keeper(self.said.append, changed=lambda: None, clock=lambda: self.now)
        self.keeper.watch("scheduler-1", self.process)

    def tick(self, *, after: float = 0.0) -> None:
        self.now += after
        self.keeper.tick()

    def crash(self) -> None:
        self.process.code = -9
        self.tick()


def test_a_crash_is_said_and_repaired_after_a_pause() -> None:
    """The end is named with its signal; the process runs again half a second later, not before."""
    world = _World()
    world.crash()
    assert world.said == ["scheduler-1 ended: killed by signal 9; starting it again in 0.5 s"]
    world.tick(after=0.4)
    assert world.process.starts == 0
    world.tick(after=0.1)
    assert world.process.starts == 1
    assert world.said[-1] == "scheduler-1 is started again (process 4001)"
    assert world.keeper.crashes == 1


def test_the_pause_doubles_up_to_half_a_minute() -> None:
    """A process that ends again and again is started more and more rarely."""
    world = _World()
    pauses = []
    for _ in range(8):
        world.crash()
        pauses.append(float(world.said[-1].rpartition(" in ")[2].removesuffix(" s")))
        world.tick(after=30)
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_a_minute_of_health_is_forgiven() -> None:
    """After a minute without a crash the first pause counts again."""
    world = _World()
    for _ in range(4):
        world.crash()
        world.tick(after=30)
    world.tick(after=61)
    world.crash()
    assert world.said[-1].endswith("starting it again in 0.5 s")


def test_a_start_that_fails_is_tried_again() -> None:
    """A server that cannot start yet, PostgreSQL after a kill for example, is not given up."""
    world = _World()
    world.process.refuses = 1
    world.crash()
    world.tick(after=0.5)
    assert "did not start: no luck; trying again" in world.said[-1]
    world.tick(after=5)
    assert world.process.starts == 1


def test_what_is_stopped_on_purpose_is_no_crash() -> None:
    """A forgotten process may end."""
    world = _World()
    world.keeper.forget([world.process])
    world.crash()
    assert world.said == []
    assert world.keeper.crashes == 0
