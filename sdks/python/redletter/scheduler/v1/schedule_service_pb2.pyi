import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import date_pb2 as _date_pb2
from redletter.scheduler.v1 import event_pb2 as _event_pb2
from redletter.scheduler.v1 import event_type_pb2 as _event_type_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class ExplainScheduleRequest(_message.Message):
    __slots__ = ("event_id", "user_id", "event_type_id", "occasion_id", "on_or_after")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    ON_OR_AFTER_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    user_id: str
    event_type_id: str
    occasion_id: str
    on_or_after: _date_pb2.Date
    def __init__(self, event_id: _Optional[str] = ..., user_id: _Optional[str] = ..., event_type_id: _Optional[str] = ..., occasion_id: _Optional[str] = ..., on_or_after: _Optional[_Union[_date_pb2.Date, _Mapping]] = ...) -> None: ...

class ExplanationStep(_message.Message):
    __slots__ = ("shift", "text")
    SHIFT_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    shift: _event_pb2.Shift
    text: str
    def __init__(self, shift: _Optional[_Union[_event_pb2.Shift, str]] = ..., text: _Optional[str] = ...) -> None: ...

class Explanation(_message.Message):
    __slots__ = ("sentence", "state", "reason", "event_id", "event_type_id", "event_type_version", "occasion_id", "cycle", "occurrence_date", "time_zone", "utc_offset", "tzdata_version", "nominal_due_time", "due_time", "deliver_by", "steps", "preferences")
    SENTENCE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_VERSION_FIELD_NUMBER: _ClassVar[int]
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    CYCLE_FIELD_NUMBER: _ClassVar[int]
    OCCURRENCE_DATE_FIELD_NUMBER: _ClassVar[int]
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    UTC_OFFSET_FIELD_NUMBER: _ClassVar[int]
    TZDATA_VERSION_FIELD_NUMBER: _ClassVar[int]
    NOMINAL_DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    DUE_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_BY_FIELD_NUMBER: _ClassVar[int]
    STEPS_FIELD_NUMBER: _ClassVar[int]
    PREFERENCES_FIELD_NUMBER: _ClassVar[int]
    sentence: str
    state: _event_pb2.Event.State
    reason: _event_pb2.EventReason
    event_id: str
    event_type_id: str
    event_type_version: int
    occasion_id: str
    cycle: str
    occurrence_date: _date_pb2.Date
    time_zone: str
    utc_offset: str
    tzdata_version: str
    nominal_due_time: _timestamp_pb2.Timestamp
    due_time: _timestamp_pb2.Timestamp
    deliver_by: _timestamp_pb2.Timestamp
    steps: _containers.RepeatedCompositeFieldContainer[ExplanationStep]
    preferences: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, sentence: _Optional[str] = ..., state: _Optional[_Union[_event_pb2.Event.State, str]] = ..., reason: _Optional[_Union[_event_pb2.EventReason, str]] = ..., event_id: _Optional[str] = ..., event_type_id: _Optional[str] = ..., event_type_version: _Optional[int] = ..., occasion_id: _Optional[str] = ..., cycle: _Optional[str] = ..., occurrence_date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., time_zone: _Optional[str] = ..., utc_offset: _Optional[str] = ..., tzdata_version: _Optional[str] = ..., nominal_due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., due_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., steps: _Optional[_Iterable[_Union[ExplanationStep, _Mapping]]] = ..., preferences: _Optional[_Iterable[str]] = ...) -> None: ...

class ExplainScheduleResponse(_message.Message):
    __slots__ = ("explanation",)
    EXPLANATION_FIELD_NUMBER: _ClassVar[int]
    explanation: Explanation
    def __init__(self, explanation: _Optional[_Union[Explanation, _Mapping]] = ...) -> None: ...

class PreviewScheduleRequest(_message.Message):
    __slots__ = ("user_id", "event_type_id", "count")
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    user_id: str
    event_type_id: str
    count: int
    def __init__(self, user_id: _Optional[str] = ..., event_type_id: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class PreviewScheduleResponse(_message.Message):
    __slots__ = ("events",)
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    events: _containers.RepeatedCompositeFieldContainer[_event_pb2.Event]
    def __init__(self, events: _Optional[_Iterable[_Union[_event_pb2.Event, _Mapping]]] = ...) -> None: ...

class ForecastScheduleRequest(_message.Message):
    __slots__ = ("start_time", "end_time", "event_type_id", "changed_event_type", "step")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    CHANGED_EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    STEP_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    end_time: _timestamp_pb2.Timestamp
    event_type_id: str
    changed_event_type: _event_type_pb2.EventType
    step: _duration_pb2.Duration
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., event_type_id: _Optional[str] = ..., changed_event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ..., step: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class ForecastBucket(_message.Message):
    __slots__ = ("start_time", "count")
    START_TIME_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    start_time: _timestamp_pb2.Timestamp
    count: int
    def __init__(self, start_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., count: _Optional[int] = ...) -> None: ...

class ForecastByEventType(_message.Message):
    __slots__ = ("event_type_id", "count")
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    count: int
    def __init__(self, event_type_id: _Optional[str] = ..., count: _Optional[int] = ...) -> None: ...

class DateCluster(_message.Message):
    __slots__ = ("occasion_kind", "month", "day", "count", "times_average")
    OCCASION_KIND_FIELD_NUMBER: _ClassVar[int]
    MONTH_FIELD_NUMBER: _ClassVar[int]
    DAY_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    TIMES_AVERAGE_FIELD_NUMBER: _ClassVar[int]
    occasion_kind: str
    month: int
    day: int
    count: int
    times_average: float
    def __init__(self, occasion_kind: _Optional[str] = ..., month: _Optional[int] = ..., day: _Optional[int] = ..., count: _Optional[int] = ..., times_average: _Optional[float] = ...) -> None: ...

class ForecastScheduleResponse(_message.Message):
    __slots__ = ("total", "buckets", "by_event_type", "peak_time", "peak_per_second", "clusters")
    TOTAL_FIELD_NUMBER: _ClassVar[int]
    BUCKETS_FIELD_NUMBER: _ClassVar[int]
    BY_EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    PEAK_TIME_FIELD_NUMBER: _ClassVar[int]
    PEAK_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    CLUSTERS_FIELD_NUMBER: _ClassVar[int]
    total: int
    buckets: _containers.RepeatedCompositeFieldContainer[ForecastBucket]
    by_event_type: _containers.RepeatedCompositeFieldContainer[ForecastByEventType]
    peak_time: _timestamp_pb2.Timestamp
    peak_per_second: int
    clusters: _containers.RepeatedCompositeFieldContainer[DateCluster]
    def __init__(self, total: _Optional[int] = ..., buckets: _Optional[_Iterable[_Union[ForecastBucket, _Mapping]]] = ..., by_event_type: _Optional[_Iterable[_Union[ForecastByEventType, _Mapping]]] = ..., peak_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., peak_per_second: _Optional[int] = ..., clusters: _Optional[_Iterable[_Union[DateCluster, _Mapping]]] = ...) -> None: ...
