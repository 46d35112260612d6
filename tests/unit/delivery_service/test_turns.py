"""Whose turn it is when all slots are taken."""

from delivery_service.domain.deliveries import LaneKey
from delivery_service.workers.lane import Lane
from delivery_service.workers.turns import Turns


def _lane(tenant_id: str, endpoint_id: str) -> Lane:
    return Lane(LaneKey(tenant_id, endpoint_id), most=8)


def test_tenants_take_turns_whatever_the_number_of_their_lanes() -> None:
    """A tenant with a hundred lanes that waited first gets every second turn beside one with a single lane."""
    turns = Turns()
    for number in range(100):
        turns.wait(_lane("large", f"e{number}"))
    small = _lane("small", "hook")
    got = []
    for _ in range(6):
        turns.wait(small)
        lane = turns.next()
        assert lane is not None
        got.append(lane.key.tenant_id)
    assert got == ["large", "small", "large", "small", "large", "small"]


def test_the_lanes_of_a_tenant_take_turns_in_the_order_in_which_they_came() -> None:
    """A lane that waits already keeps its place, and has one."""
    turns = Turns()
    lanes = [_lane("t", f"e{number}") for number in range(3)]
    for lane in [*lanes, *lanes]:
        turns.wait(lane)
    assert [turns.next() for _ in range(4)] == [*lanes, None]


def test_nobody_waits_after_clearing() -> None:
    """What waited was dropped."""
    turns = Turns()
    turns.wait(_lane("t", "e"))
    turns.clear()
    assert (turns.waiting, turns.next()) == (set(), None)
