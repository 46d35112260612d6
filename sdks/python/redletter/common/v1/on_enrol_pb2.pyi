from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class OnEnrol(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ON_ENROL_UNSPECIFIED: _ClassVar[OnEnrol]
    ON_ENROL_NEXT: _ClassVar[OnEnrol]
    ON_ENROL_SAME_DAY: _ClassVar[OnEnrol]
ON_ENROL_UNSPECIFIED: OnEnrol
ON_ENROL_NEXT: OnEnrol
ON_ENROL_SAME_DAY: OnEnrol
