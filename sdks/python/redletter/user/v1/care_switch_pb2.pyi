import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CareSwitch(_message.Message):
    __slots__ = ("occasion_id", "state", "set_time", "clear_time")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[CareSwitch.State]
        STATE_SET: _ClassVar[CareSwitch.State]
        STATE_CLEARED: _ClassVar[CareSwitch.State]
    STATE_UNSPECIFIED: CareSwitch.State
    STATE_SET: CareSwitch.State
    STATE_CLEARED: CareSwitch.State
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    SET_TIME_FIELD_NUMBER: _ClassVar[int]
    CLEAR_TIME_FIELD_NUMBER: _ClassVar[int]
    occasion_id: str
    state: CareSwitch.State
    set_time: _timestamp_pb2.Timestamp
    clear_time: _timestamp_pb2.Timestamp
    def __init__(self, occasion_id: _Optional[str] = ..., state: _Optional[_Union[CareSwitch.State, str]] = ..., set_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., clear_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
