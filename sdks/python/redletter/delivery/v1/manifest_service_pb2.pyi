from google.api import annotations_pb2 as _annotations_pb2
from google.type import date_pb2 as _date_pb2
from redletter.delivery.v1 import manifest_pb2 as _manifest_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetManifestRequest(_message.Message):
    __slots__ = ("endpoint_id", "date", "page_size")
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    DATE_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    endpoint_id: str
    date: _date_pb2.Date
    page_size: int
    def __init__(self, endpoint_id: _Optional[str] = ..., date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., page_size: _Optional[int] = ...) -> None: ...

class GetManifestResponse(_message.Message):
    __slots__ = ("page",)
    PAGE_FIELD_NUMBER: _ClassVar[int]
    page: _manifest_pb2.ManifestPage
    def __init__(self, page: _Optional[_Union[_manifest_pb2.ManifestPage, _Mapping]] = ...) -> None: ...
