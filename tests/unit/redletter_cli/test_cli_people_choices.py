"""What people choose and what a tenant's defaults are: `users set-preferences`, care switches, `tenant`."""

import json
from collections.abc import Callable

import grpc
import pytest
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import leap_day_rule_pb2
from redletter.user.v1 import (
    care_switch_pb2,
    preferences_pb2,
    tenant_pb2,
    tenant_service_pb2,
    user_pb2,
    user_service_pb2,
)

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

NIGHT = preferences_pb2.QuietHours(start=TimeOfDay(hours=22), end=TimeOfDay(hours=7))


def chosen(*choices: preferences_pb2.EventTypePreference) -> preferences_pb2.Preferences:
    """Return preferences with these choices, quiet at night, following the person to Tokyo."""
    return preferences_pb2.Preferences(
        event_types=choices,
        quiet_hours=NIGHT,
        zone_mode=preferences_pb2.ZONE_MODE_FOLLOW,
        current_time_zone="Asia/Tokyo",
    )


def storing(services: StandIn, stored: preferences_pb2.Preferences) -> None:
    """Let the person `ada` have these preferences, and store what is set."""
    user = user_pb2.User(user_id="ada", preferences=stored)
    services.answers["GetUser"] = user_service_pb2.GetUserResponse(user=user)
    services.answers["SetPreferences"] = lambda request: user_service_pb2.SetPreferencesResponse(
        user=user_pb2.User(user_id=request.user_id, preferences=request.preferences)
    )


def test_preferences_of_somebody_who_chose_nothing(services: StandIn, redletter: Run) -> None:
    """Each option is in the request, and what was stored is printed."""
    storing(services, preferences_pb2.Preferences())
    code, out, _ = redletter(
        "users", "set-preferences", "ada", "--opt-out", "birthday", "--local-time", "order=18:30",
        "--quiet", "22:00-07:00", "--zone-mode", "follow", "--current-zone", "Asia/Tokyo", "-o", "json",
        "--channel", "order=inbox",
    )  # fmt: skip
    assert code == 0
    found = json.loads(out)
    assert (found["user_id"], found["preferences"]["quiet_hours"]["end"]) == ("ada", "07:00:00")
    choice = preferences_pb2.EventTypePreference
    assert services.named("SetPreferences") == [
        user_service_pb2.SetPreferencesRequest(
            user_id="ada",
            preferences=chosen(
                choice(event_type_id="birthday", opted_out=True),
                choice(
                    event_type_id="order",
                    local_time=TimeOfDay(hours=18, minutes=30),
                    channel=preferences_pb2.CHANNEL_INBOX,
                ),
            ),
        )
    ]


def test_a_choice_for_an_event_type_that_is_not_there_is_said(services: StandIn, redletter: Run) -> None:
    """It is stored all the same, because a choice may come first; the slip is on standard error."""
    storing(services, preferences_pb2.Preferences())
    services.answers["GetEventType"] = (grpc.StatusCode.NOT_FOUND, "no")
    code, _, err = redletter("users", "set-preferences", "ada", "--opt-out", "birthdya")
    assert code == 0
    assert err == 'there is no event type "birthdya" so far; the choice counts once there is\n'
    assert len(services.named("SetPreferences")) == 1


def test_what_is_not_given_stays(services: StandIn, redletter: Run) -> None:
    """An opt-out leaves quiet hours, zone and other choices as they were."""
    choice = preferences_pb2.EventTypePreference
    kept = choice(event_type_id="order", local_time=TimeOfDay(hours=18))
    storing(services, chosen(kept))
    assert redletter("users", "set-preferences", "ada", "--opt-out", "order", "--opt-out", "x")[0] == 0
    kept.opted_out = True
    [request] = services.named("SetPreferences")
    assert request.preferences == chosen(kept, choice(event_type_id="x", opted_out=True))


def test_choices_are_taken_back(services: StandIn, redletter: Run) -> None:
    """Opting in, `rule`, `none` and home leave nothing behind."""
    choice = preferences_pb2.EventTypePreference
    storing(
        services,
        chosen(
            choice(event_type_id="birthday", opted_out=True),
            choice(event_type_id="order", local_time=TimeOfDay(hours=18)),
            choice(event_type_id="x", channel=preferences_pb2.CHANNEL_INBOX),
        ),
    )
    code, _, _ = redletter(
        "users", "set-preferences", "ada", "--opt-in", "birthday", "--local-time", "order=rule",
        "--channel", "x=endpoints", "--quiet", "none", "--zone-mode", "home", "--current-zone", "none",
    )  # fmt: skip
    assert code == 0
    [request] = services.named("SetPreferences")
    assert request.preferences == preferences_pb2.Preferences(zone_mode=preferences_pb2.ZONE_MODE_HOME)


def test_preferences_of_nobody_are_not_set(services: StandIn, redletter: Run) -> None:
    """An unknown person is the service's sentence, and nothing is written."""
    services.answers["GetUser"] = (grpc.StatusCode.NOT_FOUND, 'there is no user "ada"')
    code, out, err = redletter("users", "set-preferences", "ada", "--opt-out", "birthday")
    assert (code, out, err) == (1, "", 'redletter: there is no user "ada"\n')
    assert services.named("SetPreferences") == []


def test_care_switch_is_set_and_cleared(services: StandIn, redletter: Run) -> None:
    """For the person or one occasion; the reason goes along when it is set."""
    switch = care_switch_pb2.CareSwitch(state=care_switch_pb2.CareSwitch.STATE_SET)
    services.answers["SetCareSwitch"] = user_service_pb2.SetCareSwitchResponse(care_switch=switch)
    code, out, _ = redletter("users", "care-switch", "ada", "--reason", "family asked", "-o", "json")
    assert (code, json.loads(out)["user_id"], json.loads(out)["state"]) == (0, "ada", "SET")
    assert redletter("users", "care-switch", "ada", "--occasion", "second", "--clear")[0] == 0
    assert services.calls == [
        ("SetCareSwitch", user_service_pb2.SetCareSwitchRequest(user_id="ada", reason="family asked")),
        ("ClearCareSwitch", user_service_pb2.ClearCareSwitchRequest(user_id="ada", occasion_id="second")),
    ]


def test_care_switches_are_listed(services: StandIn, redletter: Run) -> None:
    """The person's own is named as such to people, and is the empty occasion to programs."""
    services.answers["ListCareSwitches"] = user_service_pb2.ListCareSwitchesResponse(
        care_switches=[care_switch_pb2.CareSwitch(state=care_switch_pb2.CareSwitch.STATE_CLEARED)]
    )
    code, out, _ = redletter("users", "care-switches", "ada")
    assert (code, out.splitlines()[1].split()) == (0, ["the", "person", "CLEARED"])
    assert json.loads(redletter("users", "care-switches", "ada", "-o", "json")[1])[0]["occasion_id"] == ""
    assert services.named("ListCareSwitches")[0].user_id == "ada"


def test_tenant_update_names_what_was_given(services: StandIn, redletter: Run) -> None:
    """The mask has the given fields only."""
    services.answers["UpdateTenant"] = lambda request: tenant_service_pb2.UpdateTenantResponse(
        tenant=request.tenant
    )
    arguments = ("--time-zone", "Europe/Berlin", "--locale", "de", "--leap-day-rule", "forward")
    code, out, _ = redletter("tenant", "update", *arguments, "-o", "json")
    assert (code, json.loads(out)["leap_day_rule"]) == (0, "FORWARD")
    assert redletter("tenant", "update", "--name", "acme")[0] == 0
    first, second = services.named("UpdateTenant")
    assert first.tenant == tenant_pb2.Tenant(
        time_zone="Europe/Berlin", locale="de", leap_day_rule=leap_day_rule_pb2.LEAP_DAY_RULE_FORWARD
    )
    assert list(first.update_mask.paths) == ["time_zone", "locale", "leap_day_rule"]
    assert (second.tenant.name, list(second.update_mask.paths)) == ("acme", ["name"])


def test_tenant_get_shows_the_keys_tenant(services: StandIn, redletter: Run) -> None:
    """The tenant comes from the API key."""
    services.answers["GetTenant"] = tenant_service_pb2.GetTenantResponse(
        tenant=tenant_pb2.Tenant(name="acme")
    )
    code, out, _ = redletter("tenant", "get")
    assert (code, "acme" in out) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("users", "set-preferences", "ada"), "nothing to change"),
        (("users", "set-preferences", "ada", "--opt-out", "x", "--opt-in", "x"), '"x" is given to --opt-out'),
        (("users", "set-preferences", "ada", "--local-time", "x"), '"x" has not the form NAME=VALUE'),
        (("users", "set-preferences", "ada", "--local-time", "x=25:00"), '"25:00" is not a time of day'),
        (("users", "set-preferences", "ada", "--quiet", "22:00"), '"22:00" is not a span of the day'),
        (("users", "set-preferences", "ada", "--quiet", "7:00-9:00"), '"7:00" is not a time of day'),
        (("users", "set-preferences", "ada", "--zone-mode", "x"), '"x" is not one of home, follow'),
        (("users", "set-preferences", "ada", "--current-zone", "Europe/Berln"), "nearest: Europe/Berlin"),
        (("users", "care-switch", "ada", "--clear", "--reason", "x"), "leave --reason out with --clear"),
        (("users", "care-switches"), "USER"),
        (("tenant", "update"), "nothing to change"),
        (("tenant", "update", "--leap-day-rule", "x"), '"x" is not one of backward, forward, omit'),
        (("tenant", "update", "--time-zone", "Europe/Berln"), "nearest: Europe/Berlin"),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter(*arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []
