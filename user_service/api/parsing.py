"""From the wire to the domain: what protovalidate cannot say is checked here, field by field."""

import math
from collections.abc import Sequence
from typing import Final

import orjson
from google.protobuf.struct_pb2 import Struct, Value
from redletter.common.v1 import leap_day_rule_pb2, on_enrol_pb2
from redletter.user.v1 import tenant_pb2, user_pb2

from chassis import zones
from chassis.errors import InvalidInput
from chassis.rpc.validation import validate
from user_service.api import preferences
from user_service.domain import attributes, tenants
from user_service.domain.occasions import LeapDayRule, Occasion, OnEnrol, check_occasions
from user_service.domain.tenants import TenantDraft, TenantEdit
from user_service.domain.users import UserDraft

LEAP_DAY_RULES: Final = {
    leap_day_rule_pb2.LEAP_DAY_RULE_UNSPECIFIED: None,
    leap_day_rule_pb2.LEAP_DAY_RULE_BACKWARD: LeapDayRule.BACKWARD,
    leap_day_rule_pb2.LEAP_DAY_RULE_FORWARD: LeapDayRule.FORWARD,
    leap_day_rule_pb2.LEAP_DAY_RULE_OMIT: LeapDayRule.OMIT,
}
_ON_ENROL: Final = {
    on_enrol_pb2.ON_ENROL_NEXT: OnEnrol.NEXT,
    on_enrol_pb2.ON_ENROL_SAME_DAY: OnEnrol.SAME_DAY,
}
# Up to here every whole number is exact in JSON as in Struct.
_LARGEST_WHOLE: Final = 2**53
_ANY_NAME: Final = "any"


def user_draft(wire: user_pb2.User) -> UserDraft:
    """Return the user that a caller wrote; its field rules have been checked.

    Raises:
        InvalidInput: an unknown zone, a date that does not exist, an occasion id or an event type's
            choice that stands twice, attributes that are too large or no JSON. The path of the field is
            within User.
    """
    zones.require_known(wire.time_zone, field="time_zone")
    occasions = tuple(_occasion(occasion) for occasion in wire.occasions)
    check_occasions(occasions)
    return UserDraft(
        user_id=wire.user_id,
        time_zone=wire.time_zone,
        locale=wire.locale,
        given_name=wire.given_name,
        family_name=wire.family_name,
        occasions=occasions,
        attributes=_attributes(wire.attributes) if wire.HasField("attributes") else attributes.NONE,
        etag=wire.etag,
        preferences=preferences.parsed(wire.preferences) if wire.HasField("preferences") else None,
    )


def tenant_draft(wire: tenant_pb2.Tenant) -> TenantDraft:
    """Return the tenant that a caller wrote, with defaults for what is empty.

    Raises:
        InvalidInput: a field broke its rule, or an unknown zone; at `tenant...`.
    """
    try:
        validate(wire)
    except InvalidInput as error:
        raise error.under("tenant") from None
    time_zone = wire.time_zone or tenants.DEFAULT_TIME_ZONE
    return TenantDraft(
        name=wire.name,
        time_zone=zones.require_known(time_zone, field="tenant.time_zone"),
        locale=wire.locale or tenants.DEFAULT_LOCALE,
        leap_day_rule=LEAP_DAY_RULES[wire.leap_day_rule] or LeapDayRule.BACKWARD,
    )


def tenant_edit(wire: tenant_pb2.Tenant, paths: Sequence[str]) -> TenantEdit:
    """Return what a caller wants to change: the fields that `paths` names, and no others.

    Raises:
        InvalidInput: one of them broke its rule, or an unknown zone; at `tenant...`.
    """
    # What is not named is not looked at; it stands here as something that breaks no rule.
    named = tenant_pb2.Tenant(name=_ANY_NAME)
    for path in paths:
        setattr(named, path, getattr(wire, path))
    draft = tenant_draft(named)
    return TenantEdit(**{path: getattr(draft, path) for path in paths})


def on_enrol(wire: on_enrol_pb2.OnEnrol, *, default: OnEnrol) -> OnEnrol:
    """Return the policy of a request, or the default of its method."""
    return _ON_ENROL.get(wire, default)


def _occasion(wire: user_pb2.Occasion) -> Occasion:
    date = wire.date
    return Occasion(
        occasion_id=wire.occasion_id or wire.kind,
        kind=wire.kind,
        year=date.year or None,
        month=date.month,
        day=date.day,
        leap_day_rule=LEAP_DAY_RULES[wire.leap_day_rule],
    )


def _attributes(wire: Struct) -> str:
    if not wire.fields:
        return attributes.NONE
    written = orjson.dumps(_object(wire, "attributes"))
    attributes.check_size(written)
    return written.decode()


def _object(wire: Struct, path: str) -> dict[str, object]:
    found = {}
    for name in wire.fields:
        below = f"{path}.{name}"
        found[_text(name, below)] = _plain(wire.fields[name], below)
    return found


def _plain(value: Value, path: str) -> object:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return _text(value.string_value, path)
    if kind == "number_value":
        return _number(value.number_value, path)
    if kind == "bool_value":
        return value.bool_value
    if kind == "struct_value":
        return _object(value.struct_value, path)
    if kind == "list_value":
        return [_plain(item, f"{path}[{index}]") for index, item in enumerate(value.list_value.values)]
    return None


def _number(value: float, path: str) -> float:
    if not math.isfinite(value):
        raise InvalidInput.at(
            path[:200], f"{value} is not a JSON number", value=str(value), allowed="a finite number"
        )
    return int(value) if value.is_integer() and abs(value) <= _LARGEST_WHOLE else value


def _text(value: str, path: str) -> str:
    if "\0" in value:
        raise InvalidInput.at(
            path.replace("\0", "\\0")[:200], "a NUL character cannot be stored", allowed="text without NUL"
        )
    return value
