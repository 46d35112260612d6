from google.api import annotations_pb2 as _annotations_pb2
from redletter.delivery.v1 import breaker_pb2 as _breaker_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetBreakerRequest(_message.Message):
    __slots__ = ("endpoint_id",)
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class GetBreakerResponse(_message.Message):
    __slots__ = ("breaker",)
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    breaker: _breaker_pb2.Breaker
    def __init__(self, breaker: _Optional[_Union[_breaker_pb2.Breaker, _Mapping]] = ...) -> None: ...

class ForceBreakerRequest(_message.Message):
    __slots__ = ("endpoint_id", "mode", "reason")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    MODE_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    mode: _breaker_pb2.Breaker.Mode
    reason: str
    def __init__(self, endpoint_id: _Optional[str] = ..., mode: _Optional[_Union[_breaker_pb2.Breaker.Mode, str]] = ..., reason: _Optional[str] = ...) -> None: ...

class ForceBreakerResponse(_message.Message):
    __slots__ = ("breaker",)
    BREAKER_FIELD_NUMBER: _ClassVar[int]
    breaker: _breaker_pb2.Breaker
    def __init__(self, breaker: _Optional[_Union[_breaker_pb2.Breaker, _Mapping]] = ...) -> None: ...
