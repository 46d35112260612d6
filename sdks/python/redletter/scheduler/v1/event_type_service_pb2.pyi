from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from redletter.scheduler.v1 import event_type_pb2 as _event_type_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CreateEventTypeRequest(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...

class CreateEventTypeResponse(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...

class UpdateEventTypeRequest(_message.Message):
    __slots__ = ("event_type", "update_mask")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateEventTypeResponse(_message.Message):
    __slots__ = ("event_type", "operation_id")
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    operation_id: str
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ..., operation_id: _Optional[str] = ...) -> None: ...

class GetEventTypeRequest(_message.Message):
    __slots__ = ("event_type_id", "version")
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    version: int
    def __init__(self, event_type_id: _Optional[str] = ..., version: _Optional[int] = ...) -> None: ...

class GetEventTypeResponse(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...

class ListEventTypesRequest(_message.Message):
    __slots__ = ("page_size", "page_token", "show_deleted")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    SHOW_DELETED_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    show_deleted: bool
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., show_deleted: _Optional[bool] = ...) -> None: ...

class ListEventTypesResponse(_message.Message):
    __slots__ = ("event_types", "next_page_token")
    EVENT_TYPES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    event_types: _containers.RepeatedCompositeFieldContainer[_event_type_pb2.EventType]
    next_page_token: str
    def __init__(self, event_types: _Optional[_Iterable[_Union[_event_type_pb2.EventType, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DeleteEventTypeRequest(_message.Message):
    __slots__ = ("event_type_id", "etag")
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    ETAG_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    etag: str
    def __init__(self, event_type_id: _Optional[str] = ..., etag: _Optional[str] = ...) -> None: ...

class DeleteEventTypeResponse(_message.Message):
    __slots__ = ("operation_id",)
    OPERATION_ID_FIELD_NUMBER: _ClassVar[int]
    operation_id: str
    def __init__(self, operation_id: _Optional[str] = ...) -> None: ...

class PauseEventTypeRequest(_message.Message):
    __slots__ = ("event_type_id",)
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    def __init__(self, event_type_id: _Optional[str] = ...) -> None: ...

class PauseEventTypeResponse(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...

class ResumeEventTypeRequest(_message.Message):
    __slots__ = ("event_type_id",)
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    def __init__(self, event_type_id: _Optional[str] = ...) -> None: ...

class ResumeEventTypeResponse(_message.Message):
    __slots__ = ("event_type",)
    EVENT_TYPE_FIELD_NUMBER: _ClassVar[int]
    event_type: _event_type_pb2.EventType
    def __init__(self, event_type: _Optional[_Union[_event_type_pb2.EventType, _Mapping]] = ...) -> None: ...

class PreviewTemplateRequest(_message.Message):
    __slots__ = ("event_type_id", "templates", "user_id", "belated")
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    TEMPLATES_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    BELATED_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    templates: _containers.RepeatedCompositeFieldContainer[_event_type_pb2.Template]
    user_id: str
    belated: bool
    def __init__(self, event_type_id: _Optional[str] = ..., templates: _Optional[_Iterable[_Union[_event_type_pb2.Template, _Mapping]]] = ..., user_id: _Optional[str] = ..., belated: _Optional[bool] = ...) -> None: ...

class PreviewTemplateResponse(_message.Message):
    __slots__ = ("messages",)
    MESSAGES_FIELD_NUMBER: _ClassVar[int]
    messages: _containers.RepeatedCompositeFieldContainer[RenderedMessage]
    def __init__(self, messages: _Optional[_Iterable[_Union[RenderedMessage, _Mapping]]] = ...) -> None: ...

class RenderedMessage(_message.Message):
    __slots__ = ("person", "locale", "title", "body", "error")
    PERSON_FIELD_NUMBER: _ClassVar[int]
    LOCALE_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    BODY_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    person: str
    locale: str
    title: str
    body: str
    error: str
    def __init__(self, person: _Optional[str] = ..., locale: _Optional[str] = ..., title: _Optional[str] = ..., body: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class TestEventTypeRequest(_message.Message):
    __slots__ = ("event_type_id", "user_id", "endpoint_id", "occasion_id")
    EVENT_TYPE_ID_FIELD_NUMBER: _ClassVar[int]
    USER_ID_FIELD_NUMBER: _ClassVar[int]
    ENDPOINT_ID_FIELD_NUMBER: _ClassVar[int]
    OCCASION_ID_FIELD_NUMBER: _ClassVar[int]
    event_type_id: str
    user_id: str
    endpoint_id: str
    occasion_id: str
    def __init__(self, event_type_id: _Optional[str] = ..., user_id: _Optional[str] = ..., endpoint_id: _Optional[str] = ..., occasion_id: _Optional[str] = ...) -> None: ...

class TestEventTypeResponse(_message.Message):
    __slots__ = ("event_id",)
    EVENT_ID_FIELD_NUMBER: _ClassVar[int]
    event_id: str
    def __init__(self, event_id: _Optional[str] = ...) -> None: ...
