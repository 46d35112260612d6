from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Optional as _Optional

DESCRIPTOR: _descriptor.FileDescriptor

class ManifestPage(_message.Message):
    __slots__ = ("body", "webhook_id", "webhook_timestamp", "webhook_signature")
    BODY_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_ID_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_TIMESTAMP_FIELD_NUMBER: _ClassVar[int]
    WEBHOOK_SIGNATURE_FIELD_NUMBER: _ClassVar[int]
    body: bytes
    webhook_id: str
    webhook_timestamp: int
    webhook_signature: str
    def __init__(self, body: _Optional[bytes] = ..., webhook_id: _Optional[str] = ..., webhook_timestamp: _Optional[int] = ..., webhook_signature: _Optional[str] = ...) -> None: ...
