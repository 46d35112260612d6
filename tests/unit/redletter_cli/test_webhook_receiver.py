"""The receiver on a real socket: what it accepts, what it refuses, what it records."""

import asyncio
import base64
import json
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from standardwebhooks import Webhook

from redletter_cli.receiver.message import Arrival, Verdict
from redletter_cli.receiver.server import Receiver
from redletter_cli.receiver.verification import FileVerification, NoVerification, SecretVerification

SECRET = "whsec_" + base64.b64encode(b"a key of twenty-four byte").decode()
OTHER = "whsec_" + base64.b64encode(b"another key of some bytes").decode()
BODY = '{"type": "birthday", "data": {"user": {"id": "zoë"}}}'


def post(body: str = BODY, *, secret: str = SECRET, webhook_id: str = "evt_1", extra: str = "") -> bytes:
    """Return a signed request."""
    now = datetime.now(UTC)
    signature = Webhook(secret).sign(webhook_id, now, body)
    content = body.encode()
    return (
        f"POST /hooks HTTP/1.1\r\nHost: here\r\nContent-Length: {len(content)}\r\nWebhook-Id: {webhook_id}\r\n"
        f"Webhook-Timestamp: {int(now.timestamp())}\r\nWebhook-Signature: {signature}\r\n{extra}\r\n"
    ).encode() + content


class Talk:
    """A connection to the receiver."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    async def ask(self, *requests: bytes) -> list[int]:
        """Send requests at once and return the statuses of the answers."""
        self.writer.write(b"".join(requests))
        return [await self._status() for _ in requests]

    async def closed(self) -> bool:
        """Return True when the receiver has closed the connection."""
        return await asyncio.wait_for(self._reader.read(), 5) == b""

    async def _status(self) -> int:
        head = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), 5)
        return int(head.split()[1])


@asynccontextmanager
async def receiving(receiver: Receiver) -> AsyncIterator[Talk]:
    """Start the receiver on a free port and connect to it."""
    async with receiver:
        reader, writer = await asyncio.open_connection("127.0.0.1", await receiver.start(0))
        try:
            yield Talk(reader, writer)
        finally:
            writer.close()


async def test_signed_message_is_verified_and_recorded_before_the_answer() -> None:
    """A good message is answered 200 and handed on with id, bytes and time of arrival."""
    seen: list[Arrival] = []
    before = datetime.now(UTC).timestamp()
    async with receiving(Receiver(SecretVerification(SECRET), seen.append)) as talk:
        assert await talk.ask(post()) == [200]
    (arrival,) = seen
    assert (arrival.webhook_id, arrival.verdict, arrival.reason) == ("evt_1", Verdict.VERIFIED, "")
    assert arrival.body.decode() == BODY
    assert before <= arrival.arrival_ns / 1e9 <= datetime.now(UTC).timestamp()


async def test_tampered_foreign_and_unsigned_messages_are_refused() -> None:
    """Each is answered 401, handed on with its reason, and the connection goes on."""
    seen: list[Arrival] = []
    tampered = post().replace(b"birthday", b"deathday")
    unsigned = b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"
    malformed = post().replace(b"v1,", b"v1;")
    async with receiving(Receiver(SecretVerification(SECRET), seen.append)) as talk:
        assert await talk.ask(tampered) == [401]
        assert await talk.ask(post(secret=OTHER)) == [401]
        assert await talk.ask(unsigned) == [401]
        assert await talk.ask(malformed) == [401]
        assert await talk.ask(post()) == [200]
    assert [arrival.verdict for arrival in seen] == [Verdict.REFUSED] * 4 + [Verdict.VERIFIED]
    assert all(arrival.reason for arrival in seen[:4])


async def test_pipelined_and_split_requests_are_all_answered() -> None:
    """Requests that arrive together, or byte by byte, are answered in their order."""
    seen: list[Arrival] = []
    async with receiving(Receiver(SecretVerification(SECRET), seen.append)) as talk:
        assert await talk.ask(*(post(webhook_id=f"evt_{n}") for n in range(20))) == [200] * 20
        request = post(webhook_id="evt_split")
        for place in range(0, len(request) - 40, 40):
            talk.writer.write(request[place : place + 40])
            await talk.writer.drain()
        assert await talk.ask(request[place + 40 :]) == [200]
    assert [arrival.webhook_id for arrival in seen] == [*(f"evt_{n}" for n in range(20)), "evt_split"]


async def test_answer_and_delay_are_as_told() -> None:
    """A receiver can play one that is busy."""
    receiver = Receiver(NoVerification(), lambda _: None, answer=503, delay=timedelta(milliseconds=30))
    async with receiving(receiver) as talk:
        began = asyncio.get_running_loop().time()
        assert await talk.ask(post(secret=OTHER)) == [503]
        assert asyncio.get_running_loop().time() - began >= 0.03


async def test_what_is_no_post_is_answered() -> None:
    """Another method is answered 405, what is not HTTP 400, what is too large 413; nothing is handed on."""
    seen: list[Arrival] = []
    receiver = Receiver(NoVerification(), seen.append)
    async with receiving(receiver) as talk:
        assert await talk.ask(b"GET / HTTP/1.1\r\nHost: here\r\n\r\n") == [405]
        assert await talk.ask(b"nonsense\r\n\r\n") == [400]
        assert await talk.closed()
    async with receiving(receiver) as talk:
        large = b"POST / HTTP/1.1\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 1_100_000
        assert await talk.ask(large) == [413]
    assert seen == []


async def test_connection_close_is_honoured() -> None:
    """A sender that wants one answer gets one, and the connection ends."""
    async with receiving(Receiver(NoVerification(), lambda _: None)) as talk:
        assert await talk.ask(post(extra="Connection: close\r\n")) == [200]
        assert await talk.closed()


def headers() -> dict[str, str]:
    """Return the headers of a signed message."""
    head = post().split(b"\r\n\r\n")[0].decode().split("\r\n")[1:]
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in head)}


def test_secret_file_may_appear_and_change_later(tmp_path: Path) -> None:
    """Before the file is there everything is refused; what it says later counts without a restart."""
    verification = FileVerification(tmp_path / "secret")
    assert verification.verdict(headers(), BODY.encode())[0] is Verdict.REFUSED
    (tmp_path / "secret").write_text(f"{OTHER}\n", encoding="utf-8")
    assert verification.verdict(headers(), BODY.encode())[0] is Verdict.REFUSED
    (tmp_path / "secret").write_text(f"{OTHER}\n{SECRET}\n", encoding="utf-8")
    assert verification.verdict(headers(), BODY.encode()) == (Verdict.VERIFIED, "")


@pytest.mark.parametrize("secret", ["whsec_", "", "whsec_ä"])
def test_malformed_secret_is_refused_at_start(secret: str) -> None:
    """A secret that cannot verify anything is named before the first message."""
    with pytest.raises(ValueError, match="whsec_"):
        SecretVerification(secret)


def test_process_records_each_message_and_stops_on_sigterm(tmp_path: Path) -> None:
    """The receiver's own process says its port, records verified and refused messages, and ends with 0."""
    (tmp_path / "secret").write_text(SECRET, encoding="utf-8")
    command = [sys.executable, "-m", "redletter_cli.receiver", "--secret-file", str(tmp_path / "secret")]
    record = tmp_path / "record.jsonl"
    with subprocess.Popen([*command, "--record", str(record)], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ready = process.stdout.readline()
        assert ready.startswith("ready 127.0.0.1:")
        statuses = asyncio.run(
            _send(int(ready.rpartition(":")[2]), post(), post(secret=OTHER, webhook_id="evt_2"))
        )
        lines = [json.loads(line) for line in record.read_text(encoding="utf-8").splitlines()]
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    assert statuses == [200, 401]
    assert [(line["webhook_id"], line["verdict"]) for line in lines] == [
        ("evt_1", "verified"),
        ("evt_2", "refused"),
    ]
    assert lines[0]["body"] == BODY
    assert lines[0]["arrival_ns"] > 1_700_000_000 * 10**9


async def _send(port: int, *requests: bytes) -> list[int]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    statuses = await Talk(reader, writer).ask(*requests)
    writer.close()
    return statuses
