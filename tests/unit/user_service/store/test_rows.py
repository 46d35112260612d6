"""Columns give back what was put into them."""

from hypothesis import given
from hypothesis import strategies as st
from whenever import Time

from user_service.domain.preferences import NONE, EventTypePreference, Preferences, QuietHours, ZoneMode
from user_service.store.rows import preferences_of, preferences_text

TIMES = st.builds(Time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
PREFERENCES = st.builds(
    Preferences,
    event_types=st.lists(
        st.builds(EventTypePreference, st.sampled_from("abc"), st.booleans(), st.none() | TIMES)
    ).map(tuple),
    quiet_hours=st.none() | st.builds(QuietHours, TIMES, TIMES),
    zone_mode=st.sampled_from(ZoneMode),
    current_time_zone=st.sampled_from(["", "Asia/Tokyo"]),
)


@given(PREFERENCES)
def test_what_is_kept_is_what_was_chosen(preferences: Preferences) -> None:
    """The column gives back every choice, and who chose nothing has the shortest one."""
    assert preferences_of(preferences_text(preferences)) == preferences
    assert (preferences_text(preferences) == "{}") is (preferences == NONE)
