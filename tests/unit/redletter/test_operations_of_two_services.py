"""Operations of two services behind one name: the id says whose, the listing merges both."""

import uuid
from typing import Any

import pytest
from redletter.common.v1 import operation_pb2
from redletter.common.v1 import operation_service_pb2 as wire
from redletter.operations import Operations

OF_SCHEDULER = "8e2c1c5e-0000-4000-8000-000000000001"
OF_DELIVERY = "8e2c1c5e-0000-8000-8000-000000000001"


class Service:
    """Answers for its own operations, pages of one, and keeps what it was asked."""

    def __init__(self, *seconds: int) -> None:
        self.asked: list[str] = []
        self._operations = [
            operation_pb2.Operation(operation_id=str(uuid.uuid4()), create_time={"seconds": at})
            for at in seconds
        ]

    def __getattr__(self, method: str) -> Any:
        def call(request: Any) -> Any:
            self.asked.append(method)
            return request.operation_id

        return call

    def ListOperations(self, request: wire.ListOperationsRequest) -> wire.ListOperationsResponse:
        """Answer one operation per page."""
        self.asked.append("ListOperations")
        at = int(request.page_token or 0)
        token = str(at + 1) if at + 1 < len(self._operations) else ""
        return wire.ListOperationsResponse(operations=self._operations[at : at + 1], next_page_token=token)


@pytest.mark.parametrize("method", ["GetOperation", "PauseOperation", "ResumeOperation", "CancelOperation"])
def test_the_version_of_the_id_says_which_service_answers(method: str) -> None:
    """Version 8 is delivery's, any other the scheduler's, and so is what is no id at all: it says why not."""
    scheduler, delivery = Service(), Service()
    operations = Operations(scheduler, delivery)  # type: ignore[arg-type]
    request = getattr(wire, f"{method}Request")
    assert getattr(operations, method)(request(operation_id=OF_DELIVERY)) == OF_DELIVERY
    assert (scheduler.asked, delivery.asked) == ([], [method])
    for name in (OF_SCHEDULER, "nonsense"):
        assert getattr(operations, method)(request(operation_id=name)) == name
    assert (scheduler.asked, delivery.asked) == ([method, method], [method])


def test_the_listing_merges_both_newest_first() -> None:
    """Pages are asked for as far as they are needed."""
    scheduler, delivery = Service(9, 5, 1), Service(8, 7, 2)
    every = Operations(scheduler, delivery).every(page_size=1)  # type: ignore[arg-type]
    assert [next(every).create_time.seconds for _ in range(3)] == [9, 8, 7]
    assert len(scheduler.asked) + len(delivery.asked) <= 5
    assert [one.create_time.seconds for one in every] == [5, 2, 1]
