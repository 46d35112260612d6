"""Every process has ports of its own."""

import pytest

from redletter_cli.dev.errors import Refused
from redletter_cli.dev.ports import MOST_REPLICAS, Ports


def test_no_two_processes_share_a_port() -> None:
    """With the most replicas of both services every port is used once and lies within the 80."""
    ports = Ports(7700)
    used = [ports.postgres, ports.valkey, ports.receiver, *ports.user]
    for replica in range(MOST_REPLICAS):
        used += [*ports.scheduler(replica), *ports.delivery(replica)]
    assert len(set(used)) == len(used)
    assert min(used) == 7700
    assert max(used) < 7780


@pytest.mark.parametrize("base", [0, 1023, 55_456, 70_000])
def test_an_impossible_base_is_refused(base: int) -> None:
    """Neither root's ports nor those above Valkey's limit."""
    with pytest.raises(Refused, match="allowed are 1024 to 55455"):
        Ports(base)
