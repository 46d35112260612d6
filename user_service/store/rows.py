"""Between rows and the domain: instants, occasions, preferences, users."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import orjson
from whenever import Instant, Time

from user_service.domain.occasions import Enrolment, LeapDayRule, Occasion, OnEnrol
from user_service.domain.preferences import (
    NONE,
    Channel,
    EventTypePreference,
    Preferences,
    QuietHours,
    ZoneMode,
)
from user_service.domain.users import User

USER_COLUMNS = (
    "user_id, version, time_zone, locale, given_name, family_name,"
    " occasions::text, attributes::text, create_time, update_time, preferences::text"
)
# Most people choose nothing; that is neither parsed nor built for each of them.
_NO_PREFERENCES: Final = "{}"


def user_of(row: Sequence[Any]) -> User:
    """Return the user of a row of `USER_COLUMNS`, in that order."""
    return User(
        user_id=row[0],
        version=row[1],
        time_zone=row[2],
        locale=row[3],
        given_name=row[4],
        family_name=row[5],
        enrolments=enrolments_of(row[6]),
        attributes=row[7],
        create_time=Instant(row[8]),
        update_time=Instant(row[9]),
        preferences=preferences_of(row[10]),
    )


def enrolments_of(text: str) -> tuple[Enrolment, ...]:
    """Return what column `occasions` says."""
    return tuple(
        Enrolment(
            Occasion(
                occasion_id=item["occasion_id"],
                kind=item["kind"],
                year=item["year"],
                month=item["month"],
                day=item["day"],
                leap_day_rule=LeapDayRule(item["leap_day_rule"]) if item["leap_day_rule"] else None,
            ),
            Instant.parse_iso(item["enrol_time"]),
            OnEnrol(item["on_enrol"]),
        )
        for item in orjson.loads(text)
    )


def occasions_text(enrolments: Sequence[Enrolment]) -> str:
    """Return what column `occasions` keeps: each occasion with its enrolment."""
    return orjson.dumps(
        [
            {
                "occasion_id": enrolment.occasion.occasion_id,
                "kind": enrolment.occasion.kind,
                "year": enrolment.occasion.year,
                "month": enrolment.occasion.month,
                "day": enrolment.occasion.day,
                "leap_day_rule": enrolment.occasion.leap_day_rule,
                "enrol_time": enrolment.enrol_time.format_iso(),
                "on_enrol": enrolment.on_enrol,
            }
            for enrolment in enrolments
        ]
    ).decode()


def preferences_of(text: str) -> Preferences:
    """Return what column `preferences` says."""
    if text == _NO_PREFERENCES:
        return NONE
    said = orjson.loads(text)
    quiet = said["quiet_hours"]
    return Preferences(
        event_types=tuple(
            EventTypePreference(
                item["event_type_id"],
                item["opted_out"],
                _time(item["local_time"]),
                Channel(item.get("channel", Channel.ENDPOINTS)),
            )
            for item in said["event_types"]
        ),
        quiet_hours=QuietHours(Time(quiet["start"]), Time(quiet["end"])) if quiet else None,
        zone_mode=ZoneMode(said["zone_mode"]),
        current_time_zone=said["current_time_zone"],
    )


def preferences_text(preferences: Preferences) -> str:
    """Return what column `preferences` keeps."""
    if preferences == NONE:
        return _NO_PREFERENCES
    quiet = preferences.quiet_hours
    return orjson.dumps(
        {
            "event_types": [
                {
                    "event_type_id": choice.event_type_id,
                    "opted_out": choice.opted_out,
                    "local_time": None if choice.local_time is None else choice.local_time.format_iso(),
                    "channel": choice.channel,
                }
                for choice in preferences.event_types
            ],
            "quiet_hours": quiet and {"start": quiet.start.format_iso(), "end": quiet.end.format_iso()},
            "zone_mode": preferences.zone_mode,
            "current_time_zone": preferences.current_time_zone,
        }
    ).decode()


def _time(text: str | None) -> Time | None:
    return None if text is None else Time(text)


def optional_instant(stamp: datetime | None) -> Instant | None:
    """Return the instant of a column that may be empty."""
    return None if stamp is None else Instant(stamp)
