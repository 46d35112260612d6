"""A real cluster of three Valkey nodes without replicas, from the same wheel as the single one."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

import redis
from redis.crc import key_slot

from redletter_cli.embedded import PortTaken, Valkey, free_port
from redletter_cli.embedded.ports import is_free

NODES = 3
_SLOTS = 16_384
_BUS = 10_000  # the cluster bus listens this much higher
_WITHIN_SECONDS = 20.0
_ATTEMPTS = 5
_SETTINGS = {
    "cluster-enabled": "yes",
    "cluster-node-timeout": "1000",  # milliseconds until a node that is gone is called so
    "cluster-require-full-coverage": "no",
}


class ValkeyCluster:
    """Three nodes on 127.0.0.1; node 0 has the lowest third of the slots, node 2 the highest."""

    def __init__(self, directory: Path, *, program: Path | None = None) -> None:
        self._directory = directory
        self._program = program
        self.nodes: list[Valkey] = []

    @property
    def url(self) -> str:
        """All nodes, as `REDLETTER_REDIS_URL` takes them."""
        return ",".join(node.url() for node in self.nodes)

    def start(self) -> None:
        """Start the nodes, share the slots out and return when each node sees the whole cluster as ok."""
        self.nodes = [self._started(number) for number in range(NODES)]
        for number, node in enumerate(self.nodes):
            first, last = _SLOTS * number // NODES, _SLOTS * (number + 1) // NODES - 1
            self._ask(node, "CLUSTER ADDSLOTSRANGE", first, last)
            self._ask(node, "CLUSTER SET-CONFIG-EPOCH", number + 1)
        for node in self.nodes[1:]:
            self._ask(node, "CLUSTER MEET", "127.0.0.1", self.nodes[0].port)
        self.await_state("ok", known=NODES)

    def stop(self) -> None:
        """Stop every node."""
        for node in self.nodes:
            node.stop()

    def flush(self) -> None:
        """Let every node forget everything."""
        for node in self.nodes:
            self._ask(node, "FLUSHALL")

    def node_of(self, key: str) -> Valkey:
        """Return the node that has the slot of `key`."""
        return self.nodes[key_slot(key.encode()) * NODES // _SLOTS]

    def kill(self, node: Valkey) -> None:
        """End one node by SIGKILL; `node.start()` brings it back with its slots and without its keys."""
        assert node.pid is not None
        os.kill(node.pid, signal.SIGKILL)
        _await(node.exited)

    def await_state(self, state: str, *, known: int) -> None:
        """Return when every living node says `state` (ok, fail) and knows so many nodes."""

        def agreed() -> bool:
            infos = [self._ask(node, "CLUSTER INFO") for node in self.nodes if not node.exited()]
            return all(
                info["cluster_state"] == state and int(info["cluster_known_nodes"]) == known for info in infos
            )

        _await(agreed)

    def _started(self, number: int) -> Valkey:
        for _ in range(_ATTEMPTS):
            port = free_port()
            if not is_free(port + _BUS):
                continue
            node = Valkey(
                self._directory / f"node-{number}", port=port, settings=_SETTINGS, program=self._program
            )
            try:
                node.start()
            except PortTaken:
                continue
            return node
        raise AssertionError(f"{_ATTEMPTS} pairs of ports were taken")

    @staticmethod
    def _ask(node: Valkey, command: str, *arguments: object) -> dict[str, str]:
        with redis.Redis(port=node.port, decode_responses=True) as client:
            said: dict[str, str] = client.execute_command(command, *arguments)
            return said


def _await(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"the cluster did not agree within {_WITHIN_SECONDS:g} s"
        time.sleep(0.02)
