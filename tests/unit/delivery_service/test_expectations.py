"""When each lane will have something."""

from hypothesis import given
from hypothesis import strategies as st

from delivery_service.domain.deliveries import LaneKey
from delivery_service.workers.expectations import Expectations

KEYS = st.integers(0, 5).map(lambda n: LaneKey("t", f"e{n}"))


@given(
    st.lists(st.one_of(st.tuples(KEYS, st.integers(0, 100)), st.integers(0, 100)), max_size=100),
)
def test_it_is_a_map_from_lanes_to_their_earliest_instant(
    steps: list[tuple[LaneKey, int] | int],
) -> None:
    """Whatever is expected and taken in whatever order, a plain dictionary answers the same."""
    expected, model = Expectations(), dict[LaneKey, int]()
    for step in steps:
        if isinstance(step, int):
            due = sorted((at, key) for key, at in model.items() if at <= step)
            assert expected.due(step) == [key for _, key in due]
            for _, key in due:
                del model[key]
        else:
            key, at = step
            expected.expect(key, at)
            model[key] = min(at, model.get(key, at))
        assert expected.earliest() == (min(model.values()) if model else None)
        assert len(expected) == len(model)
