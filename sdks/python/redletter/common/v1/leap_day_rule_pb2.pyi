from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class LeapDayRule(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LEAP_DAY_RULE_UNSPECIFIED: _ClassVar[LeapDayRule]
    LEAP_DAY_RULE_BACKWARD: _ClassVar[LeapDayRule]
    LEAP_DAY_RULE_FORWARD: _ClassVar[LeapDayRule]
    LEAP_DAY_RULE_OMIT: _ClassVar[LeapDayRule]
LEAP_DAY_RULE_UNSPECIFIED: LeapDayRule
LEAP_DAY_RULE_BACKWARD: LeapDayRule
LEAP_DAY_RULE_FORWARD: LeapDayRule
LEAP_DAY_RULE_OMIT: LeapDayRule
