"""Between the feed's messages and the domain."""

import orjson
from google.type.date_pb2 import Date as WireDate
from google.type.timeofday_pb2 import TimeOfDay
from redletter.common.v1 import leap_day_rule_pb2, on_enrol_pb2
from redletter.user.v1 import care_switch_pb2, preferences_pb2
from redletter.user.v1 import user_feed_service_pb2 as feed_pb2
from whenever import Instant, Time

from chassis.wire import instant
from scheduler_service.domain.occasions import LeapDayRule, Occasion, OnEnrol
from scheduler_service.domain.recipients import (
    NO_PREFERENCES,
    Preferences,
    QuietHours,
    Recipient,
    TenantDefaults,
    ZoneMode,
)
from scheduler_service.store.care_switches import Switch

_LEAP = {
    leap_day_rule_pb2.LEAP_DAY_RULE_BACKWARD: LeapDayRule.BACKWARD,
    leap_day_rule_pb2.LEAP_DAY_RULE_FORWARD: LeapDayRule.FORWARD,
    leap_day_rule_pb2.LEAP_DAY_RULE_OMIT: LeapDayRule.OMIT,
}
_ENROL = {
    on_enrol_pb2.ON_ENROL_NEXT: OnEnrol.NEXT,
    on_enrol_pb2.ON_ENROL_SAME_DAY: OnEnrol.SAME_DAY,
}


def recipient_of(change: feed_pb2.Change) -> Recipient:
    """Return the scheduler's copy of the person a change is about."""
    person = change.recipient
    return Recipient(
        tenant_id=change.tenant_id,
        user_id=change.user_id,
        version=change.version,
        time_zone=person.time_zone,
        locale=person.locale,
        given_name=person.given_name,
        family_name=person.family_name,
        occasions=tuple(_occasion(enrolment) for enrolment in person.enrolments),
        attributes=orjson.loads(person.attributes_json or b"{}"),
        preferences=_preferences(person.preferences) if person.HasField("preferences") else NO_PREFERENCES,
    )


def switches_of(change: feed_pb2.Change) -> list[Switch]:
    """Return every care switch that a change tells of."""
    return [
        Switch(
            change.tenant_id,
            change.user_id,
            state.occasion_id,
            is_set=state.state == care_switch_pb2.CareSwitch.STATE_SET,
            change_time=instant(state.change_time),
        )
        for state in change.care_switches
    ]


def tenant_of(change: feed_pb2.Change) -> tuple[TenantDefaults, Instant]:
    """Return a tenant's defaults, and since when there is that tenant."""
    tenant = change.tenant
    leap = _LEAP.get(tenant.leap_day_rule, LeapDayRule.BACKWARD)
    return (
        TenantDefaults(change.tenant_id, tenant.time_zone, tenant.locale, leap),
        instant(tenant.create_time),
    )


def _preferences(wire: preferences_pb2.Preferences) -> Preferences:
    quiet = wire.quiet_hours
    follows = wire.zone_mode == preferences_pb2.ZONE_MODE_FOLLOW
    return Preferences(
        opted_out=frozenset(p.event_type_id for p in wire.event_types if p.opted_out),
        local_times={
            p.event_type_id: _time(p.local_time) for p in wire.event_types if p.HasField("local_time")
        },
        inbox_only=frozenset(
            p.event_type_id for p in wire.event_types if p.channel == preferences_pb2.CHANNEL_INBOX
        ),
        quiet_hours=QuietHours(_time(quiet.start), _time(quiet.end))
        if wire.HasField("quiet_hours")
        else None,
        zone_mode=ZoneMode.FOLLOW if follows else ZoneMode.HOME,
        current_time_zone=wire.current_time_zone,
    )


def _time(wire: TimeOfDay) -> Time:
    return Time(wire.hours, wire.minutes, wire.seconds)


def _occasion(enrolment: feed_pb2.Enrolment) -> Occasion:
    occasion = enrolment.occasion
    date: WireDate = occasion.date
    return Occasion(
        occasion_id=occasion.occasion_id or occasion.kind,
        kind=occasion.kind,
        month=date.month,
        day=date.day,
        year=date.year or None,
        leap_day_rule=_LEAP.get(occasion.leap_day_rule),
        enrol_time=instant(enrolment.enrol_time),
        on_enrol=_ENROL.get(enrolment.on_enrol, OnEnrol.NEXT),
    )
