"""Quiet hours: local wall times at which a person wants rest."""

from whenever import Instant, Time

from scheduler_service.domain.event_types import FoldPolicy, GapPolicy
from scheduler_service.domain.moments import due_moment
from scheduler_service.domain.recipients import QuietHours


def quiet_until(time: Instant, quiet_hours: QuietHours, zone: str) -> Instant | None:
    """Return when the quiet hours that hold at `time` are over in `zone`; None when none hold.

    [start, end) by the wall; start after end spans midnight, equal ones are never. An end that a date
    skips is the end of the gap; of one that comes twice it is the first that lies after `time`.
    """
    there = time.to_tz(zone)
    wall = there.time()
    if not _is_quiet(wall, quiet_hours):
        return None
    on = there.date() if wall < quiet_hours.end else there.date().next_day()
    end = due_moment(on, quiet_hours.end, zone, GapPolicy.END)
    if end.time <= time:
        end = due_moment(on, quiet_hours.end, zone, GapPolicy.END, FoldPolicy.SECOND)
    return end.time


def _is_quiet(wall: Time, quiet_hours: QuietHours) -> bool:
    start, end = quiet_hours.start, quiet_hours.end
    return start <= wall < end if start <= end else wall >= start or wall < end
