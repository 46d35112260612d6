"""`redletter inbox`, `manifest` and `delivery-settings`: what they ask for, print and end with."""

import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

import grpc
import orjson
from google.rpc import code_pb2
from redletter.common.v1 import item_result_pb2, priority_pb2
from redletter.delivery.v1 import (
    delivery_settings_service_pb2,
    inbox_service_pb2,
    manifest_pb2,
    manifest_service_pb2,
    message_pb2,
)

from delivery_service.domain.signatures import Secret, Signers, secret_text
from tests.unit.redletter_cli.stand_in import StandIn

Run = Callable[..., tuple[int, str, str]]
KEY = b"k" * 32


def pulled(event_id: str) -> inbox_service_pb2.PullInboxResponse:
    """Return a leased message."""
    body = orjson.dumps({"type": "birthday", "data": {"message": {"title": "Happy\x1b[2J birthday"}}})
    message = message_pb2.Message(event_id=event_id, user_id="ana", event_type_id="birthday", body=body)
    return inbox_service_pb2.PullInboxResponse(message=message, lease_token="t1")


def page(number: int, events: list[list[str]], **data: Any) -> manifest_service_pb2.GetManifestResponse:
    """Return a signed page of a manifest."""
    content = {"endpoint_id": "shop", "date": "2027-02-28", "page": number, "events": events, **data}
    body = orjson.dumps({"type": "redletter.manifest", "timestamp": "2027-03-01T00:00:00Z", "data": content})
    now = int(time.time())
    signers = Signers.of((Secret("sec", KEY),))
    made = manifest_pb2.ManifestPage(
        body=body,
        webhook_id="mft",
        webhook_timestamp=now,
        webhook_signature=signers.header("mft", now, body),
    )
    return manifest_service_pb2.GetManifestResponse(page=made)


def whole() -> list[Any]:
    """Return a manifest of two pages."""
    checksum = sum(int(hashlib.md5(one).hexdigest()[:15], 16) for one in (b"evt_a", b"evt_b"))
    return [
        page(1, [["evt_a", "DELIVERED"]], after="", last=False),
        page(
            2,
            [["evt_b", "DEAD"]],
            after="evt_a",
            last=True,
            count=2,
            checksum=str(checksum),
            states={"DELIVERED": 1, "DEAD": 1},
        ),
    ]


def test_pull_prints_one_line_per_message(redletter: Run, services: StandIn) -> None:
    """For people event, user, type and title without control characters; for programs a document with the token."""
    services.answers["PullInbox"] = [pulled("evt_1"), pulled("evt_2")]
    code, out, _ = redletter("inbox", "pull", "--lease", "5m", "--user", "ana", "--priority", "high")
    assert code == 0
    assert out.splitlines()[0].startswith("evt_1  ana  birthday  Happy")
    assert "\x1b" not in out
    [asked] = services.named("PullInbox")
    assert (asked.lease.seconds, asked.user_id, asked.end_when_empty) == (300, "ana", True)
    assert asked.priority == priority_pb2.PRIORITY_HIGH
    code, out, _ = redletter("inbox", "pull", "-o", "json")
    documents = [json.loads(line) for line in out.splitlines()]
    assert [(one["event_id"], one["lease_token"]) for one in documents] == [("evt_1", "t1"), ("evt_2", "t1")]
    assert not services.named("AckInbox")


def test_pull_acknowledges_only_what_it_has_printed(redletter: Run, services: StandIn) -> None:
    """With --ack and --limit 1 the first of two is printed and acknowledged, the second one neither."""
    services.answers["PullInbox"] = [pulled("evt_1"), pulled("evt_2")]
    services.answers["AckInbox"] = inbox_service_pb2.AckInboxResponse(results=[item_result_pb2.ItemResult()])
    code, out, _ = redletter("inbox", "pull", "--ack", "--limit", "1")
    assert (code, len(out.splitlines())) == (0, 1)
    [asked] = services.named("AckInbox")
    assert list(asked.event_ids) == ["evt_1"]
    assert services.named("PullInbox")[0].max_messages == 1


def test_a_refused_pull_is_a_sentence(redletter: Run, services: StandIn) -> None:
    """What the service says goes to standard error, and the verb ends with 1."""
    services.answers["PullInbox"] = (grpc.StatusCode.INVALID_ARGUMENT, "lease: too long")
    assert redletter("inbox", "pull") == (1, "", "redletter: lease: too long\n")
    code, _, error = redletter("inbox", "pull", "--lease", "2h")
    assert (code, "is not a duration of 1s to 1h" in error) == (2, True)


def test_delete_says_what_it_did_not_delete(redletter: Run, services: StandIn) -> None:
    """One line per message; 1 when one was refused."""
    refused = item_result_pb2.ItemResult(index=1)
    refused.status.code, refused.status.message = code_pb2.FAILED_PRECONDITION, "it was acknowledged"
    services.answers["BatchDeleteInbox"] = inbox_service_pb2.BatchDeleteInboxResponse(
        results=[item_result_pb2.ItemResult(), refused]
    )
    code, out, _ = redletter("inbox", "delete", "evt_1", "evt_2", "-o", "json")
    assert code == 1
    assert [(row["event_id"], row["deleted"]) for row in json.loads(out)] == [
        ("evt_1", True),
        ("evt_2", False),
    ]


def test_list_asks_with_every_filter(redletter: Run, services: StandIn) -> None:
    """Each option is one field of the request."""
    redletter(
        *("inbox", "list", "--state", "acked", "--user", "ana", "--type", "birthday", "--priority", "low"),
        *("--created-after", "2027-02-01", "--created-before", "2027-03-01", "--metadata", "order=7"),
    )
    [asked] = services.named("ListInbox")
    assert (asked.user_id, asked.event_type_id, dict(asked.metadata)) == ("ana", "birthday", {"order": "7"})
    assert asked.created_after.ToJsonString() == "2027-02-01T00:00:00Z"
    assert asked.created_before.ToJsonString() == "2027-03-01T00:00:00Z"
    assert list(asked.states) == [message_pb2.Message.STATE_ACKED]


def test_a_manifest_is_shown_and_verified(redletter: Run, services: StandIn) -> None:
    """Shown as a list; verified to its end with the endpoint's secret, its totals are printed."""
    services.answers["GetManifest"] = whole()
    code, out, error = redletter("manifest", "show", "shop", "2027-02-28", "--limit", "1", "-o", "json")
    assert (code, json.loads(out)) == (0, [{"event_id": "evt_a", "state": "DELIVERED"}])
    assert "more" in error
    code, out, _ = redletter(
        "manifest", "verify", "shop", "2027-02-28", "--secret", secret_text(KEY), "-o", "json"
    )
    assert code == 0
    assert (json.loads(out)["count"], json.loads(out)["states"]) == (2, {"DELIVERED": 1, "DEAD": 1})


def test_a_manifest_that_cannot_be_trusted_ends_with_one(redletter: Run, services: StandIn) -> None:
    """A foreign secret, a missing page: why, and 1; no secret, or none that can be one: 2."""
    services.answers["GetManifest"] = whole()
    verify = ("manifest", "verify", "shop", "2027-02-28")
    code, out, error = redletter(*verify, "--secret", secret_text(b"x" * 32))
    assert (code, out) == (1, "")
    assert "cannot be trusted" in error
    services.answers["GetManifest"] = whole()[:1]
    code, _, error = redletter(*verify, "--secret", secret_text(KEY))
    assert (code, "ended early" in error) == (1, True)
    assert redletter(*verify)[0] == 2
    assert redletter(*verify, "--secret", "whsec_!")[0] == 2


def test_settings_change_only_what_is_given(redletter: Run, services: StandIn) -> None:
    """`set --inbox all` names one field; nothing given is a wrong call; `show` asks for nothing."""
    assert redletter("delivery-settings", "set", "--inbox", "all")[0] == 0
    [asked] = services.named("UpdateDeliverySettings")
    assert isinstance(asked, delivery_settings_service_pb2.UpdateDeliverySettingsRequest)
    assert list(asked.update_mask.paths) == ["inbox_mode"]
    assert asked.delivery_settings.inbox_mode == 2
    assert redletter("delivery-settings", "set")[0] == 2
    code, out, _ = redletter("delivery-settings", "show", "-o", "json")
    assert (code, json.loads(out)["retention_days"]) == (0, 0)
