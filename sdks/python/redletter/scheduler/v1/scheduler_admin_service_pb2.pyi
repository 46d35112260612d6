import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from redletter.scheduler.v1 import scheduler_status_pb2 as _scheduler_status_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetSchedulerStatusRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSchedulerStatusResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _scheduler_status_pb2.SchedulerStatus
    def __init__(self, status: _Optional[_Union[_scheduler_status_pb2.SchedulerStatus, _Mapping]] = ...) -> None: ...

class PauseSchedulerRequest(_message.Message):
    __slots__ = ("reason",)
    REASON_FIELD_NUMBER: _ClassVar[int]
    reason: str
    def __init__(self, reason: _Optional[str] = ...) -> None: ...

class PauseSchedulerResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _scheduler_status_pb2.SchedulerStatus
    def __init__(self, status: _Optional[_Union[_scheduler_status_pb2.SchedulerStatus, _Mapping]] = ...) -> None: ...

class ResumeSchedulerRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ResumeSchedulerResponse(_message.Message):
    __slots__ = ("status",)
    STATUS_FIELD_NUMBER: _ClassVar[int]
    status: _scheduler_status_pb2.SchedulerStatus
    def __init__(self, status: _Optional[_Union[_scheduler_status_pb2.SchedulerStatus, _Mapping]] = ...) -> None: ...

class ZoneDiff(_message.Message):
    __slots__ = ("time_zone", "plans", "people", "min_minutes", "max_minutes")
    TIME_ZONE_FIELD_NUMBER: _ClassVar[int]
    PLANS_FIELD_NUMBER: _ClassVar[int]
    PEOPLE_FIELD_NUMBER: _ClassVar[int]
    MIN_MINUTES_FIELD_NUMBER: _ClassVar[int]
    MAX_MINUTES_FIELD_NUMBER: _ClassVar[int]
    time_zone: str
    plans: int
    people: int
    min_minutes: int
    max_minutes: int
    def __init__(self, time_zone: _Optional[str] = ..., plans: _Optional[int] = ..., people: _Optional[int] = ..., min_minutes: _Optional[int] = ..., max_minutes: _Optional[int] = ...) -> None: ...

class TzdataDiff(_message.Message):
    __slots__ = ("current_version", "pending_version", "complete", "checked", "zones")
    CURRENT_VERSION_FIELD_NUMBER: _ClassVar[int]
    PENDING_VERSION_FIELD_NUMBER: _ClassVar[int]
    COMPLETE_FIELD_NUMBER: _ClassVar[int]
    CHECKED_FIELD_NUMBER: _ClassVar[int]
    ZONES_FIELD_NUMBER: _ClassVar[int]
    current_version: str
    pending_version: str
    complete: bool
    checked: int
    zones: _containers.RepeatedCompositeFieldContainer[ZoneDiff]
    def __init__(self, current_version: _Optional[str] = ..., pending_version: _Optional[str] = ..., complete: _Optional[bool] = ..., checked: _Optional[int] = ..., zones: _Optional[_Iterable[_Union[ZoneDiff, _Mapping]]] = ...) -> None: ...

class GetTzdataDiffRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetTzdataDiffResponse(_message.Message):
    __slots__ = ("diff",)
    DIFF_FIELD_NUMBER: _ClassVar[int]
    diff: TzdataDiff
    def __init__(self, diff: _Optional[_Union[TzdataDiff, _Mapping]] = ...) -> None: ...

class ApproveTzdataRequest(_message.Message):
    __slots__ = ("version",)
    VERSION_FIELD_NUMBER: _ClassVar[int]
    version: str
    def __init__(self, version: _Optional[str] = ...) -> None: ...

class ApproveTzdataResponse(_message.Message):
    __slots__ = ("diff",)
    DIFF_FIELD_NUMBER: _ClassVar[int]
    diff: TzdataDiff
    def __init__(self, diff: _Optional[_Union[TzdataDiff, _Mapping]] = ...) -> None: ...

class Guard(_message.Message):
    __slots__ = ("active", "since", "until", "reason", "held", "event_ids")
    ACTIVE_FIELD_NUMBER: _ClassVar[int]
    SINCE_FIELD_NUMBER: _ClassVar[int]
    UNTIL_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    HELD_FIELD_NUMBER: _ClassVar[int]
    EVENT_IDS_FIELD_NUMBER: _ClassVar[int]
    active: bool
    since: _timestamp_pb2.Timestamp
    until: _timestamp_pb2.Timestamp
    reason: str
    held: int
    event_ids: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, active: _Optional[bool] = ..., since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., reason: _Optional[str] = ..., held: _Optional[int] = ..., event_ids: _Optional[_Iterable[str]] = ...) -> None: ...

class GetGuardRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetGuardResponse(_message.Message):
    __slots__ = ("guard",)
    GUARD_FIELD_NUMBER: _ClassVar[int]
    guard: Guard
    def __init__(self, guard: _Optional[_Union[Guard, _Mapping]] = ...) -> None: ...

class StartGuardRequest(_message.Message):
    __slots__ = ("since",)
    SINCE_FIELD_NUMBER: _ClassVar[int]
    since: _timestamp_pb2.Timestamp
    def __init__(self, since: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class StartGuardResponse(_message.Message):
    __slots__ = ("guard",)
    GUARD_FIELD_NUMBER: _ClassVar[int]
    guard: Guard
    def __init__(self, guard: _Optional[_Union[Guard, _Mapping]] = ...) -> None: ...

class ReleaseGuardRequest(_message.Message):
    __slots__ = ("release",)
    class Release(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        RELEASE_UNSPECIFIED: _ClassVar[ReleaseGuardRequest.Release]
        RELEASE_SEND: _ClassVar[ReleaseGuardRequest.Release]
        RELEASE_EXPIRE: _ClassVar[ReleaseGuardRequest.Release]
    RELEASE_UNSPECIFIED: ReleaseGuardRequest.Release
    RELEASE_SEND: ReleaseGuardRequest.Release
    RELEASE_EXPIRE: ReleaseGuardRequest.Release
    RELEASE_FIELD_NUMBER: _ClassVar[int]
    release: ReleaseGuardRequest.Release
    def __init__(self, release: _Optional[_Union[ReleaseGuardRequest.Release, str]] = ...) -> None: ...

class ReleaseGuardResponse(_message.Message):
    __slots__ = ("guard",)
    GUARD_FIELD_NUMBER: _ClassVar[int]
    guard: Guard
    def __init__(self, guard: _Optional[_Union[Guard, _Mapping]] = ...) -> None: ...
