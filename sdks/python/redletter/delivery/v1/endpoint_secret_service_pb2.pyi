import datetime

from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import duration_pb2 as _duration_pb2
from redletter.delivery.v1 import endpoint_secret_pb2 as _endpoint_secret_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class RotateEndpointSecretRequest(_message.Message):
    __slots__ = ("endpoint_id", "kind", "overlap", "secret")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    OVERLAP_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    kind: _endpoint_secret_pb2.EndpointSecret.Kind
    overlap: _duration_pb2.Duration
    secret: str
    def __init__(self, endpoint_id: _Optional[str] = ..., kind: _Optional[_Union[_endpoint_secret_pb2.EndpointSecret.Kind, str]] = ..., overlap: _Optional[_Union[datetime.timedelta, _duration_pb2.Duration, _Mapping]] = ..., secret: _Optional[str] = ...) -> None: ...

class RotateEndpointSecretResponse(_message.Message):
    __slots__ = ("endpoint_secret", "secret", "replaced")
    ENDPOINT_SECRET_FIELD_NUMBER: _ClassVar[int]
    SECRET_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    endpoint_secret: _endpoint_secret_pb2.EndpointSecret
    secret: str
    replaced: _containers.RepeatedCompositeFieldContainer[_endpoint_secret_pb2.EndpointSecret]
    def __init__(self, endpoint_secret: _Optional[_Union[_endpoint_secret_pb2.EndpointSecret, _Mapping]] = ..., secret: _Optional[str] = ..., replaced: _Optional[_Iterable[_Union[_endpoint_secret_pb2.EndpointSecret, _Mapping]]] = ...) -> None: ...

class ListEndpointSecretsRequest(_message.Message):
    __slots__ = ("endpoint_id",)
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class ListEndpointSecretsResponse(_message.Message):
    __slots__ = ("endpoint_secrets",)
    ENDPOINT_SECRETS_FIELD_NUMBER: _ClassVar[int]
    endpoint_secrets: _containers.RepeatedCompositeFieldContainer[_endpoint_secret_pb2.EndpointSecret]
    def __init__(self, endpoint_secrets: _Optional[_Iterable[_Union[_endpoint_secret_pb2.EndpointSecret, _Mapping]]] = ...) -> None: ...

class GetEndpointPublicKeyRequest(_message.Message):
    __slots__ = ("endpoint_id",)
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    def __init__(self, endpoint_id: _Optional[str] = ...) -> None: ...

class GetEndpointPublicKeyResponse(_message.Message):
    __slots__ = ("public_key", "secret_id", "older_public_keys")
    PUBLIC_KEY_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    OLDER_PUBLIC_KEYS_FIELD_NUMBER: _ClassVar[int]
    public_key: str
    secret_id: str
    older_public_keys: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, public_key: _Optional[str] = ..., secret_id: _Optional[str] = ..., older_public_keys: _Optional[_Iterable[str]] = ...) -> None: ...

class ExpireEndpointSecretRequest(_message.Message):
    __slots__ = ("endpoint_id", "secret_id")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    SECRET_ID_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    secret_id: str
    def __init__(self, endpoint_id: _Optional[str] = ..., secret_id: _Optional[str] = ...) -> None: ...

class ExpireEndpointSecretResponse(_message.Message):
    __slots__ = ("endpoint_secret",)
    ENDPOINT_SECRET_FIELD_NUMBER: _ClassVar[int]
    endpoint_secret: _endpoint_secret_pb2.EndpointSecret
    def __init__(self, endpoint_secret: _Optional[_Union[_endpoint_secret_pb2.EndpointSecret, _Mapping]] = ...) -> None: ...
