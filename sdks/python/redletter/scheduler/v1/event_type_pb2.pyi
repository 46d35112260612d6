import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import timeofday_pb2 as _timeofday_pb2
from redletter.common.v1 import priority_pb2 as _priority_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventType(_message.Message):
    __slots__ = ("event_type_id", "display_name", "version", "state", "occasion_kind", "local_time", "day_offset", "deliver_within", "priority", "templates", "attributes", "built_in", "create_time", "update_time", "etag")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[EventType.State]
        STATE_ACTIVE: _ClassVar[EventType.State]
        STATE_PAUSED: _ClassVar[EventType.State]
    STATE_UNSPECIFIED: EventType.State
    STATE_ACTIVE: EventType.State
    STATE_PAUSED: EventType.State
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    OCCASION_KIND_FIELD_NUMBER: _ClassVar[int]
    LOCAL_TIME_FIELD_NUMBER: _ClassVar[int]
    DAY_OFFSET_FIELD_NUMBER: _ClassVar[int]
    DELIVER_WITHIN_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    ATTRIBUTES_FIELD_NUMBER: _ClassVar[int]
    BUILT_IN_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    display_name: str
    version: int
    state: EventType.State
    occasion_kind: str
    local_time: _timeofday_pb2.TimeOfDay
    day_offset: int
    deliver_within: _duration_pb2.Duration
    priority: _priority_pb2.Priority
    templates: _containers.RepeatedCompositeFieldContainer[Template]
    attributes: _containers.RepeatedScalarFieldContainer[str]
    built_in: bool
    create_time: _timestamp_pb2.Timestamp
    update_time: _timestamp_pb2.Timestamp
    etag: str
    def __init__(self, event_type_id: _Optional[str] = ..., display_name: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[_Union[EventType.State, str]] = ..., occasion_kind: _Optional[str] = ..., local_time: _Optional[_Union[_timeofday_pb2.TimeOfDay, _Mapping]] = ..., day_offset: _Optional[int] = ..., deliver_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., templates: _Optional[_Iterable[_Union[Template, _Mapping]]] = ..., attributes: _Optional[_Iterable[str]] = ..., built_in: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ...) -> None: ...

class Template(_message.Message):
    __slots__ = ("locale", "title", "body")
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    locale: str
    title: str
    body: str
    def __init__(self, locale: _Optional[str] = ..., title: _Optional[str] = ..., body: _Optional[str] = ...) -> None: ...
