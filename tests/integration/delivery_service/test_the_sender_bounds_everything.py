"""libcurl against receivers that misbehave."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator

import pytest

from delivery_service.domain.addresses import networks
from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.curl_sender import BODY_CAP, CurlSender
from delivery_service.transport.requests import Answer, Request
from tests.receiver import Behaviour, Receiver


async def post(sender: CurlSender, url: str, *, timeout_ms: int = 2000) -> Answer:
    """Send one request and return its answer."""
    answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
    request = Request(url, ["Content-Type: application/json", "Accept:"], b'{"a":1}', timeout_ms)
    sender.send(request, answered.set_result)
    return await asyncio.wait_for(answered, 10)


@pytest.fixture
async def sender() -> AsyncIterator[CurlSender]:
    """Give a sender that may reach this machine."""
    made = CurlSender(allowed_networks=networks("127.0.0.0/8"))
    await made.start()
    yield made
    await made.stop()


async def test_a_connection_is_kept(sender: CurlSender, receiver: Receiver) -> None:
    """The second POST rides the first one's connection."""
    for _ in range(3):
        assert (await post(sender, receiver.url())).status_code == 200
    assert receiver.connections == 1


async def test_a_huge_answer_is_cut(sender: CurlSender, receiver: Receiver) -> None:
    """A megabyte is broken off after the cap; the status stands, the first KiB is kept."""
    receiver.script = lambda _: Behaviour(body=b"x" * 1_000_000)
    answer = await post(sender, receiver.url())
    assert (answer.status_code, answer.cause) == (200, DeliveryCause.NONE)
    assert answer.answer == b"x" * 1024
    assert answer.answer_bytes < 3 * BODY_CAP


async def test_a_silent_receiver_times_out(sender: CurlSender, receiver: Receiver) -> None:
    """Within the endpoint's timeout, not later."""
    receiver.script = lambda _: Behaviour(hold=asyncio.Event())
    answer = await post(sender, receiver.url(), timeout_ms=150)
    assert (answer.status_code, answer.cause) == (0, DeliveryCause.TIMEOUT)
    assert 150_000 <= answer.total_us < 1_000_000


async def test_a_name_without_an_address_is_dns(sender: CurlSender) -> None:
    """The reserved top-level domain `invalid` never resolves."""
    assert (await post(sender, "http://nowhere.invalid/")).cause in (DeliveryCause.DNS, DeliveryCause.TIMEOUT)


async def test_plain_http_on_a_tls_url_is_tls(sender: CurlSender, receiver: Receiver) -> None:
    """A receiver that does not speak TLS is a TLS failure."""
    receiver.script = None
    answer = await post(sender, receiver.url().replace("http:", "https:"))
    assert answer.cause == DeliveryCause.TLS


async def test_a_proxy_of_the_environment_is_not_used(
    sender: CurlSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """http_proxy would hide the dialled address; it is ignored."""
    monkeypatch.setitem(os.environ, "http_proxy", "http://127.0.0.1:1")
    assert (await post(sender, receiver.url())).status_code == 200


@pytest.mark.parametrize(
    "url",
    [
        "http://0x7f.1/",
        "http://2130706433/",
        "http://localhost/",
        "http://127.1:80/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
        "http://0/",
    ],
)
async def test_a_forbidden_address_is_never_dialled(url: str) -> None:
    """No socket is even made, whatever the spelling."""

    def dial(_family: int, _kind: int, _protocol: int) -> socket.socket:
        raise AssertionError("dialled")

    strict = CurlSender(dial=dial)
    await strict.start()
    answer = await post(strict, url)
    await strict.stop()
    assert (answer.status_code, answer.cause) == (0, DeliveryCause.FORBIDDEN_ADDRESS)


async def test_another_spelling_does_not_ride_a_kept_connection_out_of_its_policy(receiver: Receiver) -> None:
    """A sender with another policy has connections of its own."""
    allowing, strict = CurlSender(allowed_networks=networks("127.0.0.0/8")), CurlSender()
    for sender in (allowing, strict):
        await sender.start()
    assert (await post(allowing, receiver.url())).status_code == 200
    assert (await post(strict, receiver.url())).cause == DeliveryCause.FORBIDDEN_ADDRESS
    for sender in (allowing, strict):
        await sender.stop()
    assert receiver.count == 1


async def test_hundreds_in_flight_all_come_back(sender: CurlSender, receiver: Receiver) -> None:
    """Six hundred POSTs at once end six hundred times."""
    answers = await asyncio.gather(*(post(sender, receiver.url(), timeout_ms=9000) for _ in range(600)))
    assert {answer.status_code for answer in answers} == {200}
    assert receiver.count == 600
