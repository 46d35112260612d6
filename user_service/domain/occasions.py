"""Occasions and their enrolment: what is known of a date, and since when."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from whenever import Instant

from chassis.errors import InvalidInput
from user_service.domain.dates import check_date


class LeapDayRule(StrEnum):
    """Where 29 February is kept in a year that has none."""

    BACKWARD = "BACKWARD"
    FORWARD = "FORWARD"
    OMIT = "OMIT"


class OnEnrol(StrEnum):
    """What happens to an occasion that is written on its very day, after the hour."""

    NEXT = "NEXT"
    SAME_DAY = "SAME_DAY"


@dataclass(frozen=True, slots=True)
class Occasion:
    """A dated fact; `year` is None when unknown, `leap_day_rule` None means the tenant's."""

    occasion_id: str
    kind: str
    year: int | None
    month: int
    day: int
    leap_day_rule: LeapDayRule | None


@dataclass(frozen=True, slots=True)
class Enrolment:
    """An occasion with the business instant it became known at and the policy of that write."""

    occasion: Occasion
    enrol_time: Instant
    on_enrol: OnEnrol


def check_occasions(occasions: Sequence[Occasion]) -> None:
    """Refuse a date that the calendar lacks, and an id that stands twice.

    Raises:
        InvalidInput: at `occasions[i].date` or `occasions[i].occasion_id`.
    """
    seen: set[str] = set()
    for index, occasion in enumerate(occasions):
        check_date(occasion.year, occasion.month, occasion.day, field=f"occasions[{index}].date")
        if occasion.occasion_id in seen:
            raise InvalidInput.at(
                f"occasions[{index}].occasion_id",
                f'another occasion of this user has the id "{occasion.occasion_id}" already',
                value=occasion.occasion_id,
                allowed="an id of its own for each occasion; without one the kind is the id",
            )
        seen.add(occasion.occasion_id)


def occasions_after(
    old: Sequence[Enrolment], new: Sequence[Occasion], *, now: Instant, on_enrol: OnEnrol
) -> tuple[Enrolment, ...]:
    """Return the enrolments of `new`.

    An occasion that is new, or whose month or day changed, is enrolled now; every other one keeps
    the instant and the policy it was enrolled with, so that a second import of a file moves nothing.
    """
    before = {enrolment.occasion.occasion_id: enrolment for enrolment in old}
    after = []
    for occasion in new:
        known = before.get(occasion.occasion_id)
        if known is None or not _same_day(known.occasion, occasion):
            after.append(Enrolment(occasion, now, on_enrol))
        else:
            after.append(Enrolment(occasion, known.enrol_time, known.on_enrol))
    return tuple(after)


def _same_day(one: Occasion, other: Occasion) -> bool:
    return one.month == other.month and one.day == other.day
