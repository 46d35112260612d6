from google.api import annotations_pb2 as _annotations_pb2
from google.protobuf import field_mask_pb2 as _field_mask_pb2
from redletter.delivery.v1 import delivery_settings_pb2 as _delivery_settings_pb2
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class GetDeliverySettingsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetDeliverySettingsResponse(_message.Message):
    __slots__ = ("delivery_settings",)
    DELIVERY_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    delivery_settings: _delivery_settings_pb2.DeliverySettings
    def __init__(self, delivery_settings: _Optional[_Union[_delivery_settings_pb2.DeliverySettings, _Mapping]] = ...) -> None: ...

class UpdateDeliverySettingsRequest(_message.Message):
    __slots__ = ("delivery_settings", "update_mask")
    DELIVERY_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    UPDATE_MASK_FIELD_NUMBER: _ClassVar[int]
    delivery_settings: _delivery_settings_pb2.DeliverySettings
    update_mask: _field_mask_pb2.FieldMask
    def __init__(self, delivery_settings: _Optional[_Union[_delivery_settings_pb2.DeliverySettings, _Mapping]] = ..., update_mask: _Optional[_Union[_field_mask_pb2.FieldMask, _Mapping]] = ...) -> None: ...

class UpdateDeliverySettingsResponse(_message.Message):
    __slots__ = ("delivery_settings",)
    DELIVERY_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    delivery_settings: _delivery_settings_pb2.DeliverySettings
    def __init__(self, delivery_settings: _Optional[_Union[_delivery_settings_pb2.DeliverySettings, _Mapping]] = ...) -> None: ...
