"""`redletter dead-letters` and `redletter deliveries redeliver`: counted, asked, begun, waited for."""

import json
from collections.abc import Callable

import pytest
from redletter.common.v1 import operation_pb2, operation_service_pb2
from redletter.delivery.v1 import (
    dead_letter_pb2,
    dead_letter_service_pb2,
    delivery_pb2,
    delivery_service_pb2,
)

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

ID = "8e2c1c5e-0000-8000-8000-000000000001"
EVENT = f"evt_{'a' * 26}_2027"


def counting(services: StandIn, method: str, count: int) -> None:
    """Answer a count to a dry run and an operation to what follows it."""
    response = {
        "RedeliverDeliveries": delivery_service_pb2.RedeliverDeliveriesResponse,
        "DiscardDeadLetters": dead_letter_service_pb2.DiscardDeadLettersResponse,
    }[method]
    services.answers[method] = lambda request: response(
        count=count, operation_id="" if request.dry_run else ID
    )


def test_list_sends_every_filter(services: StandIn, redletter: Run) -> None:
    """Names of states and causes are read in any case; the answer is a table."""
    found = dead_letter_pb2.DeadLetter(
        event_id=EVENT, endpoint_id="hook", round=1, user_id="ada", status_code=404
    )
    services.answers["ListDeadLetters"] = dead_letter_service_pb2.ListDeadLettersResponse(
        dead_letters=[found]
    )
    code, out, _ = redletter(
        *("dead-letters", "list", "--endpoint", "hook", "--state", "dead", "--cause", "http-status"),
        *("--user", "ada", "--event-type", "birthday", "--from", "2027-02-28", "--to", "2027-03-01"),
    )
    assert code == 0
    assert EVENT in out
    [request] = services.named("ListDeadLetters")
    asked = request.filter
    assert (asked.endpoint_id, asked.user_id, asked.event_type_id) == ("hook", "ada", "birthday")
    assert list(asked.states) == [delivery_pb2.Delivery.STATE_DEAD]
    assert list(asked.causes) == [delivery_pb2.DELIVERY_CAUSE_HTTP_STATUS]
    assert asked.end_after.ToJsonString() == "2027-02-28T00:00:00Z"
    assert asked.end_before.ToJsonString() == "2027-03-01T00:00:00Z"


def test_groups_are_a_table(services: StandIn, redletter: Run) -> None:
    """Endpoint, cause and count are its columns."""
    group = dead_letter_pb2.DeadLetterGroup(endpoint_id="hook", cause="DELIVERY_CAUSE_TIMEOUT", count=12)
    services.answers["ListDeadLetterGroups"] = dead_letter_service_pb2.ListDeadLetterGroupsResponse(
        groups=[group]
    )
    code, out, _ = redletter("dead-letters", "groups")
    heading, row = out.splitlines()
    assert (code, heading.split()[:3]) == (0, ["ENDPOINT", "CAUSE", "COUNT"])
    assert row.split()[:3] == ["hook", "TIMEOUT", "12"]


@pytest.mark.parametrize(
    ("verb", "method"), [("redeliver", "RedeliverDeliveries"), ("discard", "DiscardDeadLetters")]
)
def test_counted_and_then_begun(services: StandIn, redletter: Run, verb: str, method: str) -> None:
    """With --yes the count comes first and the operation second; it is said how to wait for it."""
    counting(services, method, 3)
    reason = ("--reason", "left") if verb == "discard" else ()
    code, out, err = redletter("dead-letters", verb, "--endpoint", "hook", *reason, "--yes", "-o", "json")
    assert (code, json.loads(out)) == (0, {"count": 3, "operation_id": ID})
    assert [request.dry_run for request in services.named(method)] == [True, False]
    assert f"operations wait {ID}" in err


def test_only_counted(services: StandIn, redletter: Run) -> None:
    """A dry run and a count of zero begin nothing."""
    counting(services, "RedeliverDeliveries", 3)
    assert redletter("dead-letters", "redeliver", "--dry-run", "-o", "json")[0] == 0
    counting(services, "RedeliverDeliveries", 0)
    code, _, err = redletter("dead-letters", "redeliver", "--yes")
    assert (code, err) == (0, "nothing was done\n")
    assert all(request.dry_run for request in services.named("RedeliverDeliveries"))


def test_nobody_to_ask(services: StandIn, redletter: Run) -> None:
    """Without a terminal it is neither counted nor begun unless that is said."""
    code, _, err = redletter("dead-letters", "redeliver")
    assert code == 2
    assert "there is nobody to ask" in " ".join(err.replace("│", " ").split())
    assert services.calls == []


def test_rate_and_span_are_sent(services: StandIn, redletter: Run) -> None:
    """They are those of the new rounds."""
    counting(services, "RedeliverDeliveries", 3)
    redletter("dead-letters", "redeliver", "--yes", "--max-per-second", "7", "--within", "6h")
    request = services.named("RedeliverDeliveries")[1]
    assert (request.max_per_second, request.deliver_within.seconds) == (7, 6 * 3600)


def test_wait_ends_with_how_it_went(services: StandIn, redletter: Run) -> None:
    """1 when some could not be sent, with the reasons."""
    counting(services, "RedeliverDeliveries", 3)
    ended = operation_pb2.Operation(
        operation_id=ID, state="STATE_SUCCEEDED", total=3, done=3, failed=1, error="1 refused: it is gone"
    )
    services.answers["GetOperation"] = operation_service_pb2.GetOperationResponse(operation=ended)
    code, out, _ = redletter("dead-letters", "redeliver", "--yes", "--wait", "-o", "json")
    assert (code, json.loads(out)["error"]) == (1, "1 refused: it is gone")


def test_one_delivery_by_its_name(services: StandIn, redletter: Run) -> None:
    """Event and endpoint; nobody is asked for one."""
    made = delivery_pb2.Delivery(event_id=EVENT, endpoint_id="hook", round=2, state="STATE_PENDING")
    services.answers["RedeliverDelivery"] = delivery_service_pb2.RedeliverDeliveryResponse(delivery=made)
    code, out, _ = redletter("deliveries", "redeliver", EVENT, "hook", "--within", "1h", "-o", "json")
    assert (code, json.loads(out)["round"]) == (0, 2)
    [request] = services.named("RedeliverDelivery")
    assert (request.event_id, request.endpoint_id, request.deliver_within.seconds) == (EVENT, "hook", 3600)


def test_what_a_receiver_has_lost(services: StandIn, redletter: Run) -> None:
    """Delivered ones are asked for by state and instant."""
    counting(services, "RedeliverDeliveries", 3)
    code, _, _ = redletter("deliveries", "redeliver", "--state", "delivered", "--from", "2027-02-28", "--yes")
    assert code == 0
    [asked, _] = services.named("RedeliverDeliveries")
    assert list(asked.filter.states) == [delivery_pb2.Delivery.STATE_DELIVERED]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("deliveries", "redeliver"), "give either EVENT_ID and ENDPOINT, or options"),
        (("deliveries", "redeliver", EVENT), "give either EVENT_ID and ENDPOINT, or options"),
        (("deliveries", "redeliver", EVENT, "hook", "--user", "ada"), "give either EVENT_ID and ENDPOINT"),
        (("dead-letters", "redeliver", "--yes", "--within", "36d"), "is not a duration of 1s to 35d"),
        (("dead-letters", "list", "--state", "pending"), '"pending" is not one of delivered, dead, expired'),
        (("dead-letters", "discard", "--yes"), "--reason"),
        (("dead-letters", "redeliver", "--max-per-second", "0"), "--max-per-second"),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter(*arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []


def test_get_shows_the_round_that_is_asked_for(services: StandIn, redletter: Run) -> None:
    """The delivery and its attempts are those of one round; unasked the service takes the latest."""
    assert redletter("deliveries", "get", EVENT, "hook", "--round", "1", "-o", "json")[0] == 0
    assert redletter("deliveries", "get", EVENT, "hook", "-o", "json")[0] == 0
    for method in ("GetDelivery", "ListAttempts"):
        assert [request.round for request in services.named(method)] == [1, 0]
