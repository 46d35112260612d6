import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from redletter.delivery.v1 import delivery_pb2 as _delivery_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DeliveryName(_message.Message):
    __slots__ = ("event_id", "endpoint_id")
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    endpoint_id: str
    def __init__(self, event_id: _Optional[str] = ..., endpoint_id: _Optional[str] = ...) -> None: ...

class DeliveryFilter(_message.Message):
    __slots__ = ("endpoint_id", "states", "causes", "user_id", "event_type_id", "end_after", "end_before")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    STATES_FIELD_NUMBER: _ClassVar[int]
    CAUSES_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    END_AFTER_FIELD_NUMBER: _ClassVar[int]
    END_BEFORE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    states: _containers.RepeatedScalarFieldContainer[_delivery_pb2.Delivery.State]
    causes: _containers.RepeatedScalarFieldContainer[_delivery_pb2.DeliveryCause]
    user_id: str
    event_type_id: str
    end_after: _timestamp_pb2.Timestamp
    end_before: _timestamp_pb2.Timestamp
    def __init__(self, endpoint_id: _Optional[str] = ..., states: _Optional[_Iterable[_Union[_delivery_pb2.Delivery.State, str]]] = ..., causes: _Optional[_Iterable[_Union[_delivery_pb2.DeliveryCause, str]]] = ..., user_id: _Optional[str] = ..., event_type_id: _Optional[str] = ..., end_after: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., end_before: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ...) -> None: ...
