"""Between rows and the domain: instants, occasions, users."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import orjson
from whenever import Instant

from user_service.domain.occasions import Enrolment, LeapDayRule, Occasion, OnEnrol
from user_service.domain.users import User

USER_COLUMNS = (
    "user_id, version, time_zone, locale, given_name, family_name,"
    " occasions::text, attributes::text, create_time, update_time"
)


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


def optional_instant(stamp: datetime | None) -> Instant | None:
    """Return the instant of a column that may be empty."""
    return None if stamp is None else Instant(stamp)
