import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.type import timeofday_pb2 as _timeofday_pb2
from redletter.common.v1 import on_enrol_pb2 as _on_enrol_pb2
from redletter.common.v1 import priority_pb2 as _priority_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Recurrence(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RECURRENCE_UNSPECIFIED: _ClassVar[Recurrence]
    RECURRENCE_YEARLY: _ClassVar[Recurrence]
    RECURRENCE_MONTHLY: _ClassVar[Recurrence]
    RECURRENCE_ONCE: _ClassVar[Recurrence]
    RECURRENCE_RRULE: _ClassVar[Recurrence]
    RECURRENCE_NONE: _ClassVar[Recurrence]

class GapPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    GAP_POLICY_UNSPECIFIED: _ClassVar[GapPolicy]
    GAP_POLICY_FORWARD: _ClassVar[GapPolicy]
    GAP_POLICY_END: _ClassVar[GapPolicy]
    GAP_POLICY_BACKWARD: _ClassVar[GapPolicy]

class FoldPolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    FOLD_POLICY_UNSPECIFIED: _ClassVar[FoldPolicy]
    FOLD_POLICY_FIRST: _ClassVar[FoldPolicy]
    FOLD_POLICY_SECOND: _ClassVar[FoldPolicy]

class SkippedDatePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SKIPPED_DATE_POLICY_UNSPECIFIED: _ClassVar[SkippedDatePolicy]
    SKIPPED_DATE_POLICY_NEXT: _ClassVar[SkippedDatePolicy]
    SKIPPED_DATE_POLICY_PREVIOUS: _ClassVar[SkippedDatePolicy]

class LatePolicy(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LATE_POLICY_UNSPECIFIED: _ClassVar[LatePolicy]
    LATE_POLICY_SEND: _ClassVar[LatePolicy]
    LATE_POLICY_EXPIRE: _ClassVar[LatePolicy]

class WeekendShift(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    WEEKEND_SHIFT_UNSPECIFIED: _ClassVar[WeekendShift]
    WEEKEND_SHIFT_NONE: _ClassVar[WeekendShift]
    WEEKEND_SHIFT_BEFORE: _ClassVar[WeekendShift]
    WEEKEND_SHIFT_AFTER: _ClassVar[WeekendShift]
RECURRENCE_UNSPECIFIED: Recurrence
RECURRENCE_YEARLY: Recurrence
RECURRENCE_MONTHLY: Recurrence
RECURRENCE_ONCE: Recurrence
RECURRENCE_RRULE: Recurrence
RECURRENCE_NONE: Recurrence
GAP_POLICY_UNSPECIFIED: GapPolicy
GAP_POLICY_FORWARD: GapPolicy
GAP_POLICY_END: GapPolicy
GAP_POLICY_BACKWARD: GapPolicy
FOLD_POLICY_UNSPECIFIED: FoldPolicy
FOLD_POLICY_FIRST: FoldPolicy
FOLD_POLICY_SECOND: FoldPolicy
SKIPPED_DATE_POLICY_UNSPECIFIED: SkippedDatePolicy
SKIPPED_DATE_POLICY_NEXT: SkippedDatePolicy
SKIPPED_DATE_POLICY_PREVIOUS: SkippedDatePolicy
LATE_POLICY_UNSPECIFIED: LatePolicy
LATE_POLICY_SEND: LatePolicy
LATE_POLICY_EXPIRE: LatePolicy
WEEKEND_SHIFT_UNSPECIFIED: WeekendShift
WEEKEND_SHIFT_NONE: WeekendShift
WEEKEND_SHIFT_BEFORE: WeekendShift
WEEKEND_SHIFT_AFTER: WeekendShift

class EventType(_message.Message):
    __slots__ = ("event_type_id", "display_name", "version", "state", "occasion_kind", "local_time", "day_offset", "deliver_within", "priority", "templates", "attributes", "built_in", "create_time", "update_time", "etag", "recurrence", "rrule", "gap_policy", "fold_policy", "skipped_date_policy", "late_policy", "on_enrol", "weekend_shift", "min_gap", "spread")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[EventType.State]
        STATE_ACTIVE: _ClassVar[EventType.State]
        STATE_PAUSED: _ClassVar[EventType.State]
        STATE_DELETED: _ClassVar[EventType.State]
    STATE_UNSPECIFIED: EventType.State
    STATE_ACTIVE: EventType.State
    STATE_PAUSED: EventType.State
    STATE_DELETED: EventType.State
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
    RECURRENCE_FIELD_NUMBER: _ClassVar[int]
    RRULE_FIELD_NUMBER: _ClassVar[int]
    GAP_POLICY_FIELD_NUMBER: _ClassVar[int]
    FOLD_POLICY_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_DATE_POLICY_FIELD_NUMBER: _ClassVar[int]
    LATE_POLICY_FIELD_NUMBER: _ClassVar[int]
    ON_ENROL_FIELD_NUMBER: _ClassVar[int]
    WEEKEND_SHIFT_FIELD_NUMBER: _ClassVar[int]
    MIN_GAP_FIELD_NUMBER: _ClassVar[int]
    SPREAD_FIELD_NUMBER: _ClassVar[int]
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
    recurrence: Recurrence
    rrule: str
    gap_policy: GapPolicy
    fold_policy: FoldPolicy
    skipped_date_policy: SkippedDatePolicy
    late_policy: LatePolicy
    on_enrol: _on_enrol_pb2.OnEnrol
    weekend_shift: WeekendShift
    min_gap: _duration_pb2.Duration
    spread: _duration_pb2.Duration
    def __init__(self, event_type_id: _Optional[str] = ..., display_name: _Optional[str] = ..., version: _Optional[int] = ..., state: _Optional[_Union[EventType.State, str]] = ..., occasion_kind: _Optional[str] = ..., local_time: _Optional[_Union[_timeofday_pb2.TimeOfDay, _Mapping]] = ..., day_offset: _Optional[int] = ..., deliver_within: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., priority: _Optional[_Union[_priority_pb2.Priority, str]] = ..., templates: _Optional[_Iterable[_Union[Template, _Mapping]]] = ..., attributes: _Optional[_Iterable[str]] = ..., built_in: _Optional[bool] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., update_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., etag: _Optional[str] = ..., recurrence: _Optional[_Union[Recurrence, str]] = ..., rrule: _Optional[str] = ..., gap_policy: _Optional[_Union[GapPolicy, str]] = ..., fold_policy: _Optional[_Union[FoldPolicy, str]] = ..., skipped_date_policy: _Optional[_Union[SkippedDatePolicy, str]] = ..., late_policy: _Optional[_Union[LatePolicy, str]] = ..., on_enrol: _Optional[_Union[_on_enrol_pb2.OnEnrol, str]] = ..., weekend_shift: _Optional[_Union[WeekendShift, str]] = ..., min_gap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., spread: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ...) -> None: ...

class Template(_message.Message):
    __slots__ = ("locale", "title", "body", "belated_title", "belated_body")
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    BELATED_TITLE_FIELD_NUMBER: _ClassVar[int]
    BELATED_BODY_FIELD_NUMBER: _ClassVar[int]
    locale: str
    title: str
    body: str
    belated_title: str
    belated_body: str
    def __init__(self, locale: _Optional[str] = ..., title: _Optional[str] = ..., body: _Optional[str] = ..., belated_title: _Optional[str] = ..., belated_body: _Optional[str] = ...) -> None: ...
