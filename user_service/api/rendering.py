"""From the domain to the wire."""

from typing import Final

import orjson
from google.protobuf.struct_pb2 import Struct
from redletter.common.v1 import leap_day_rule_pb2, on_enrol_pb2
from redletter.user.v1 import api_key_pb2, care_switch_pb2, tenant_pb2, user_feed_service_pb2, user_pb2

from chassis.wire import timestamp
from user_service.api import preferences
from user_service.domain import attributes
from user_service.domain.api_keys import ApiKey
from user_service.domain.care_switches import CareSwitch
from user_service.domain.changes import Change
from user_service.domain.occasions import Enrolment, LeapDayRule, Occasion, OnEnrol
from user_service.domain.preferences import NONE
from user_service.domain.restores import Restored
from user_service.domain.tenants import Tenant
from user_service.domain.users import User

_LEAP_DAY_RULES: Final = {
    None: leap_day_rule_pb2.LEAP_DAY_RULE_UNSPECIFIED,
    LeapDayRule.BACKWARD: leap_day_rule_pb2.LEAP_DAY_RULE_BACKWARD,
    LeapDayRule.FORWARD: leap_day_rule_pb2.LEAP_DAY_RULE_FORWARD,
    LeapDayRule.OMIT: leap_day_rule_pb2.LEAP_DAY_RULE_OMIT,
}
_ON_ENROL: Final = {
    OnEnrol.NEXT: on_enrol_pb2.ON_ENROL_NEXT,
    OnEnrol.SAME_DAY: on_enrol_pb2.ON_ENROL_SAME_DAY,
}
_RESTORED: Final = {
    None: user_feed_service_pb2.RESTORED_UNSPECIFIED,
    Restored.READER: user_feed_service_pb2.RESTORED_READER,
    Restored.STORE: user_feed_service_pb2.RESTORED_STORE,
}


def user(stored: User) -> user_pb2.User:
    """Return a user as the public API shows it."""
    wire = user_pb2.User(
        user_id=stored.user_id,
        time_zone=stored.time_zone,
        locale=stored.locale,
        given_name=stored.given_name,
        family_name=stored.family_name,
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
        etag=stored.etag,
    )
    for enrolment in stored.enrolments:
        _fill(wire.occasions.add(), enrolment.occasion)
    if stored.attributes != attributes.NONE:
        wire.attributes.CopyFrom(_struct(stored.attributes))
    if stored.preferences != NONE:
        preferences.fill(wire.preferences, stored.preferences)
    return wire


def tenant(stored: Tenant) -> tenant_pb2.Tenant:
    """Return a tenant."""
    return tenant_pb2.Tenant(
        tenant_id=stored.tenant_id,
        name=stored.name,
        time_zone=stored.time_zone,
        locale=stored.locale,
        leap_day_rule=_LEAP_DAY_RULES[stored.leap_day_rule],
        create_time=timestamp(stored.create_time),
        update_time=timestamp(stored.update_time),
        etag=stored.etag,
    )


def care_switch(stored: CareSwitch) -> care_switch_pb2.CareSwitch:
    """Return a care switch as the public API shows it."""
    return care_switch_pb2.CareSwitch(
        occasion_id=stored.occasion_id,
        state=_switch_state(stored),
        set_time=timestamp(stored.set_time),
        clear_time=None if stored.clear_time is None else timestamp(stored.clear_time),
    )


def api_key(stored: ApiKey) -> api_key_pb2.ApiKey:
    """Return a key, without its secret."""
    return api_key_pb2.ApiKey(
        api_key_id=stored.api_key_id,
        name=stored.name,
        scopes=stored.scopes,
        create_time=timestamp(stored.create_time),
        expire_time=None if stored.expire_time is None else timestamp(stored.expire_time),
        revoke_time=None if stored.revoke_time is None else timestamp(stored.revoke_time),
    )


def change(pending: Change) -> user_feed_service_pb2.Change:
    """Return one item of the feed."""
    wire = user_feed_service_pb2.Change(
        tenant_id=pending.tenant_id,
        user_id=pending.user_id,
        version=pending.version,
        change_time=timestamp(pending.change_time),
    )
    state = pending.state
    if isinstance(state, User):
        _fill_recipient(wire.recipient, state)
    elif isinstance(state, Tenant):
        wire.tenant.CopyFrom(tenant(state))
    else:
        wire.user_tombstone.delete_time.CopyFrom(timestamp(state.delete_time))
    for switch in pending.care_switches:
        wire.care_switches.add(
            occasion_id=switch.occasion_id,
            state=_switch_state(switch),
            change_time=timestamp(switch.change_time),
        )
    return wire


def restored(store: Restored | None) -> user_feed_service_pb2.Restored:
    """Return which store was restored."""
    return _RESTORED[store]


def _switch_state(switch: CareSwitch) -> care_switch_pb2.CareSwitch.State:
    return care_switch_pb2.CareSwitch.STATE_SET if switch.is_set else care_switch_pb2.CareSwitch.STATE_CLEARED


def _fill_recipient(wire: user_feed_service_pb2.Recipient, stored: User) -> None:
    wire.time_zone = stored.time_zone
    wire.locale = stored.locale
    wire.given_name = stored.given_name
    wire.family_name = stored.family_name
    if stored.attributes != attributes.NONE:
        wire.attributes_json = stored.attributes.encode()
    for enrolment in stored.enrolments:
        _fill_enrolment(wire.enrolments.add(), enrolment)
    if stored.preferences != NONE:
        preferences.fill(wire.preferences, stored.preferences)


def _fill_enrolment(wire: user_feed_service_pb2.Enrolment, enrolment: Enrolment) -> None:
    _fill(wire.occasion, enrolment.occasion)
    wire.enrol_time.CopyFrom(timestamp(enrolment.enrol_time))
    wire.on_enrol = _ON_ENROL[enrolment.on_enrol]


def _fill(wire: user_pb2.Occasion, occasion: Occasion) -> None:
    wire.occasion_id = occasion.occasion_id
    wire.kind = occasion.kind
    wire.date.year = occasion.year or 0
    wire.date.month = occasion.month
    wire.date.day = occasion.day
    wire.leap_day_rule = _LEAP_DAY_RULES[occasion.leap_day_rule]


def _struct(text: str) -> Struct:
    struct = Struct()
    struct.update(orjson.loads(text))
    return struct
