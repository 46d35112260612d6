from google.type import timeofday_pb2 as _timeofday_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ZoneMode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ZONE_MODE_UNSPECIFIED: _ClassVar[ZoneMode]
    ZONE_MODE_HOME: _ClassVar[ZoneMode]
    ZONE_MODE_FOLLOW: _ClassVar[ZoneMode]

class Channel(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    CHANNEL_UNSPECIFIED: _ClassVar[Channel]
    CHANNEL_INBOX: _ClassVar[Channel]
ZONE_MODE_UNSPECIFIED: ZoneMode
ZONE_MODE_HOME: ZoneMode
ZONE_MODE_FOLLOW: ZoneMode
CHANNEL_UNSPECIFIED: Channel
CHANNEL_INBOX: Channel

class EventTypePreference(_message.Message):
    __slots__ = ("event_type_id", "opted_out", "local_time", "channel")
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    OPTED_OUT_FIELD_NUMBER: _ClassVar[int]
    LOCAL_TIME_FIELD_NUMBER: _ClassVar[int]
    CHANNEL_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    opted_out: bool
    local_time: _timeofday_pb2.TimeOfDay
    channel: Channel
    def __init__(self, event_type_id: _Optional[str] = ..., opted_out: _Optional[bool] = ..., local_time: _Optional[_Union[_timeofday_pb2.TimeOfDay, _Mapping]] = ..., channel: _Optional[_Union[Channel, str]] = ...) -> None: ...

class QuietHours(_message.Message):
    __slots__ = ("start", "end")
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    start: _timeofday_pb2.TimeOfDay
    end: _timeofday_pb2.TimeOfDay
    def __init__(self, start: _Optional[_Union[_timeofday_pb2.TimeOfDay, _Mapping]] = ..., end: _Optional[_Union[_timeofday_pb2.TimeOfDay, _Mapping]] = ...) -> None: ...

class Preferences(_message.Message):
    __slots__ = ("event_types", "quiet_hours", "zone_mode", "current_time_zone")
    EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    QUIET_HOURS_FIELD_NUMBER: _ClassVar[int]
    ZONE_MODE_FIELD_NUMBER: _ClassVar[int]
    CURRENT_TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    event_types: _containers.RepeatedCompositeFieldContainer[EventTypePreference]
    quiet_hours: QuietHours
    zone_mode: ZoneMode
    current_time_zone: str
    def __init__(self, event_types: _Optional[_Iterable[_Union[EventTypePreference, _Mapping]]] = ..., quiet_hours: _Optional[_Union[QuietHours, _Mapping]] = ..., zone_mode: _Optional[_Union[ZoneMode, str]] = ..., current_time_zone: _Optional[str] = ...) -> None: ...
