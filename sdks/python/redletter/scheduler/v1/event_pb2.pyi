import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import date_pb2 as _date_pb2
from redletter.common.v1 import outcome_pb2 as _outcome_pb2
from redletter.common.v1 import priority_pb2 as _priority_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EventReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EVENT_REASON_UNSPECIFIED: _ClassVar[EventReason]
    EVENT_REASON_MISSED: _ClassVar[EventReason]
    EVENT_REASON_MISSED_BY_MOVE: _ClassVar[EventReason]
    EVENT_REASON_TOO_CLOSE: _ClassVar[EventReason]
    EVENT_REASON_PAUSED: _ClassVar[EventReason]
    EVENT_REASON_USER_DELETED: _ClassVar[EventReason]
    EVENT_REASON_RENDER: _ClassVar[EventReason]
    EVENT_REASON_TOO_LARGE: _ClassVar[EventReason]
    EVENT_REASON_OCCASION_REMOVED: _ClassVar[EventReason]
    EVENT_REASON_OPTED_OUT: _ClassVar[EventReason]
    EVENT_REASON_QUIET_HOURS: _ClassVar[EventReason]
    EVENT_REASON_CARE_SWITCH: _ClassVar[EventReason]
    EVENT_REASON_EVENT_TYPE_DELETED: _ClassVar[EventReason]
    EVENT_REASON_SKIPPED: _ClassVar[EventReason]
    EVENT_REASON_CANCELLED: _ClassVar[EventReason]
    EVENT_REASON_HELD_BACK: _ClassVar[EventReason]
    EVENT_REASON_POISON: _ClassVar[EventReason]

class Shift(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SHIFT_UNSPECIFIED: _ClassVar[Shift]
    SHIFT_GAP: _ClassVar[Shift]
    SHIFT_FOLD: _ClassVar[Shift]
    SHIFT_SKIPPED_DATE: _ClassVar[Shift]
    SHIFT_LEAP_DAY: _ClassVar[Shift]
    SHIFT_WEEKEND: _ClassVar[Shift]
    SHIFT_SPREAD: _ClassVar[Shift]
    SHIFT_QUIET_HOURS: _ClassVar[Shift]
    SHIFT_OVERRIDE: _ClassVar[Shift]
EVENT_REASON_UNSPECIFIED: EventReason
EVENT_REASON_MISSED: EventReason
EVENT_REASON_MISSED_BY_MOVE: EventReason
EVENT_REASON_TOO_CLOSE: EventReason
EVENT_REASON_PAUSED: EventReason
EVENT_REASON_USER_DELETED: EventReason
EVENT_REASON_RENDER: EventReason
EVENT_REASON_TOO_LARGE: EventReason
EVENT_REASON_OCCASION_REMOVED: EventReason
EVENT_REASON_OPTED_OUT: EventReason
EVENT_REASON_QUIET_HOURS: EventReason
EVENT_REASON_CARE_SWITCH: EventReason
EVENT_REASON_EVENT_TYPE_DELETED: EventReason
EVENT_REASON_SKIPPED: EventReason
EVENT_REASON_CANCELLED: EventReason
EVENT_REASON_HELD_BACK: EventReason
EVENT_REASON_POISON: EventReason
SHIFT_UNSPECIFIED: Shift
SHIFT_GAP: Shift
SHIFT_FOLD: Shift
SHIFT_SKIPPED_DATE: Shift
SHIFT_LEAP_DAY: Shift
SHIFT_WEEKEND: Shift
SHIFT_SPREAD: Shift
SHIFT_QUIET_HOURS: Shift
SHIFT_OVERRIDE: Shift

class Event(_message.Message):
    __slots__ = ("event_id", "user_id", "event_type_id", "occasion_id", "instance", "cycle", "occurrence_date", "state", "reason", "nominal_due_time", "due_time", "deliver_by", "decide_time", "decision", "late", "priority", "metadata", "outcome", "outcome_unavailable", "receive_time", "create_time", "reissue_of", "reissue_reason")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Event.State]
        STATE_PLANNED: _ClassVar[Event.State]
        STATE_SENT: _ClassVar[Event.State]
        STATE_SUPPRESSED: _ClassVar[Event.State]
        STATE_EXPIRED: _ClassVar[Event.State]
        STATE_CANCELLED: _ClassVar[Event.State]
        STATE_FAILED: _ClassVar[Event.State]
    STATE_UNSPECIFIED: Event.State
    STATE_PLANNED: Event.State
    STATE_SENT: Event.State
    STATE_SUPPRESSED: Event.State
    STATE_EXPIRED: Event.State
    STATE_CANCELLED: Event.State
    STATE_FAILED: Event.State
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    INSTANCE_FIELD_NUMBER: _ClassVar[int]
    CYCLE_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_DATE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    NOMINAL_DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_BY_FIELD_NUMBER: _ClassVar[int]
    DECIDE_TIME_FIELD_NUMBER: _ClassVar[int]
    DECISION_FIELD_NUMBER: _ClassVar[int]
    LATE_FIELD_NUMBER: _ClassVar[int]
    PRIORITY_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_UNAVAILABLE_FIELD_NUMBER: _ClassVar[int]
    RECEIVE_TIME_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    REISSUE_OF_FIELD_NUMBER: _ClassVar[int]
    REISSUE_REASON_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    user_id: str
    event_type_id: str
    occasion_id: str
    instance: str
    cycle: str
    occurrence_date: _date_pb2.Date
    state: Event.State
    reason: EventReason
    nominal_due_time: _timestamp_pb2.Timestamp
    due_time: _timestamp_pb2.Timestamp
    deliver_by: _timestamp_pb2.Timestamp
    decide_time: _timestamp_pb2.Timestamp
    decision: Decision
    late: bool
    priority: _priority_pb2.Priority
    metadata: _containers.ScalarMap[str, str]
    outcome: _outcome_pb2.Outcome
    outcome_unavailable: bool
    receive_time: _timestamp_pb2.Timestamp
    create_time: _timestamp_pb2.Timestamp
    reissue_of: str
    reissue_reason: str
    def __init__(self, event_id: _Optional[str] = ..., user_id: _Optional[str] = ..., event_type_id: _Optional[str] = ..., occasion_id: _Optional[str] = ..., instance: _Optional[str] = ..., cycle: _Optional[str] = ..., occurrence_date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., state: _Optional[_Union[Event.State, str]] = ..., reason: _Optional[_Union[EventReason, str]] = ..., nominal_due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decide_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., decision: _Optional[_Union[Decision, _Mapping]] = ..., late: _Optional[bool] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., metadata: _Optional[_Mapping[str, str]] = ..., outcome: _Optional[_Union[_outcome_pb2.Outcome, str]] = ..., outcome_unavailable: _Optional[bool] = ..., receive_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reissue_of: _Optional[str] = ..., reissue_reason: _Optional[str] = ...) -> None: ...

class Decision(_message.Message):
    __slots__ = ("event_type_version", "recipient_version", "tzdata_version", "time_zone", "utc_offset", "shifts")
    EVENT_TYPE_VERSION_FIELD_NUMBER: _ClassVar[int]
    RECIPIENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    TZDATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    UTC_OFFSET_FIELD_NUMBER: _ClassVar[int]
    SHIFTS_FIELD_NUMBER: _ClassVar[int]
    event_type_version: int
    recipient_version: int
    tzdata_version: str
    time_zone: str
    utc_offset: str
    shifts: _containers.RepeatedScalarFieldContainer[Shift]
    def __init__(self, event_type_version: _Optional[int] = ..., recipient_version: _Optional[int] = ..., tzdata_version: _Optional[str] = ..., time_zone: _Optional[str] = ..., utc_offset: _Optional[str] = ..., shifts: _Optional[_Iterable[_Union[Shift, str]]] = ...) -> None: ...
