"""libcurl against receivers that misbehave."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.curl_sender import CurlSender
from delivery_service.transport.curl_transfer import BODY_CAP
from tests.integration.delivery_service.posting import HERE, post, sending
from tests.receiver import Behaviour, Receiver


@pytest.fixture
async def sender() -> AsyncIterator[CurlSender]:
    """Give a sender that may reach this machine."""
    async with sending() as made:
        yield made


async def test_a_connection_is_kept(sender: CurlSender, receiver: Receiver) -> None:
    """The second POST rides the first one's connection."""
    for _ in range(3):
        assert (await post(sender, receiver.url())).status_code == 200
    assert receiver.connections == 1


async def test_a_huge_answer_is_cut(sender: CurlSender, receiver: Receiver) -> None:
    """A megabyte is broken off after the cap; the status stands, the first 4 KiB are kept."""
    receiver.script = lambda _: Behaviour(body=b"x" * 1_000_000)
    answer = await post(sender, receiver.url())
    assert (answer.status_code, answer.cause) == (200, DeliveryCause.NONE)
    assert answer.answer == b"x" * 4096
    assert answer.answer_bytes < 3 * BODY_CAP


async def test_a_silent_receiver_times_out(sender: CurlSender, receiver: Receiver) -> None:
    """Within the endpoint's timeout, not later."""
    receiver.script = lambda _: Behaviour(hold=asyncio.Event())
    answer = await post(sender, receiver.url(), timeout_ms=150)
    assert (answer.status_code, answer.cause) == (0, DeliveryCause.TIMEOUT)
    assert 150_000 <= answer.total_us < 1_000_000


async def test_a_name_without_an_address_is_dns(sender: CurlSender) -> None:
    """A label of 64 letters is no name: the resolver knows without asking anybody."""
    answer = await post(sender, f"http://{'x' * 64}.invalid/")
    assert (answer.status_code, answer.cause, answer.connect_us) == (0, DeliveryCause.DNS, -1)


async def test_a_port_without_a_listener_is_the_connection(sender: CurlSender) -> None:
    """Nothing was connected, nothing came."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        answer = await post(sender, f"http://127.0.0.1:{bound.getsockname()[1]}/")
    assert (answer.status_code, answer.cause) == (0, DeliveryCause.CONNECTION)
    assert (answer.connect_us, answer.first_byte_us) == (-1, -1)


async def test_what_libcurl_cannot_be_told_is_protocol(sender: CurlSender) -> None:
    """No exception: the answer comes like any other."""
    for url in ("http://\u2460.example/", "http://127.0.0.1\0/"):
        assert (await post(sender, url)).cause is DeliveryCause.PROTOCOL


async def test_plain_http_on_a_tls_url_is_tls(sender: CurlSender, receiver: Receiver) -> None:
    """A receiver that does not speak TLS is a TLS failure."""
    receiver.script = None
    answer = await post(sender, receiver.url().replace("http:", "https:"))
    assert answer.cause == DeliveryCause.TLS


@pytest.mark.parametrize("name", ["http_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
async def test_a_proxy_of_the_environment_is_not_used(
    sender: CurlSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """It would hide the dialled address; it is ignored."""
    monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert (await post(sender, receiver.url())).status_code == 200


async def test_credentials_of_the_environment_are_not_sent(
    sender: CurlSender, receiver: Receiver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A .netrc in the home is not read."""
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login somebody password secret\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert (await post(sender, receiver.url())).status_code == 200
    assert "authorization" not in receiver.received[0].headers


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_a_redirect_is_not_followed(sender: CurlSender, receiver: Receiver, status: int) -> None:
    """Its status is the answer; nobody is asked where it points."""
    async with Receiver() as elsewhere:
        receiver.script = lambda _: Behaviour(status=status, headers={"location": elsewhere.url()})
        assert (await post(sender, receiver.url())).status_code == status
        assert elsewhere.count == 0


async def test_nothing_a_receiver_says_moves_the_next_post(sender: CurlSender, receiver: Receiver) -> None:
    """Neither Alt-Svc nor HSTS nor a cookie nor a refresh is remembered."""
    async with Receiver() as elsewhere:
        headers = {
            "alt-svc": f'http/1.1="127.0.0.1:{elsewhere.port}"; ma=3600',
            "strict-transport-security": "max-age=3600",
            "set-cookie": "a=b",
            "refresh": f"0; url={elsewhere.url()}",
            "upgrade": "h2c",
        }
        receiver.script = lambda _: Behaviour(headers=headers)
        for _ in range(2):
            assert (await post(sender, receiver.url())).status_code == 200
        assert (receiver.count, elsewhere.count) == (2, 0)
        assert "cookie" not in receiver.received[1].headers


async def test_headers_are_kept_when_they_are_asked_for(sender: CurlSender, receiver: Receiver) -> None:
    """In their order, at most 100 of them and 16 KiB; other answers have none."""
    receiver.script = lambda _: Behaviour(headers={"x-first": "1", "x-second": "two: 2"})
    assert (await post(sender, receiver.url())).headers == ()
    answer = await post(sender, receiver.url(), keep_headers=True)
    assert answer.headers == (("content-length", "0"), ("x-first", "1"), ("x-second", "two: 2"))
    receiver.script = lambda _: Behaviour(headers={f"x-{n}": "y" * 900 for n in range(200)})
    kept = (await post(sender, receiver.url(), keep_headers=True)).headers
    assert sum(len(name) + len(value) for name, value in kept) <= 17 * 1024
    receiver.script = lambda _: Behaviour(headers={f"x-{n}": "y" for n in range(200)})
    assert len((await post(sender, receiver.url(), keep_headers=True)).headers) == 100


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

    def dial(_family: int, _kind: int, _protocol: int, _address: str, _port: int) -> socket.socket:
        raise AssertionError("dialled")

    strict = CurlSender(dial=dial)
    await strict.start()
    answer = await post(strict, url)
    await strict.stop()
    assert (answer.status_code, answer.cause) == (0, DeliveryCause.FORBIDDEN_ADDRESS)


async def test_another_spelling_does_not_ride_a_kept_connection_out_of_its_policy(receiver: Receiver) -> None:
    """A sender with another policy has connections of its own."""
    allowing, strict = CurlSender(destinations=HERE), CurlSender()
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
