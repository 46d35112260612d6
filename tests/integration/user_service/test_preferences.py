"""What a person has chosen: kept by every import, replaced only on purpose, fed to the scheduler."""

import grpc
import pytest
from google.rpc import code_pb2
from google.type.timeofday_pb2 import TimeOfDay
from redletter.user.v1.preferences_pb2 import (
    ZONE_MODE_FOLLOW,
    ZONE_MODE_HOME,
    EventTypePreference,
    Preferences,
    QuietHours,
)
from redletter.user.v1.user_service_pb2 import SetPreferencesRequest, UpsertUserResponse

from tests.integration.user_service.examples import chunk, code_and_reason, occasion, person, refused_fields
from tests.integration.user_service.harness import Caller, Service

OPTED_OUT = Preferences(
    event_types=[EventTypePreference(event_type_id="birthday", opted_out=True)], zone_mode=ZONE_MODE_HOME
)
ALL = Preferences(
    event_types=[
        EventTypePreference(event_type_id="birthday", local_time=TimeOfDay(hours=18, minutes=30)),
        EventTypePreference(event_type_id="reminder", opted_out=True, local_time=TimeOfDay()),
    ],
    quiet_hours=QuietHours(start=TimeOfDay(hours=22), end=TimeOfDay(hours=7, seconds=1)),
    zone_mode=ZONE_MODE_FOLLOW,
    current_time_zone="Asia/Katmandu",
)


async def test_what_was_chosen_comes_back(service: Service, acme: Caller) -> None:
    """Upsert, get, list and the feed carry the same preferences, midnight told from no time."""
    answer = await acme.upsert(person(preferences=ALL))
    assert answer.user.preferences == ALL
    assert (await acme.get("ada")).preferences == ALL
    [change] = (await service.pull()).changes
    assert change.recipient.preferences == ALL
    midnight, unset = change.recipient.preferences.event_types[1], OPTED_OUT.event_types[0]
    assert midnight.HasField("local_time")
    assert not unset.HasField("local_time")


async def test_nobody_who_chose_nothing_has_preferences(service: Service, acme: Caller) -> None:
    """Without a choice the field is unset, in the answer and in the feed."""
    assert not (await acme.upsert(person())).user.HasField("preferences")
    [change] = (await service.pull()).changes
    assert not change.recipient.HasField("preferences")


async def test_an_opt_out_survives_every_kind_of_writing(acme: Caller) -> None:
    """Upsert, batch and import of a user without preferences keep what the person chose."""
    await acme.upsert(person())
    await acme.choose("ada", OPTED_OUT)
    await acme.upsert(person(given_name="1"))
    await acme.batch([person(given_name="2")])
    await acme.load([chunk([person(given_name="3")])])
    stored = await acme.get("ada")
    assert (stored.given_name, stored.preferences) == ("3", OPTED_OUT)


@pytest.mark.parametrize("how", ["upsert", "batch", "load"])
async def test_empty_preferences_take_every_choice_back(acme: Caller, how: str) -> None:
    """A write with preferences, even empty ones, replaces the stored ones whole."""
    await acme.upsert(person(preferences=ALL))
    emptied = person(preferences=Preferences())
    await getattr(acme, how)({"upsert": emptied, "batch": [emptied], "load": [chunk([emptied])]}[how])
    assert not (await acme.get("ada")).HasField("preferences")


async def test_the_same_import_with_the_same_choice_changes_nothing(service: Service, acme: Caller) -> None:
    """A repeated write is UNCHANGED whether it repeats the preferences or leaves them out."""
    await acme.upsert(person(preferences=ALL))
    await service.drain()
    for again in (person(preferences=ALL), person()):
        assert (await acme.upsert(again)).change == UpsertUserResponse.CHANGE_UNCHANGED
    assert not (await service.pull()).changes


async def test_choosing_changes_nothing_else(service: Service, acme: Caller) -> None:
    """SetPreferences keeps names, dates and their enrolment, gives another etag, and repeating it marks nothing."""
    before = (await acme.upsert(person(occasions=[occasion(), occasion("anniversary")]))).user
    [first] = (await service.pull()).changes
    after = await acme.choose("ada", ALL)
    [second] = (await service.pull()).changes
    assert second.recipient.enrolments == first.recipient.enrolments
    assert after.etag != before.etag
    for name in ("etag", "update_time", "preferences"):
        after.ClearField(name)
        before.ClearField(name)
    assert after == before
    await service.drain()
    await acme.choose("ada", ALL)
    assert not (await service.pull()).changes


async def test_nobody_cannot_choose(acme: Caller) -> None:
    """SetPreferences of an unknown user is NOT_FOUND and makes none."""
    for user_id in ("nobody", "ada"):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await acme.choose(user_id, OPTED_OUT)
        assert code_and_reason(refused.value) == ("NOT_FOUND", "NOT_FOUND")


async def test_choices_are_of_one_tenant(service: Service, acme: Caller) -> None:
    """The same id in another tenant is another person."""
    other = await service.tenant("other")
    await acme.upsert(person())
    await other.upsert(person())
    await other.choose("ada", OPTED_OUT)
    assert not (await acme.get("ada")).HasField("preferences")


async def test_an_opt_out_overtakes_what_is_pending(service: Service, acme: Caller) -> None:
    """A new opt-out, by SetPreferences or a single upsert, is fed before single calls; any other choice is not."""
    await acme.batch([person(user_id) for user_id in ("chooser", "upserter", "quiet", "repeater")])
    await acme.choose("repeater", OPTED_OUT)
    await service.drain()
    await acme.upsert(person("first"))
    await acme.upsert(person("repeater", given_name="again"))
    await acme.choose("quiet", Preferences(quiet_hours=ALL.quiet_hours))
    await acme.batch([person("batch", preferences=OPTED_OUT)])
    await acme.choose("chooser", OPTED_OUT)
    await acme.upsert(person("upserter", preferences=OPTED_OUT))
    order = [change.user_id for change in (await service.pull()).changes]
    assert order == ["chooser", "upserter", "first", "repeater", "quiet", "batch"]


def quiet(**hours: TimeOfDay) -> Preferences:
    """Return preferences with these quiet hours."""
    return Preferences(quiet_hours=QuietHours(**hours))


def at(**time: int) -> Preferences:
    """Return preferences with this own time for birthdays."""
    return Preferences(
        event_types=[EventTypePreference(event_type_id="birthday", local_time=TimeOfDay(**time))]
    )


NINE, TEN = TimeOfDay(hours=9), TimeOfDay(hours=10)
REFUSED = {
    "unknown zone": (
        Preferences(current_time_zone="Asia/Tokio"),
        "UNKNOWN_TIME_ZONE",
        "current_time_zone",
        "Asia/Tokyo",
    ),
    "a type twice": (
        Preferences(event_types=[EventTypePreference(event_type_id=name) for name in ("a", "b", "a")]),
        "INVALID_FIELD",
        "event_types[2].event_type_id",
        '"a"',
    ),
    "51 types": (
        Preferences(event_types=[EventTypePreference(event_type_id=f"t{n}") for n in range(51)]),
        "INVALID_FIELD",
        "event_types",
        "at most 50",
    ),
    "a type that cannot be": (
        Preferences(event_types=[EventTypePreference(event_type_id="Birthday")]),
        "INVALID_FIELD",
        "event_types[0].event_type_id",
        "Birthday",
    ),
    "24 o'clock": (at(hours=24), "INVALID_FIELD", "event_types[0].local_time", "23:59:59"),
    "a fraction": (at(hours=9, nanos=1), "INVALID_FIELD", "event_types[0].local_time", "fractions"),
    "a leap second": (at(seconds=60), "INVALID_FIELD", "event_types[0].local_time", "23:59:59"),
    "no start": (quiet(end=NINE), "INVALID_FIELD", "quiet_hours.start", "required"),
    "no end": (quiet(start=NINE), "INVALID_FIELD", "quiet_hours.end", "required"),
    "quiet for no time": (quiet(start=NINE, end=NINE), "INVALID_FIELD", "quiet_hours", "differ"),
    "a minute too many": (
        quiet(start=NINE, end=TimeOfDay(minutes=60)),
        "INVALID_FIELD",
        "quiet_hours.end",
        "23:59:59",
    ),
    "no such mode": (Preferences(zone_mode=7), "INVALID_FIELD", "zone_mode", ""),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_a_choice_that_cannot_be_is_refused_at_its_field(acme: Caller, case: str) -> None:
    """Single call, batch, import and SetPreferences name the field, and nothing is stored."""
    preferences, reason, field, word = REFUSED[case]
    await acme.upsert(person())
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.upsert(person(preferences=preferences))
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", reason)
    assert word in refused_fields(refused.value)[f"user.preferences.{field}"]
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.choose("ada", preferences)
    assert code_and_reason(refused.value) == ("INVALID_ARGUMENT", reason)
    assert f"preferences.{field}" in refused_fields(refused.value)
    [result] = await acme.batch([person(preferences=preferences)])
    assert result.status.code == code_pb2.INVALID_ARGUMENT
    [answer] = await acme.load([chunk([person(preferences=preferences)])])
    assert [row.field for row in answer.rejected_rows] == [f"preferences.{field}"]
    assert not (await acme.get("ada")).HasField("preferences")


async def test_nothing_given_is_no_choice(acme: Caller) -> None:
    """SetPreferences without preferences is refused; to take all back one says so with an empty message."""
    await acme.upsert(person(preferences=ALL))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await acme.users.SetPreferences(SetPreferencesRequest(user_id="ada"))
    assert "preferences" in refused_fields(refused.value)
    assert (await acme.get("ada")).preferences == ALL


async def test_fifty_choices_are_kept(acme: Caller) -> None:
    """The limit itself is allowed, and the order is that of the caller."""
    choices = [EventTypePreference(event_type_id=f"t{50 - n}", opted_out=n % 2 == 0) for n in range(50)]
    await acme.upsert(person(preferences=Preferences(event_types=choices)))
    assert list((await acme.get("ada")).preferences.event_types) == choices
