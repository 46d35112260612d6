import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class EndpointSecret(_message.Message):
    __slots__ = ("secret_id", "kind", "state", "create_time", "expire_time", "public_key")
    class Kind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        KIND_UNSPECIFIED: _ClassVar[EndpointSecret.Kind]
        KIND_HMAC: _ClassVar[EndpointSecret.Kind]
        KIND_ED25519: _ClassVar[EndpointSecret.Kind]
    KIND_UNSPECIFIED: EndpointSecret.Kind
    KIND_HMAC: EndpointSecret.Kind
    KIND_ED25519: EndpointSecret.Kind
    class State(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
        __slots__ = ()
        STATE_UNSPECIFIED: _ClassVar[EndpointSecret.State]
        STATE_VALID: _ClassVar[EndpointSecret.State]
        STATE_EXPIRED: _ClassVar[EndpointSecret.State]
    STATE_UNSPECIFIED: EndpointSecret.State
    STATE_VALID: EndpointSecret.State
    STATE_EXPIRED: EndpointSecret.State
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_FIELD_NUMBER: _ClassVar[int]
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    secret_id: str
    kind: EndpointSecret.Kind
    state: EndpointSecret.State
    create_time: _timestamp_pb2.Timestamp
    expire_time: _timestamp_pb2.Timestamp
    public_key: str
    def __init__(self, secret_id: _Optional[str] = ..., kind: _Optional[_Union[EndpointSecret.Kind, str]] = ..., state: _Optional[_Union[EndpointSecret.State, str]] = ..., create_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., expire_time: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., public_key: _Optional[str] = ...) -> None: ...
