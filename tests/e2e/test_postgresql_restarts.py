"""PostgreSQL goes away at the moment when people are due, and comes back."""

import os
import signal
from pathlib import Path

from whenever import Instant

from redletter_cli.dev.topology import Shape
from tests.e2e.deployed import Deployed, Sink, await_that, deployed, receiving

PEOPLE = 100


def test_everybody_is_greeted_once_when_it_is_back(tmp_path: Path) -> None:
    """Restarted, then killed: nobody is lost, early or greeted under two ids, and all have it in ten seconds."""
    with deployed(tmp_path, Shape(schedulers=3, deliveries=1)) as it, receiving() as sink:
        it.add_endpoint("sink", sink.port)
        for turn, number in enumerate((signal.SIGINT, signal.SIGKILL)):
            due = it.schedule(f"peak-{turn}", [f"p{turn}-{n}" for n in range(PEOPLE)], seconds=3)
            _await_due(sink, due, before=PEOPLE * turn)
            os.kill(it.deployment.pids()["postgres"], number)
            _await_greeted(it, sink, PEOPLE * (turn + 1))
            assert (Instant.now() - due).total("seconds") < 10
        assert it.deployment.crashes == 2
        # A repeat on the wire has the same id: what was sent as PostgreSQL ended could not be recorded.
        assert len(_ids(sink)) == 2 * PEOPLE


def _await_due(sink: Sink, due: Instant, *, before: int) -> None:
    await_that(lambda: Instant.now() >= due or len(_ids(sink)) > before)
    assert Instant.now() >= due  # not early


def _await_greeted(it: Deployed, sink: Sink, count: int) -> None:
    def all_greeted() -> bool:
        it.deployment.tick()  # starts PostgreSQL again, as `redletter dev` does
        return len(_ids(sink)) >= count

    await_that(all_greeted)


def _ids(sink: Sink) -> set[str]:
    return {webhook.headers["webhook-id"] for webhook in list(sink.webhooks)}
