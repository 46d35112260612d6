import datetime

from google.protobuf import duration_pb2 as _duration_pb2
from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Breaker(_message.Message):
    __slots__ = ("endpoint_id", "state", "mode", "reason", "change_time", "open_until", "opened", "successes", "probe_until", "window", "attempts", "failures", "failure_rate")
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[Breaker.State]
        STATE_CLOSED: _ClassVar[Breaker.State]
        STATE_OPEN: _ClassVar[Breaker.State]
        STATE_HALF_OPEN: _ClassVar[Breaker.State]
    STATE_UNSPECIFIED: Breaker.State
    STATE_CLOSED: Breaker.State
    STATE_OPEN: Breaker.State
    STATE_HALF_OPEN: Breaker.State
    class Mode(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        MODE_UNSPECIFIED: _ClassVar[Breaker.Mode]
        MODE_AUTOMATIC: _ClassVar[Breaker.Mode]
        MODE_FORCED_OPEN: _ClassVar[Breaker.Mode]
        MODE_FORCED_CLOSED: _ClassVar[Breaker.Mode]
    MODE_UNSPECIFIED: Breaker.Mode
    MODE_AUTOMATIC: Breaker.Mode
    MODE_FORCED_OPEN: Breaker.Mode
    MODE_FORCED_CLOSED: Breaker.Mode
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CHANGE_TIME_FIELD_NUMBER: _ClassVar[int]
    OPEN_UNTIL_FIELD_NUMBER: _ClassVar[int]
    OPENED_FIELD_NUMBER: _ClassVar[int]
    SUCCESSES_FIELD_NUMBER: _ClassVar[int]
    PROBE_UNTIL_FIELD_NUMBER: _ClassVar[int]
    WINDOW_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    FAILURES_FIELD_NUMBER: _ClassVar[int]
    FAILURE_RATE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    state: Breaker.State
    mode: Breaker.Mode
    reason: str
    change_time: _timestamp_pb2.Timestamp
    open_until: _timestamp_pb2.Timestamp
    opened: int
    successes: int
    probe_until: _timestamp_pb2.Timestamp
    window: _duration_pb2.Duration
    attempts: int
    failures: int
    failure_rate: float
    def __init__(self, endpoint_id: _Optional[str] = ..., state: _Optional[_Union[Breaker.State, str]] = ..., mode: _Optional[_Union[Breaker.Mode, str]] = ..., reason: _Optional[str] = ..., change_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., open_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., opened: _Optional[int] = ..., successes: _Optional[int] = ..., probe_until: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., window: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., attempts: _Optional[int] = ..., failures: _Optional[int] = ..., failure_rate: _Optional[float] = ...) -> None: ...
