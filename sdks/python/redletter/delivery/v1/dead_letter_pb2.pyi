import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from redletter.delivery.v1 import delivery_pb2 as _delivery_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeadLetter(_message.Message):
    __slots__ = ("event_id", "endpoint_id", "round", "state", "cause", "status_code", "attempts", "user_id", "event_type_id", "end_time", "deliver_by")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    ROUND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    STATUS_CODE_FIELD_NUMBER: _ClassVar[int]
    ATTEMPTS_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    END_TIME_FIELD_NUMBER: _ClassVar[int]
    DELIVER_BY_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    endpoint_id: str
    round: int
    state: _delivery_pb2.Delivery.State
    cause: _delivery_pb2.DeliveryCause
    status_code: int
    attempts: int
    user_id: str
    event_type_id: str
    end_time: _timestamp_pb2.Timestamp
    deliver_by: _timestamp_pb2.Timestamp
    def __init__(self, event_id: _Optional[str] = ..., endpoint_id: _Optional[str] = ..., round: _Optional[int] = ..., state: _Optional[_Union[_delivery_pb2.Delivery.State, str]] = ..., cause: _Optional[_Union[_delivery_pb2.DeliveryCause, str]] = ..., status_code: _Optional[int] = ..., attempts: _Optional[int] = ..., user_id: _Optional[str] = ..., event_type_id: _Optional[str] = ..., end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., deliver_by: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...

class DeadLetterGroup(_message.Message):
    __slots__ = ("endpoint_id", "cause", "count", "first_end_time", "last_end_time")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    CAUSE_FIELD_NUMBER: _ClassVar[int]
    COUNT_FIELD_NUMBER: _ClassVar[int]
    FIRST_END_TIME_FIELD_NUMBER: _ClassVar[int]
    LAST_END_TIME_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    cause: _delivery_pb2.DeliveryCause
    count: int
    first_end_time: _timestamp_pb2.Timestamp
    last_end_time: _timestamp_pb2.Timestamp
    def __init__(self, endpoint_id: _Optional[str] = ..., cause: _Optional[_Union[_delivery_pb2.DeliveryCause, str]] = ..., count: _Optional[int] = ..., first_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., last_end_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
