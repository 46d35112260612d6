from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from typing import ClassVar as _ClassVar

DESCRIPTOR: _descriptor.FileDescriptor

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_RECEIVED: _ClassVar[Outcome]
    OUTCOME_OPEN: _ClassVar[Outcome]
    OUTCOME_UNCLAIMED: _ClassVar[Outcome]
    OUTCOME_EXPIRED: _ClassVar[Outcome]
    OUTCOME_DEAD: _ClassVar[Outcome]
    OUTCOME_CANCELLED: _ClassVar[Outcome]
    OUTCOME_NONE: _ClassVar[Outcome]
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_RECEIVED: Outcome
OUTCOME_OPEN: Outcome
OUTCOME_UNCLAIMED: Outcome
OUTCOME_EXPIRED: Outcome
OUTCOME_DEAD: Outcome
OUTCOME_CANCELLED: Outcome
OUTCOME_NONE: Outcome
