"""Plans that a caller made: an event of their own, at an instant or at a local time; one cycle, `once`."""

from dataclasses import replace

from whenever import Date, Instant

from chassis.errors import InvalidInput
from scheduler_service.domain.cycles import ONCE
from scheduler_service.domain.event_types import EventType
from scheduler_service.domain.ids import shard_of
from scheduler_service.domain.moments import Shift, due_moment, local_date_of
from scheduler_service.domain.plans import Plan, Request, is_frozen, is_moved
from scheduler_service.domain.recipients import Recipient, TenantDefaults, zone_of
from scheduler_service.domain.timings import Timing, end_of_window, rested


def new_request_plan(
    recipient: Recipient,
    *,
    event_type: EventType,
    defaults: TenantDefaults,
    plan_id: bytes,
    instance: str,
    request: Request,
    tzdata_version: str,
    due_time: Instant | None = None,
    on: Date | None = None,
    occasion_id: str = "",
) -> Plan:
    """Return the plan of what a caller asked for: at `due_time`, or on the local date `on` at `request.local_time`.

    Raises:
        InvalidInput: neither or both of the two.
    """
    if (due_time is None) == (request.local_time is None) or (on is None) != (request.local_time is None):
        raise InvalidInput.at(
            "due_time",
            "an event needs one time",
            allowed="either due_time, or a local date with a local time",
        )
    zone = zone_of(recipient, defaults)
    plan = Plan(
        plan_id=plan_id,
        tenant_id=recipient.tenant_id,
        user_id=recipient.user_id,
        event_type_id=event_type.event_type_id,
        occasion_id=occasion_id,
        instance=instance,
        shard=shard_of(plan_id),
        version=1,
        cycle=ONCE,
        last_cycle=None,
        last_date=None,
        occurrence_date=on if due_time is None else local_date_of(due_time, zone),
        nominal_due_time=due_time,
        due_time=due_time,
        deliver_by=None,
        enrol_time=request.create_time,
        recipient_version=recipient.version,
        event_type_version=event_type.timing_version,
        tzdata_version=tzdata_version,
        shifts=(),
        moved=False,
        time_zone=zone,
        due_override=due_time,
        request=request,
    )
    return _timed(plan, _timing(plan, request, recipient, event_type=event_type, zone=zone))


def plan_request(
    existing: Plan,
    recipient: Recipient,
    *,
    event_type: EventType,
    defaults: TenantDefaults,
    now: Instant,
    tzdata_version: str,
) -> Plan:
    """Return the plan as it should be now; `existing` itself when nothing changed or it is over.

    A local time goes with the person to another zone; an instant, asked for or chosen by hand later,
    stays, and only its local day is looked at anew. Any difference raises `version` by one.
    """
    request = existing.request
    if request is None or existing.cycle is None:
        return existing
    zone = zone_of(recipient, defaults)
    if zone != existing.time_zone and is_frozen(existing, recipient, now=now):
        zone = existing.time_zone
    timing = _timing(existing, request, recipient, event_type=event_type, zone=zone)
    planned = replace(
        _timed(existing, timing),
        recipient_version=recipient.version,
        event_type_version=event_type.timing_version,
        tzdata_version=tzdata_version,
        time_zone=zone,
        moved=is_moved(existing, timing, now=now),
    )
    return existing if planned == existing else replace(planned, version=existing.version + 1)


def _timing(
    plan: Plan, request: Request, recipient: Recipient, *, event_type: EventType, zone: str
) -> Timing:
    within = request.deliver_within or event_type.deliver_within
    on, override = plan.occurrence_date, plan.due_override
    assert on is not None, "an open plan has a date"
    nominal = plan.nominal_due_time
    shifts: tuple[Shift, ...] = ()
    if request.local_time is not None:
        at = due_moment(
            on, request.local_time, zone, event_type.gap, event_type.fold, event_type.skipped_date
        )
        nominal, shifts = at.time, at.shifts
    if override is not None:
        chosen = (*shifts, Shift.OVERRIDE) if override != nominal else shifts
        by = end_of_window(override, zone, within=within)
        return Timing(ONCE, on, on, nominal or override, override, by, chosen)
    assert nominal is not None, "without an instant there is a local time"
    due, by = nominal, end_of_window(nominal, zone, within=within)
    if recipient.preferences.quiet_hours is not None:
        due, shifts = rested(due, shifts, recipient.preferences.quiet_hours, zone=zone, deliver_by=by)
    return Timing(ONCE, on, on, nominal, due, by, shifts)


def _timed(plan: Plan, timing: Timing) -> Plan:
    return replace(
        plan,
        nominal_due_time=timing.nominal_due_time,
        due_time=timing.due_time,
        deliver_by=timing.deliver_by,
        shifts=timing.shifts,
    )
