"""Preferences: each event type once, and which write stops messages."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Instant, Time

from chassis.errors import InvalidInput
from user_service.domain.changes import Urgency, urgency
from user_service.domain.occasions import OnEnrol
from user_service.domain.preferences import (
    NONE,
    Channel,
    EventTypePreference,
    Preferences,
    QuietHours,
    ZoneMode,
    check_event_types,
)
from user_service.domain.users import User, UserDraft, after_choice, after_write

THEN = Instant.from_utc(2027, 1, 1)
NOW = Instant.from_utc(2027, 5, 17, 12)
DRAFT = UserDraft("ada", "Europe/Lisbon", "", "Ada", "", (), "{}", "")

TIMES = st.builds(Time, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59))
PREFERENCES = st.builds(
    Preferences,
    event_types=st.lists(
        st.builds(
            EventTypePreference,
            event_type_id=st.sampled_from(["birthday", "anniversary", "reminder"]),
            opted_out=st.booleans(),
            local_time=st.none() | TIMES,
            channel=st.sampled_from(Channel),
        ),
        unique_by=lambda choice: choice.event_type_id,
    ).map(tuple),
    quiet_hours=st.none() | st.builds(QuietHours, TIMES, TIMES),
    zone_mode=st.sampled_from(ZoneMode),
    current_time_zone=st.sampled_from(["", "Asia/Tokyo"]),
)


def stored(preferences: Preferences) -> User:
    """Return DRAFT as it was stored at THEN with these preferences."""
    user = after_write(None, replace(DRAFT, preferences=preferences), now=THEN, on_enrol=OnEnrol.NEXT)
    assert user is not None
    return user.stored_as(7)


def opted_out(*event_type_ids: str) -> Preferences:
    """Return preferences that opt out of these event types."""
    return Preferences(tuple(EventTypePreference(name, True, None) for name in event_type_ids))


@given(PREFERENCES)
def test_a_write_without_preferences_keeps_them(preferences: Preferences) -> None:
    """Whatever was chosen is there after a write that does not speak of it, also when all else changes."""
    user = stored(preferences)
    after = after_write(user, replace(DRAFT, given_name="Augusta"), now=NOW, on_enrol=OnEnrol.NEXT)
    assert after is not None
    assert after.preferences == preferences
    assert after_write(user, DRAFT, now=NOW, on_enrol=OnEnrol.NEXT) is None


@given(PREFERENCES, PREFERENCES)
def test_a_write_with_preferences_replaces_them(before: Preferences, after: Preferences) -> None:
    """Nothing of the old choice is left, and an equal one is no change."""
    written = after_write(stored(before), replace(DRAFT, preferences=after), now=NOW, on_enrol=OnEnrol.NEXT)
    assert (written is None) is (before == after)
    assert written is None or written.preferences == after


@given(PREFERENCES, PREFERENCES)
def test_choosing_changes_the_choice_only(before: Preferences, after: Preferences) -> None:
    """All else stays, and an equal choice is no change."""
    user = stored(before)
    chosen = after_choice(user, after, now=NOW)
    assert (chosen is None) is (before == after)
    assert chosen is None or chosen == replace(user, preferences=after, update_time=NOW)


def test_a_type_stands_once() -> None:
    """The second choice for a type is refused at its place."""
    check_event_types(opted_out("a", "b").event_types)
    with pytest.raises(InvalidInput) as refused:
        check_event_types(opted_out("a", "b", "a").event_types)
    assert refused.value.violations[0].field == "preferences.event_types[2].event_type_id"


@pytest.mark.parametrize(
    ("before", "after", "stops"),
    [
        (None, NONE, False),
        (None, opted_out("birthday"), True),
        (NONE, opted_out("birthday"), True),
        (opted_out("birthday"), opted_out("birthday", "reminder"), True),
        (opted_out("birthday"), opted_out("reminder"), True),
        (opted_out("birthday"), opted_out("birthday"), False),
        (opted_out("birthday"), NONE, False),
        (NONE, Preferences(quiet_hours=QuietHours(Time(22), Time(7))), False),
    ],
)
def test_a_new_opt_out_of_a_single_call_stops(
    before: Preferences | None, after: Preferences, stops: bool
) -> None:
    """Opting out of one more type is as urgent as a deletion; taking it back is not."""
    known = None if before is None else stored(before)
    expected = Urgency.STOP if stops else Urgency.SINGLE
    assert urgency(known, stored(after), usual=Urgency.SINGLE) is expected


@given(st.none() | PREFERENCES, PREFERENCES)
def test_an_import_keeps_its_place(before: Preferences | None, after: Preferences) -> None:
    """However many people a batch opts out, it does not stand in the way of single calls."""
    known = None if before is None else stored(before)
    assert urgency(known, stored(after), usual=Urgency.BATCH) is Urgency.BATCH
