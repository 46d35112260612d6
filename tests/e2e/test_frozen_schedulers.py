"""Processes that are stopped for twice their lease and then go on as if nothing had been."""

import os
import signal
import time
from collections import Counter
from pathlib import Path

from redletter.scheduler.v1 import scheduler_admin_service_pb2
from redletter.scheduler.v1.scheduler_status_pb2 import SchedulerStatus

from chassis.leadership import LEASE_SECONDS
from redletter_cli.dev.topology import Shape
from tests.e2e.deployed import Deployed, await_that, deployed, receiving

PEOPLE = 60


def status(it: Deployed) -> SchedulerStatus:
    """Return what the schedulers say of themselves."""
    request = scheduler_admin_service_pb2.GetSchedulerStatusRequest()
    with it.deployment.accounts.as_operator() as operator:
        return operator.scheduler_admin.GetSchedulerStatus(request).status


def test_leader_and_a_holder_of_shards_freeze(tmp_path: Path) -> None:
    """The third sends and plans within 3 s and a little; awake again, the two send nothing a second time."""
    with deployed(tmp_path, Shape(schedulers=3, deliveries=1)) as it, receiving() as sink:
        it.add_endpoint("sink", sink.port)
        names = {"scheduler-1", "scheduler-2", "scheduler-3"}
        await_that(lambda: {holder.holder for holder in status(it).shard_holders} == names)
        leader = status(it).leader
        frozen = [leader, min(names - {leader})]
        due = it.schedule("before", [f"p{n}" for n in range(PEOPLE)], seconds=3)
        await_that(lambda: time.time() > due.timestamp() - 0.5)
        pids = [it.deployment.pids()[name] for name in frozen]
        for pid in pids:
            os.kill(pid, signal.SIGSTOP)
        began = time.time()
        await_that(lambda: len(sink.webhooks) >= PEOPLE)
        assert time.time() >= due.timestamp()
        assert time.time() - began < 4.0
        await_that(lambda: time.time() > began + 2 * LEASE_SECONDS)
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        awake = {holder.holder for holder in await_that(lambda: _all_back(it, names))}
        assert awake == names
        assert status(it).leader not in frozen
        it.schedule("after", ["somebody"], seconds=1)
        await_that(lambda: len(sink.webhooks) > PEOPLE)
        sent = Counter(webhook.headers["webhook-id"] for webhook in sink.webhooks)
        assert (len(sent), max(sent.values())) == (PEOPLE + 1, 1)


def _all_back(it: Deployed, names: set[str]) -> list[object]:
    holders = list(status(it).shard_holders)
    return holders if {holder.holder for holder in holders} == names else []
