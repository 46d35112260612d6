"""From the domain to the wire."""

from typing import Final

import orjson
from google.protobuf.struct_pb2 import Struct
from redletter.common.v1 import leap_day_rule_pb2, on_enrol_pb2
from redletter.user.v1 import api_key_pb2, tenant_pb2, user_feed_service_pb2, user_pb2

from chassis.wire import timestamp
from user_service.domain.api_keys import ApiKey
from user_service.domain.attributes import NONE
from user_service.domain.changes import Change
from user_service.domain.occasions import Enrolment, LeapDayRule, Occasion, OnEnrol
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
    if stored.attributes != NONE:
        wire.attributes.CopyFrom(_struct(stored.attributes))
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
        etag=str(stored.version),
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
    return wire


def _fill_recipient(wire: user_feed_service_pb2.Recipient, stored: User) -> None:
    wire.time_zone = stored.time_zone
    wire.locale = stored.locale
    wire.given_name = stored.given_name
    wire.family_name = stored.family_name
    if stored.attributes != NONE:
        wire.attributes_json = stored.attributes.encode()
    for enrolment in stored.enrolments:
        _fill_enrolment(wire.enrolments.add(), enrolment)


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
