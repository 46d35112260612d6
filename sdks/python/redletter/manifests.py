"""Manifests: the signed list of what one endpoint was to get on one day, read and checked."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

import grpc
from google.type import date_pb2

from redletter.client import Client
from redletter.delivery.v1 import manifest_pb2, manifest_service_pb2
from redletter.errors import WebhookRejected, from_rpc_error
from redletter.webhooks import verify

TYPE = "redletter.manifest"
_MODULUS = 2**63


class ManifestRejected(WebhookRejected):
    """A manifest that is not whole, not of this endpoint and day, or not signed as it should be."""


@dataclass
class Totals:
    """What a manifest has in all: events, the checksum over their ids, and how many are in each state."""

    count: int = 0
    checksum: int = 0
    states: Counter[str] = field(default_factory=Counter)

    def add(self, event_id: str, state: str) -> None:
        """Count one event."""
        self.count += 1
        digest = int(hashlib.md5(event_id.encode(), usedforsecurity=False).hexdigest()[:15], 16)
        self.checksum = (self.checksum + digest) % _MODULUS
        self.states[state] += 1


def pages(
    client: Client, endpoint_id: str, day: date, *, page_size: int = 0
) -> Iterator[manifest_pb2.ManifestPage]:
    """Yield the pages of a manifest as they come, unchecked.

    Raises:
        ApiError: the service refused, or the stream broke; ask again from the beginning.
    """
    request = manifest_service_pb2.GetManifestRequest(
        endpoint_id=endpoint_id,
        date=date_pb2.Date(year=day.year, month=day.month, day=day.day),
        page_size=page_size,
    )
    try:
        for response in client.manifests.GetManifest(request):
            yield response.page
    except grpc.RpcError as error:
        raise from_rpc_error(error, service="delivery", address=client.addresses.delivery) from None


def events(
    signed: Iterable[manifest_pb2.ManifestPage],
    endpoint_id: str,
    day: date,
    *,
    secret: str | Sequence[str] | None,
    totals: Totals | None = None,
) -> Iterator[tuple[str, str]]:
    """Yield (event id, state) of every event of a manifest, checked page by page; `totals` is filled meanwhile.

    `secret` is the endpoint's, or several during a rotation, as for webhooks. None checks no signature: the inbox
    has no secret, there the connection vouches for the manifest. Only when the iterator has ended without an error
    is the manifest known to be whole: act on it then.

    Raises:
        ManifestRejected: no signature holds, a page is missing or of another manifest, or the totals differ.
    """
    counted = Totals() if totals is None else totals
    after = ""
    data: dict[str, Any] = {"last": False}
    for number, page in enumerate(signed, start=1):
        if data["last"]:
            raise ManifestRejected("the manifest goes on after its last page")
        data = _data(page, secret)
        _check_place(data, endpoint_id, day, number, after)
        for event_id, state in data["events"]:
            if event_id <= after:
                raise ManifestRejected(f"page {number} is out of order at {event_id}")
            after = event_id
            counted.add(event_id, state)
            yield event_id, state
    _check_end(data, counted)


def _data(page: manifest_pb2.ManifestPage, secret: str | Sequence[str] | None) -> dict[str, Any]:
    if secret is None:
        message = json.loads(page.body)
    else:
        headers = {
            "webhook-id": page.webhook_id,
            "webhook-timestamp": str(page.webhook_timestamp),
            "webhook-signature": page.webhook_signature,
        }
        try:
            message = verify(page.body, headers, secret)
        except WebhookRejected as error:
            raise ManifestRejected(f"{page.webhook_id or 'a page'}: {error}") from None
    if message.get("type") != TYPE:
        raise ManifestRejected("this is a signed message, but no manifest")
    data: dict[str, Any] = message["data"]
    return data


def _check_place(data: dict[str, Any], endpoint_id: str, day: date, number: int, after: str) -> None:
    of = (data["endpoint_id"], data["date"])
    if of != (endpoint_id, day.isoformat()):
        raise ManifestRejected(f"the manifest is of {of[0]} on {of[1]}, not of {endpoint_id} on {day}")
    if (data["page"], data["after"]) != (number, after):
        raise ManifestRejected(f"page {number} is missing: the next one is page {data['page']}")


def _check_end(data: dict[str, Any], counted: Totals) -> None:
    if not data["last"]:
        raise ManifestRejected(f"the manifest ended early, after {counted.count} events")
    given = (data["count"], int(data["checksum"]), data["states"])
    if given != (counted.count, counted.checksum, dict(counted.states)):
        raise ManifestRejected(
            f"the manifest says {given[0]} events with checksum {given[1]}, its pages have"
            f" {counted.count} with {counted.checksum}"
        )
