from google.api import annotations_pb2 as _annotations_pb2
from google.type import date_pb2 as _date_pb2
from redletter.scheduler.v1 import ledger_pb2 as _ledger_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetLedgerRequest(_message.Message):
    __slots__ = ("date", "tenant_id")
    DATE_FIELD_NUMBER: _ClassVar[int]
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    date: _date_pb2.Date
    tenant_id: str
    def __init__(self, date: _Optional[_Union[_date_pb2.Date, _Mapping]] = ..., tenant_id: _Optional[str] = ...) -> None: ...

class GetLedgerResponse(_message.Message):
    __slots__ = ("ledger",)
    LEDGER_FIELD_NUMBER: _ClassVar[int]
    ledger: _ledger_pb2.Ledger
    def __init__(self, ledger: _Optional[_Union[_ledger_pb2.Ledger, _Mapping]] = ...) -> None: ...

class ListLedgerDaysRequest(_message.Message):
    __slots__ = ("tenant_id", "only_differences", "page_size", "page_token")
    TENANT_ID_FIELD_NUMBER: _ClassVar[int]
    ONLY_DIFFERENCES_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    tenant_id: str
    only_differences: bool
    page_size: int
    page_token: str
    def __init__(self, tenant_id: _Optional[str] = ..., only_differences: _Optional[bool] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListLedgerDaysResponse(_message.Message):
    __slots__ = ("days", "next_page_token")
    DAYS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    days: _containers.RepeatedCompositeFieldContainer[_ledger_pb2.Ledger]
    next_page_token: str
    def __init__(self, days: _Optional[_Iterable[_Union[_ledger_pb2.Ledger, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...
