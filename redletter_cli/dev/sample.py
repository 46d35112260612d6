"""Something to see at once: invented people, and one more whose message is due in a moment."""

import secrets
from dataclasses import dataclass
from importlib.resources import as_file, files

from google.protobuf.field_mask_pb2 import FieldMask
from google.type import date_pb2, timeofday_pb2
from redletter.client import Client
from redletter.common.v1 import on_enrol_pb2
from redletter.errors import ApiError
from redletter.scheduler.v1 import event_type_pb2, event_type_service_pb2
from redletter.user.v1 import user_pb2, user_service_pb2
from whenever import Instant, TimeDelta, ZonedDateTime

from redletter_cli.dev.clock import Clock
from redletter_cli.dev.places import Places, write_json
from redletter_cli.people import Mapping, OccasionColumn, Summary, import_people

HELLO = "hello"

# Long enough for the change to be planned, short enough to wait for.
_AHEAD_SECONDS = 1.5

_GUESTS = (
    ("Anahera", "Ngata", "Pacific/Auckland"),
    ("Haruka", "Mizushima", "Asia/Tokyo"),
    ("Sunita", "Gurung", "Asia/Kathmandu"),
    ("Leyla", "Aydınoğlu", "Europe/Istanbul"),
    ("Mads", "Øllgaard", "Europe/Copenhagen"),
    ("Efua", "Mensah-Boateng", "Africa/Accra"),
    ("Joana", "Figueirinha", "America/Sao_Paulo"),
    ("Delphine", "Arceneaux", "America/New_York"),
    ("Ximena", "Ibarrola", "America/Mexico_City"),
    ("Kaleo", "Nakamine", "Pacific/Honolulu"),
)


@dataclass(frozen=True, kw_only=True)
class Guest:
    """The person added at this start, and when their message is due."""

    user_id: str
    name: str
    time_zone: str
    due: ZonedDateTime


def import_sample(client: Client, places: Places) -> Summary | None:
    """Import the invented people, once per data directory; return None when they are there already.

    Raises:
        ApiError: the service refused.
    """
    if places.sample.exists():
        return None
    mapping = Mapping(
        occasions=(OccasionColumn("birthday", "birthday"), OccasionColumn("anniversary", "joined", "joined"))
    )
    with as_file(files("redletter_cli.sample") / "people.csv") as path:
        summary = import_people(client, path, mapping)
    write_json(places.sample, {"accepted": summary.accepted, "rejected": summary.rejected})
    return summary


def invite(client: Client, clock: Clock) -> Guest:
    """Add a person who is said hello to in a few real seconds, as any caller of the API could.

    The rule `hello` gets that local time; earlier guests have had this year's hello and get no second one.

    Raises:
        ApiError: a service refused.
    """
    guest = choose_guest(clock.now(), speed=clock.speed)
    given_name, _, family_name = guest.name.partition(" ")
    _set_rule(client, guest.due)
    date = guest.due.date()
    occasion = user_pb2.Occasion(kind=HELLO, date=date_pb2.Date(month=date.month, day=date.day))
    user = user_pb2.User(
        user_id=guest.user_id,
        time_zone=guest.time_zone,
        given_name=given_name,
        family_name=family_name,
        occasions=[occasion],
    )
    client.users.UpsertUser(
        user_service_pb2.UpsertUserRequest(user=user, on_enrol=on_enrol_pb2.ON_ENROL_SAME_DAY)
    )
    return guest


def choose_guest(now: Instant, *, speed: float) -> Guest:
    """Return a guest for whom the due moment is still today, in whose zone the clocks do not change just then."""
    due = (now + TimeDelta(seconds=_AHEAD_SECONDS * speed)).round("second", mode="ceil")
    suitable = [guest for guest in _GUESTS if _is_ordinary(now, due, guest[2])]
    # At no moment is it midnight in all of these zones; a lapse that leaps over days may still find none.
    given_name, family_name, zone = secrets.choice(suitable or _GUESTS)
    return Guest(
        user_id=f"guest-{secrets.token_hex(4)}",
        name=f"{given_name} {family_name}",
        time_zone=zone,
        due=due.to_tz(zone),
    )


def _is_ordinary(now: Instant, due: Instant, zone: str) -> bool:
    local = due.to_tz(zone)
    again = local.to_plain().assume_tz(zone, disambiguation="compatible")
    return local.date() == now.to_tz(zone).date() and again.to_instant() == due


def _set_rule(client: Client, due: ZonedDateTime) -> None:
    at = timeofday_pb2.TimeOfDay(hours=due.hour, minutes=due.minute, seconds=due.second)
    try:
        client.event_types.UpdateEventType(
            event_type_service_pb2.UpdateEventTypeRequest(
                event_type=event_type_pb2.EventType(event_type_id=HELLO, local_time=at),
                update_mask=FieldMask(paths=["local_time"]),
            )
        )
    except ApiError as error:
        if error.code != "NOT_FOUND":
            raise
        client.event_types.CreateEventType(
            event_type_service_pb2.CreateEventTypeRequest(event_type=_rule(at))
        )


def _rule(at: timeofday_pb2.TimeOfDay) -> event_type_pb2.EventType:
    return event_type_pb2.EventType(
        event_type_id=HELLO,
        display_name="Hello from redletter dev",
        occasion_kind=HELLO,
        local_time=at,
        attributes=["given_name", "family_name", "time_zone"],
        templates=[
            event_type_pb2.Template(
                title="Hello, {{ user.given_name | default('friend') }}",
                body="It is {{ occurrence_date }} where you live, and this left at the very second it was due.",
            )
        ],
    )
