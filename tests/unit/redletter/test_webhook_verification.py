"""Our small verification against the official library of Standard Webhooks, in both directions."""

import base64
import json
import time
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from redletter.errors import WebhookRejected
from redletter.webhooks import verify
from standardwebhooks import Webhook

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()
OTHER = "whsec_" + base64.b64encode(b"another key of some bytes").decode()
BODY = json.dumps({"type": "birthday", "data": {"user": {"id": "zoë"}}}, ensure_ascii=False).encode()


def signed(body: bytes, *, secret: str = SECRET, age: timedelta = timedelta(0)) -> dict[str, str]:
    """Return the headers that the official library gives `body`."""
    sent = datetime.now(UTC) - age
    return {
        "Webhook-Id": "evt_1_2027",
        "Webhook-Timestamp": str(int(sent.timestamp())),
        "Webhook-Signature": Webhook(secret).sign("evt_1_2027", sent, body.decode()),
    }


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.binary(min_size=1, max_size=64))
def test_what_the_official_library_signs_is_verified(content: dict[str, object], key: bytes) -> None:
    """Any JSON object signed by the official library with any key is verified and returned."""
    secret = "whsec_" + base64.b64encode(key).decode()
    body = json.dumps(content).encode()
    assert verify(body, signed(body, secret=secret), secret) == content


def test_both_accept_and_both_refuse_the_same_message() -> None:
    """The official library verifies what we verify, and refuses the changed body that we refuse."""
    headers = signed(BODY)
    assert verify(BODY, headers, SECRET) == Webhook(SECRET).verify(BODY, headers)
    with pytest.raises(Exception, match="No matching signature"):
        Webhook(SECRET).verify(BODY + b" ", headers)
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY + b" ", headers, SECRET)


def test_one_of_several_signatures_is_enough() -> None:
    """During a rotation the header has two signatures, and schemes we do not know are passed over."""
    old, new = signed(BODY, secret=OTHER), signed(BODY)
    signatures = f"v1a,bm90IG91cnM= {old['Webhook-Signature']} {new['Webhook-Signature']}"
    assert verify(BODY, new | {"Webhook-Signature": signatures}, SECRET)["type"] == "birthday"


def test_foreign_secret_is_refused() -> None:
    """A message signed with another secret is refused."""
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY, signed(BODY, secret=OTHER), SECRET)


@pytest.mark.parametrize("header", ["Webhook-Id", "Webhook-Timestamp"])
def test_changed_header_is_refused(header: str) -> None:
    """Id and timestamp are signed with the body."""
    headers = signed(BODY)
    changed = {"Webhook-Id": "evt_2_2027", "Webhook-Timestamp": str(int(headers["Webhook-Timestamp"]) - 1)}
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY, headers | {header: changed[header]}, SECRET)


@pytest.mark.parametrize(
    ("age", "why"), [(timedelta(seconds=310), "too old"), (timedelta(seconds=-310), "too far in the future")]
)
def test_message_of_another_time_is_refused(age: timedelta, why: str) -> None:
    """More than five minutes away, a good signature does not help: it may be a replay."""
    with pytest.raises(WebhookRejected, match=why):
        verify(BODY, signed(BODY, age=age), SECRET)


def test_four_minutes_are_tolerated() -> None:
    """Clocks that differ by four minutes still understand each other."""
    assert verify(BODY, signed(BODY, age=timedelta(minutes=4)), SECRET)
    assert verify(BODY, signed(BODY, age=timedelta(minutes=-4)), SECRET)


@pytest.mark.parametrize("missing", ["Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"])
def test_missing_header_is_named(missing: str) -> None:
    """Each of the three headers is required, and the refusal names the one that is missing."""
    headers = signed(BODY)
    del headers[missing]
    with pytest.raises(WebhookRejected, match=missing.lower()):
        verify(BODY, headers, SECRET)


@pytest.mark.parametrize("timestamp", ["soon", "-5", "1e9", "٣", "9" * 400, "nan"])
def test_malformed_timestamp_is_refused(timestamp: str) -> None:
    """A timestamp that is not a plain number of seconds is refused, whatever a parser might make of it."""
    with pytest.raises(WebhookRejected, match="not a number of seconds"):
        verify(BODY, signed(BODY) | {"Webhook-Timestamp": timestamp}, SECRET)


@pytest.mark.parametrize("signature", ["v1,", "v1,!!!", "v1", ",", "v1,ä", "v2,AAAA"])
def test_malformed_signature_is_refused(signature: str) -> None:
    """A signature that is not base64 matches nothing and breaks nothing."""
    with pytest.raises(WebhookRejected, match="no signature matches"):
        verify(BODY, signed(BODY) | {"Webhook-Signature": signature}, SECRET)


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_signed_body_that_is_no_object_is_refused(body: bytes) -> None:
    """A body that is not a JSON object is refused even when its signature holds."""
    with pytest.raises(WebhookRejected, match="body is not"):
        verify(body, signed(body), SECRET)


@pytest.mark.parametrize("secret", ["", "whsec_", "whsec_not base64!", "whsec_ä"])
def test_malformed_secret_is_the_callers_mistake(secret: str) -> None:
    """A malformed secret is no verdict about the message: it is a ValueError that says the form."""
    with pytest.raises(ValueError, match="whsec_"):
        verify(BODY, signed(BODY), secret)


def test_secret_without_prefix_or_padding_is_understood() -> None:
    """A secret pasted without its prefix or its padding still verifies."""
    key = b"sixteen bytes ok"
    body, now = BODY, int(time.time())
    headers = {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(now),
        "webhook-signature": Webhook(key).sign("evt_1", datetime.fromtimestamp(now, UTC), body.decode()),
    }
    assert verify(body, headers, base64.b64encode(key).decode().rstrip("="))
