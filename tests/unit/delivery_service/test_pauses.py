"""A receiver's wish holds its lane, within bounds."""

from delivery_service.domain.deliveries import LaneKey
from delivery_service.workers.lane import Lane
from delivery_service.workers.pauses import LONGEST_PAUSE_SECONDS, Pauses


async def test_one_answer_holds_a_lane_for_five_minutes_at_most() -> None:
    """An hour is taken as five minutes; a shorter wish later changes nothing; it ends when the time has come."""
    now = 1000.0
    ended: list[Lane] = []
    lane = Lane(LaneKey("t", "e"), most=1)
    pauses = Pauses(ended.append, monotonic=lambda: now)
    pauses.begin(lane, 3600)
    pauses.begin(lane, 10)
    assert lane.paused_until == now + LONGEST_PAUSE_SECONDS
    pauses._end(lane)
    assert not ended
    now += LONGEST_PAUSE_SECONDS
    pauses._end(lane)
    assert ended == [lane]
    assert not lane.paused_until


async def test_a_longer_wish_prolongs_a_pause() -> None:
    """When the first pause is over the second one still stands, and the lane goes on once."""
    now = 1000.0
    ended: list[Lane] = []
    lane = Lane(LaneKey("t", "e"), most=1)
    pauses = Pauses(ended.append, monotonic=lambda: now)
    pauses.begin(lane, 10)
    pauses.begin(lane, 20)
    now += 10
    pauses._end(lane)
    assert not ended
    now += 10
    pauses._end(lane)
    pauses._end(lane)
    assert ended == [lane]


async def test_no_wish_is_no_pause() -> None:
    """A 429 without Retry-After holds nothing."""
    lane = Lane(LaneKey("t", "e"), most=1)
    Pauses(lambda _: None).begin(lane, 0.0)
    assert not lane.paused_until
