"""The verbs of `redletter operations`: long work and how one waits for it."""

import json
from collections.abc import Callable

import pytest
from redletter.common.v1 import operation_pb2, operation_service_pb2

from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]

ID = "8e2c1c5e-0000-4000-8000-000000000001"
State = operation_pb2.Operation.State


def operation(state: State, *, done: int = 3, failed: int = 0) -> operation_pb2.Operation:
    """Return an operation with 3 items."""
    return operation_pb2.Operation(
        operation_id=ID, kind="reissue_events", state=state, total=3, done=done, failed=failed
    )


def becoming(services: StandIn, *states: operation_pb2.Operation) -> None:
    """Answer GetOperation with one state after the other."""
    left = list(states)
    services.answers["GetOperation"] = lambda _: operation_service_pb2.GetOperationResponse(
        operation=left.pop(0)
    )


def listed(services: StandIn, *of_services: list[operation_pb2.Operation]) -> None:
    """Answer ListOperations with what each service has."""
    left = list(of_services)
    services.answers["ListOperations"] = lambda _: operation_service_pb2.ListOperationsResponse(
        operations=left.pop(0)
    )


def test_list_shows_how_far_each_is(services: StandIn, redletter: Run) -> None:
    """Done and total are columns."""
    running = operation(State.STATE_RUNNING, done=2)
    listed(services, [running], [])
    code, out, _ = redletter("operations", "list")
    heading, row = out.splitlines()
    assert (code, heading.split()[4:6]) == (0, ["DONE", "TOTAL"])
    assert row.split()[:5] == [ID, "reissue_events", "RUNNING", "2", "3"]


@pytest.mark.parametrize(
    ("verb", "method"),
    [
        ("get", "GetOperation"),
        ("pause", "PauseOperation"),
        ("resume", "ResumeOperation"),
        ("cancel", "CancelOperation"),
    ],
)
def test_each_verb_sends_the_id(services: StandIn, redletter: Run, verb: str, method: str) -> None:
    """The call is the verb's own, the document is the operation."""
    response = getattr(operation_service_pb2, f"{method}Response")
    services.answers[method] = response(operation=operation(State.STATE_PAUSED))
    code, out, _ = redletter("operations", verb, ID, "-o", "json")
    assert (code, json.loads(out)["state"]) == (0, "PAUSED")
    assert [(name, request.operation_id) for name, request in services.calls] == [(method, ID)]


def test_wait_asks_until_it_is_over(services: StandIn, redletter: Run) -> None:
    """A paused operation is said to be paused, once; success is 0."""
    becoming(
        services,
        operation(State.STATE_PENDING, done=0),
        operation(State.STATE_PAUSED, done=1),
        operation(State.STATE_PAUSED, done=1),
        operation(State.STATE_SUCCEEDED),
    )
    code, out, err = redletter("operations", "wait", ID, "-o", "json")
    assert (code, json.loads(out)["state"]) == (0, "SUCCEEDED")
    assert err == f"it is paused; `redletter operations resume {ID}` lets it go on\n"


@pytest.mark.parametrize(
    "end",
    [
        operation(State.STATE_FAILED),
        operation(State.STATE_CANCELLED),
        operation(State.STATE_SUCCEEDED, failed=1),
    ],
)
def test_wait_ends_with_1_when_not_everything_succeeded(
    services: StandIn, redletter: Run, end: operation_pb2.Operation
) -> None:
    """Failed, cancelled, or over with an item that did not succeed."""
    becoming(services, end)
    code, out, _ = redletter("operations", "wait", ID)
    assert code == 1
    assert ID in out


def test_wait_gives_up_with_how_far_it_is(services: StandIn, redletter: Run) -> None:
    """After the timeout the sentence has the numbers, and the status is 1."""
    running = operation(State.STATE_RUNNING, done=2)
    services.answers["GetOperation"] = operation_service_pb2.GetOperationResponse(operation=running)
    code, out, err = redletter("operations", "wait", ID, "--timeout", "1s")
    assert (code, out) == (1, "")
    assert err == f"redletter: operation {ID} is not over: 2 of 3 done\n"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("get",), "OPERATION_ID"),
        (("list", "--limit", "0"), "--limit"),
        (("wait", ID, "--timeout", "x"), '"x" is not a duration of 1s to 30d'),
    ],
)
def test_wrong_call_is_a_sentence_and_2(
    services: StandIn, redletter: Run, arguments: tuple[str, ...], sentence: str
) -> None:
    """What no service would take is refused before any call."""
    code, out, err = redletter("operations", *arguments)
    assert (code, out) == (2, "")
    assert sentence in " ".join(err.replace("│", " ").split())
    assert services.calls == []
