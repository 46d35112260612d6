from google.api import annotations_pb2 as _annotations_pb2
from redletter.delivery.v1 import delivery_pb2 as _delivery_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class TestEndpointRequest(_message.Message):
    __slots__ = ("endpoint_id", "event_type_id")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    event_type_id: str
    def __init__(self, endpoint_id: _Optional[str] = ..., event_type_id: _Optional[str] = ...) -> None: ...

class TestEndpointResponse(_message.Message):
    __slots__ = ("test_id", "attempt", "headers", "body")
    class Header(_message.Message):
        __slots__ = ("name", "value")
        NAME_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        name: str
        value: str
        def __init__(self, name: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    TEST_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    HEADERS_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    test_id: str
    attempt: _delivery_pb2.Attempt
    headers: _containers.RepeatedCompositeFieldContainer[TestEndpointResponse.Header]
    body: bytes
    def __init__(self, test_id: _Optional[str] = ..., attempt: _Optional[_Union[_delivery_pb2.Attempt, _Mapping]] = ..., headers: _Optional[_Iterable[_Union[TestEndpointResponse.Header, _Mapping]]] = ..., body: _Optional[bytes] = ...) -> None: ...
