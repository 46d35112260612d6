"""Reconciliation: a receiver compares what it stored with what was sent, and fetches what it has lost."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import islice

from redletter.client import Client
from redletter.common.v1 import outcome_pb2
from redletter.delivery.v1 import inbox_service_pb2, message_pb2, message_service_pb2
from redletter.errors import from_status
from redletter.manifests import events, pages

INBOX = "inbox"
_OWED = frozenset({"DELIVERED", "EXPIRED", "DEAD"})
_AT_ONCE = 100


@dataclass(frozen=True)
class Reconciliation:
    """What came of it, all by event id.

    `missing`: sent to the endpoint, or given up on, and not stored by its receiver. `pulled`: those of them that were
    fetched and stored now. `withheld`: those that could not be, each with the reason. `unexpected`: stored, but
    never addressed to this endpoint on this day.
    """

    missing: tuple[str, ...]
    pulled: tuple[str, ...]
    withheld: Mapping[str, str]
    unexpected: tuple[str, ...]


def reconcile(
    client: Client,
    endpoint_id: str,
    day: date,
    stored_ids: Iterable[str],
    *,
    store: Callable[[message_pb2.Message], None],
    secret: str | Sequence[str] | None = None,
) -> Reconciliation:
    """Fetch what the receiver of an endpoint should have of a day (occurrence date) and has not.

    `stored_ids` are the event ids of that day which the receiver has. The manifest is read to its end and checked
    before anything else: its signature with the endpoint's `secret` (none for `inbox`), its order, number and
    checksum. `store` gets each missing message, whose `body` has exactly the bytes of the webhook; when it has
    returned, a message that waits in the inbox, and that no endpoint has or will get, is acknowledged there. What is
    still pending is not missing yet, what was stopped never will be.

    May be repeated at any time, also after it broke off: what is stored by then is not fetched again.

    Raises:
        ManifestRejected: the manifest cannot be trusted; nothing was fetched.
        ValueError: an endpoint's manifest, and no secret to check it with.
        ApiError: the service refused or did not answer.
    """
    if secret is None and endpoint_id != INBOX:
        raise ValueError(f"give the secret of {endpoint_id}: without it its manifest proves nothing")
    unexpected = set(stored_ids)
    missing: list[str] = []
    for event_id, state in events(pages(client, endpoint_id, day), endpoint_id, day, secret=secret):
        if event_id in unexpected:
            unexpected.discard(event_id)
        elif state in _OWED:
            missing.append(event_id)
    pulled: list[str] = []
    withheld: dict[str, str] = {}
    for batch in _batches(missing):
        pulled += _pull(client, batch, store, withheld)
    return Reconciliation(tuple(missing), tuple(pulled), withheld, tuple(sorted(unexpected)))


def _pull(
    client: Client,
    event_ids: Sequence[str],
    store: Callable[[message_pb2.Message], None],
    withheld: dict[str, str],
) -> list[str]:
    request = message_service_pb2.BatchGetMessagesRequest(event_ids=event_ids)
    pulled: list[str] = []
    unclaimed: list[str] = []
    for event_id, result in zip(event_ids, client.messages.BatchGetMessages(request).results, strict=True):
        if result.status.code:
            withheld[event_id] = from_status(result.status).message
            continue
        store(result.message)
        pulled.append(event_id)
        # Unclaimed: it waits in the inbox and nowhere else. An acknowledgement ends nobody else's delivery.
        if result.outcome == outcome_pb2.OUTCOME_UNCLAIMED:
            unclaimed.append(event_id)
    if unclaimed:
        client.inbox.AckInbox(inbox_service_pb2.AckInboxRequest(event_ids=unclaimed))
    return pulled


def _batches(event_ids: Iterable[str]) -> Iterator[list[str]]:
    rest = iter(event_ids)
    while batch := list(islice(rest, _AT_ONCE)):
        yield batch
