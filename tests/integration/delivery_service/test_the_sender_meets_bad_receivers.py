"""Each receiver of tests/misbehaving.py has an outcome, in bounded time; what it says is bounded, too."""

import time

import pytest

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.curl_transfer import ANSWER_KEPT, BODY_CAP
from tests.integration.delivery_service.posting import post, sending
from tests.misbehaving import BEHAVIOURS, Misbehaving, raw
from tests.receiver import Receiver

_TIMEOUT_MS = 400
_READ_AT_ONCE = 32 * 1024

OUTCOMES: dict[str, int | DeliveryCause] = {
    "never answers": DeliveryCause.TIMEOUT,
    "one byte at a time, headers": DeliveryCause.TIMEOUT,
    "one byte at a time, body": DeliveryCause.TIMEOUT,
    "one byte at a time, status": DeliveryCause.PROTOCOL,
    "a body of 1 GB": 200,
    "a body without end": 200,
    "a gzip bomb": 200,
    "a gzip bomb as transfer encoding": DeliveryCause.PROTOCOL,
    "10,000 headers": DeliveryCause.PROTOCOL,
    "a header of 1 MB": DeliveryCause.PROTOCOL,
    "headers without end": DeliveryCause.PROTOCOL,
    "a header without end": DeliveryCause.PROTOCOL,
    "a status line without end": DeliveryCause.PROTOCOL,
    "100 Continue without end": DeliveryCause.PROTOCOL,
    "103 Early Hints without end": DeliveryCause.PROTOCOL,
    "100 Continue, then nothing": DeliveryCause.TIMEOUT,
    "101 Switching Protocols": DeliveryCause.TIMEOUT,
    "HTTP/0.9": DeliveryCause.PROTOCOL,
    "an SSH banner": DeliveryCause.PROTOCOL,
    "zeros without end": DeliveryCause.PROTOCOL,
    "HTTP/2 preface": DeliveryCause.PROTOCOL,
    "a status of 999": 999,
    "a status of 0": DeliveryCause.PROTOCOL,
    "a status without number": DeliveryCause.PROTOCOL,
    "a body shorter than said": DeliveryCause.CONNECTION,
    "a body longer than said": 200,
    "a negative content-length": DeliveryCause.PROTOCOL,
    "a content-length beyond 64 bits": 200,
    "two content-lengths": DeliveryCause.PROTOCOL,
    "garbage for chunks": DeliveryCause.PROTOCOL,
    "a chunk beyond 64 bits": DeliveryCause.PROTOCOL,
    "chunks cut off": DeliveryCause.CONNECTION,
    "a chunk extension without end": DeliveryCause.CONNECTION,
    "trailers without end": DeliveryCause.PROTOCOL,
    "204 with a body": 204,
    "a header with a NUL": DeliveryCause.PROTOCOL,
    "closes at once": DeliveryCause.CONNECTION,
    "resets while we send": DeliveryCause.CONNECTION,
    "resets in the middle of the body": DeliveryCause.CONNECTION,
    "answers before it was asked": 200,
    "redirects to a private address": 307,
}
# At full speed it is a matter of the machine whether the reads or the milliseconds are used up first.
_EITHER = {"a chunk extension without end": DeliveryCause.TIMEOUT}


def test_every_behaviour_has_an_outcome() -> None:
    """None is left out."""
    assert OUTCOMES.keys() == BEHAVIOURS.keys()


@pytest.mark.parametrize("name", BEHAVIOURS)
async def test_a_bad_receiver_has_an_outcome(name: str) -> None:
    """A status or a cause, soon, with no more kept than 4 KiB; the next POST to a good receiver succeeds."""
    async with sending() as sender, Misbehaving(BEHAVIOURS[name]).listening() as port, Receiver() as good:
        begun = time.monotonic()
        answer = await post(
            sender, f"http://127.0.0.1:{port}/hook", timeout_ms=_TIMEOUT_MS, body=b"x" * 20_000
        )
        assert time.monotonic() - begun < 3
        assert (answer.status_code or answer.cause) in (OUTCOMES[name], _EITHER.get(name))
        assert (answer.status_code == 0) is (answer.cause is not DeliveryCause.NONE)
        assert len(answer.answer) <= ANSWER_KEPT
        assert answer.answer_bytes <= BODY_CAP + _READ_AT_ONCE
        assert (await post(sender, good.url())).status_code == 200


async def test_a_flood_of_what_nobody_counts_is_cut_off() -> None:
    """A chunk extension without end ends by the number of reads, long before a generous timeout."""
    flood = Misbehaving(BEHAVIOURS["a chunk extension without end"])
    async with sending() as sender, flood.listening() as port:
        answer = await post(sender, f"http://127.0.0.1:{port}/", timeout_ms=9000)
    assert (answer.status_code, answer.cause) == (0, DeliveryCause.CONNECTION)
    assert answer.total_us < 8_000_000


@pytest.mark.parametrize(
    "ahead",
    [
        b"HTTP/1.1 204 No Content\r\ncontent-length: 30\r\n\r\nHTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP/1.1 410 Gone\r\ncontent-length: 0\r\n\r\n",
    ],
)
async def test_an_answer_sent_ahead_is_not_the_next_ones(ahead: bytes) -> None:
    """What follows an answer on its connection is not taken for the answer to the next POST."""
    receiver = Misbehaving(raw(ahead, close=False))
    async with sending() as sender, receiver.listening() as port:
        first = await post(sender, f"http://127.0.0.1:{port}/1")
        second = await post(sender, f"http://127.0.0.1:{port}/2")
    assert first.status_code == second.status_code
    assert first.status_code in (200, 204)
    assert receiver.connections == 2
