"""Calls about event types and holidays, as a tenant makes them."""

import grpc
from google.protobuf.duration_pb2 import Duration
from google.protobuf.field_mask_pb2 import FieldMask
from google.type.date_pb2 import Date
from google.type.timeofday_pb2 import TimeOfDay
from redletter.scheduler.v1 import event_type_pb2 as pb
from redletter.scheduler.v1 import event_type_service_pb2 as service_pb
from redletter.scheduler.v1 import event_type_service_pb2_grpc as service_grpc
from redletter.scheduler.v1 import holiday_pb2, holiday_service_pb2, holiday_service_pb2_grpc

from tests.integration.scheduler_service.conftest import KEY, Replica

Metadata = tuple[tuple[str, str], ...]


def days(number: float) -> Duration:
    """Return a span of days."""
    return Duration(seconds=int(number * 86_400))


def greeting(name: str = "greeting", **fields: object) -> pb.EventType:
    """Return an event type for birthdays at 10:00, with these fields instead."""
    whole = {
        "event_type_id": name,
        "occasion_kind": "birthday",
        "local_time": TimeOfDay(hours=10),
        "templates": [pb.Template(title="Hello", body="there")],
    }
    return pb.EventType(**(whole | fields))  # type: ignore[arg-type]


class Rules:
    """EventTypeService and HolidayService of one replica, with the key of a tenant."""

    def __init__(self, replica: Replica, key: Metadata = KEY) -> None:
        self.stub = service_grpc.EventTypeServiceStub(replica.channel)
        self._holidays = holiday_service_pb2_grpc.HolidayServiceStub(replica.channel)
        self._key = key

    async def create(self, wire: pb.EventType) -> pb.EventType:
        """Create an event type."""
        request = service_pb.CreateEventTypeRequest(event_type=wire)
        return (await self.stub.CreateEventType(request, metadata=self._key)).event_type

    async def update(self, wire: pb.EventType, *paths: str) -> service_pb.UpdateEventTypeResponse:
        """Change the named fields."""
        request = service_pb.UpdateEventTypeRequest(event_type=wire, update_mask=FieldMask(paths=paths))
        answer: service_pb.UpdateEventTypeResponse = await self.stub.UpdateEventType(
            request, metadata=self._key
        )
        return answer

    async def get(self, name: str, version: int = 0) -> pb.EventType:
        """Return one event type."""
        request = service_pb.GetEventTypeRequest(event_type_id=name, version=version)
        return (await self.stub.GetEventType(request, metadata=self._key)).event_type

    async def names(self, *, show_deleted: bool = False) -> list[str]:
        """Return the names of the first page."""
        request = service_pb.ListEventTypesRequest(show_deleted=show_deleted)
        found = (await self.stub.ListEventTypes(request, metadata=self._key)).event_types
        return [one.event_type_id for one in found]

    async def delete(self, name: str, etag: str = "") -> str:
        """Delete an event type; return the operation."""
        request = service_pb.DeleteEventTypeRequest(event_type_id=name, etag=etag)
        return str((await self.stub.DeleteEventType(request, metadata=self._key)).operation_id)

    async def pause(self, name: str) -> pb.EventType:
        """Pause an event type."""
        request = service_pb.PauseEventTypeRequest(event_type_id=name)
        return (await self.stub.PauseEventType(request, metadata=self._key)).event_type

    async def resume(self, name: str) -> pb.EventType:
        """Resume an event type."""
        request = service_pb.ResumeEventTypeRequest(event_type_id=name)
        return (await self.stub.ResumeEventType(request, metadata=self._key)).event_type

    async def preview(
        self,
        name: str,
        *templates: pb.Template,
        user_id: str = "",
        belated: bool = False,
    ) -> list[service_pb.RenderedMessage]:
        """Return what words say."""
        request = service_pb.PreviewTemplateRequest(
            event_type_id=name, templates=templates, user_id=user_id, belated=belated
        )
        return list((await self.stub.PreviewTemplate(request, metadata=self._key)).messages)

    async def test(
        self, name: str, user_id: str, endpoint_id: str = "end_1", *, occasion_id: str = ""
    ) -> str:
        """Send a message now; return the event's id."""
        request = service_pb.TestEventTypeRequest(
            event_type_id=name, user_id=user_id, endpoint_id=endpoint_id, occasion_id=occasion_id
        )
        return str((await self.stub.TestEventType(request, metadata=self._key)).event_id)

    async def set_holiday(self, year: int, month: int, day: int, name: str = "") -> holiday_pb2.Holiday:
        """Add a holiday."""
        holiday = holiday_pb2.Holiday(date=Date(year=year, month=month, day=day), name=name)
        request = holiday_service_pb2.SetHolidayRequest(holiday=holiday)
        return (await self._holidays.SetHoliday(request, metadata=self._key)).holiday

    async def delete_holiday(self, year: int, month: int, day: int) -> None:
        """Remove a holiday."""
        request = holiday_service_pb2.DeleteHolidayRequest(date=Date(year=year, month=month, day=day))
        await self._holidays.DeleteHoliday(request, metadata=self._key)

    async def holidays(self, size: int = 0, token: str = "") -> holiday_service_pb2.ListHolidaysResponse:
        """Return a page of holidays."""
        request = holiday_service_pb2.ListHolidaysRequest(page_size=size, page_token=token)
        answer: holiday_service_pb2.ListHolidaysResponse = await self._holidays.ListHolidays(
            request, metadata=self._key
        )
        return answer


INVALID = grpc.StatusCode.INVALID_ARGUMENT
