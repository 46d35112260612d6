"""One person, one endpoint, one message: the whole road through the processes as shipped."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.type.date_pb2 import Date
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import delivery_pb2, delivery_service_pb2
from redletter.scheduler.v1 import event_pb2, event_service_pb2
from redletter.user.v1 import user_service_pb2

from redletter_cli.dev.accounts import ENDPOINT
from redletter_cli.dev.arrivals import Arrival, ArrivalLog
from tests.e2e.deployed import Deployed, await_that, deployed, receiving


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """Run everything for the tests of this file."""
    with deployed(tmp_path_factory.mktemp("one-message")) as it:
        yield it


def _events(
    running: Deployed, user_id: str, *states: event_pb2.Event.State.ValueType
) -> list[event_pb2.Event]:
    request = event_service_pb2.ListEventsRequest(user_id=user_id, states=states)
    return list(running.client.events.ListEvents(request).events)


class Inflow:
    """What the verifying receiver has got, by user."""

    def __init__(self, path: Path) -> None:
        self._log = ArrivalLog(path, from_end=False)
        self._all: list[Arrival] = []

    def of(self, user_id: str) -> list[Arrival]:
        """Return what arrived for this user so far."""
        self._all += self._log.new()
        return [arrival for arrival in self._all if arrival.body["data"]["user"]["id"] == user_id]


def test_a_message_leaves_when_it_is_due_and_arrives_once(running: Deployed) -> None:
    """Two calls of the API, and at the due instant one verified POST; event and delivery say that it was received."""
    inflow = Inflow(running.deployment.places.arrivals)
    due = running.schedule("greeting", ["ada"])
    await_that(lambda: inflow.of("ada"))

    event = await_that(
        lambda: [
            event
            for event in _events(running, "ada", event_pb2.Event.STATE_SENT)
            if event.outcome == outcome_pb2.OUTCOME_RECEIVED
        ]
    )[0]
    assert event.due_time.ToDatetime() == due.to_stdlib().replace(tzinfo=None)
    at = due.to_tz("UTC")
    assert event.occurrence_date == Date(year=at.year, month=at.month, day=at.day)
    assert not event.late

    [arrival] = inflow.of("ada")
    assert arrival.verified, arrival.reason
    assert arrival.webhook_id == event.event_id == arrival.body["data"]["event_id"]
    assert arrival.real_time >= due
    assert arrival.body["data"]["message"]["title"] == "Hello Ada"

    request = delivery_service_pb2.ListDeliveriesRequest(event_id=event.event_id)
    [delivery] = running.client.deliveries.ListDeliveries(request).deliveries
    assert delivery.endpoint_id == ENDPOINT
    assert delivery.state == delivery_pb2.Delivery.STATE_DELIVERED
    assert delivery.attempts == 1
    assert delivery.last_attempt.status_code == 200

    [following] = _events(running, "ada", event_pb2.Event.STATE_PLANNED)
    assert following.cycle == str(at.year + 1)


def test_a_deleted_person_gets_nothing_more(running: Deployed) -> None:
    """Whoever is deleted before the due instant gets nothing, and no plan is left; who was due with them gets theirs."""
    inflow = Inflow(running.deployment.places.arrivals)
    running.schedule("farewell", ["grace", "witness"], seconds=4)
    await_that(lambda: _events(running, "grace", event_pb2.Event.STATE_PLANNED))
    running.client.users.DeleteUser(user_service_pb2.DeleteUserRequest(user_id="grace"))
    await_that(lambda: not _events(running, "grace"))
    assert inflow.of("witness") == []

    await_that(lambda: inflow.of("witness"))
    assert inflow.of("grace") == []
    assert _events(running, "grace") == []


def test_without_a_collector_a_webhook_has_no_trace(running: Deployed) -> None:
    """No REDLETTER_OTLP_ENDPOINT, no traceparent: nothing is traced that nobody will see."""
    with receiving() as sink:
        running.add_endpoint("sink", sink.port)
        running.schedule("untraced", ["linus"])
        [webhook] = await_that(lambda: list(sink.webhooks))
    assert webhook.headers["webhook-id"].startswith("evt_")
    assert "traceparent" not in webhook.headers
