"""TLS to receivers: what is verified, whose certificate is shown, and what a connection cost."""

import asyncio
import logging
import socket
import ssl
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest

from delivery_service.domain.deliveries import DeliveryCause
from delivery_service.transport.requests import ClientIdentity, Request
from tests.integration.delivery_service.posting import post, sending
from tests.receiver import Behaviour, Receiver
from tests.tls import Authority, Issued, self_signed, server_context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Give an authority that the sender trusts."""
    return Authority(tmp_path)


@pytest.fixture
def clients(tmp_path: Path) -> Authority:
    """Give an authority that vouches for clients."""
    return Authority(tmp_path, "Clients")


def identity(issued: Issued) -> ClientIdentity:
    """Return what an endpoint with this client certificate shows."""
    return ClientIdentity(issued.certificate, issued.key)


async def test_a_private_authority_is_trusted_by_setting(authority: Authority) -> None:
    """By address and by name; without the setting the same receiver is a TLS failure."""
    context = server_context(authority.issue("127.0.0.1"))
    named = server_context(authority.issue("hooks.example.com"))
    async with Receiver(tls=context) as receiver, Receiver(tls=named) as by_name:
        resolve = [f"hooks.example.com:{by_name.port}:127.0.0.1"]
        async with sending(ca_file=str(authority.ca_file), resolve=resolve) as sender:
            assert (await post(sender, receiver.url())).status_code == 200
            url = f"https://hooks.example.com:{by_name.port}/hook"
            assert (await post(sender, url)).status_code == 200
        async with sending() as sender:
            assert (await post(sender, receiver.url())).cause is DeliveryCause.TLS
    assert (receiver.count, by_name.count) == (1, 1)


@pytest.mark.parametrize("wrong", ["name", "expired", "self-signed", "authority", "TLS 1.1"])
async def test_a_wrong_certificate_is_tls(tmp_path: Path, authority: Authority, wrong: str) -> None:
    """Another name, a past date, nobody's word, an unknown authority's, an old protocol: nothing is sent."""
    contexts = {
        "name": lambda: server_context(authority.issue("example.com")),
        "expired": lambda: server_context(authority.issue("127.0.0.1", until=datetime.now(UTC))),
        "self-signed": lambda: server_context(self_signed(tmp_path, "127.0.0.1")),
        "authority": lambda: server_context(Authority(tmp_path, "Stranger").issue("127.0.0.1")),
        "TLS 1.1": lambda: server_context(authority.issue("127.0.0.1"), old=True),
    }
    async with Receiver(tls=contexts[wrong]()) as receiver, sending(ca_file=str(authority.ca_file)) as sender:
        answer = await post(sender, receiver.url())
    assert (answer.status_code, answer.cause) == (0, DeliveryCause.TLS)
    assert (answer.connect_us, answer.first_byte_us) == (-1, -1)
    assert receiver.count == 0


async def test_a_client_certificate_is_shown(authority: Authority, clients: Authority) -> None:
    """The receiver sees who we are, on a kept connection too."""
    context = server_context(authority.issue("127.0.0.1"), clients=clients)
    ours = identity(clients.issue("redletter", for_client=True))
    async with Receiver(tls=context) as receiver, sending(ca_file=str(authority.ca_file)) as sender:
        for _ in range(2):
            assert (await post(sender, receiver.url(), identity=ours)).status_code == 200
    assert [one.client for one in receiver.received] == ["redletter"] * 2
    assert receiver.connections == 1


@pytest.mark.parametrize("headers", [{}, {"connection": "close"}])
async def test_a_connection_never_crosses_identities(
    authority: Authority, clients: Authority, headers: dict[str, str]
) -> None:
    """Endpoints of one host: each POST shows its own certificate or none, kept connections or resumed sessions."""
    context = server_context(authority.issue("127.0.0.1"), clients=clients)
    context.verify_mode = ssl.CERT_OPTIONAL
    ann, bob = (clients.issue(name, for_client=True) for name in ("ann", "bob"))
    order = [ann, bob, None, ann, None, bob, ann]
    async with Receiver(tls=context) as receiver, sending(ca_file=str(authority.ca_file)) as sender:
        receiver.script = lambda _: Behaviour(headers=headers)
        for one in order:
            shown = identity(one) if one else None
            assert (await post(sender, receiver.url(), identity=shown)).status_code == 200
    assert [one.client for one in receiver.received] == ["ann", "bob", "", "ann", "", "bob", "ann"]
    assert receiver.connections == (7 if headers else 3)


async def test_a_certificate_without_its_key_rides_no_connection(
    authority: Authority, clients: Authority
) -> None:
    """A certificate is public: who has only that of another endpoint does not get its connection, nor its session."""
    context = server_context(authority.issue("127.0.0.1"), clients=clients)
    ann, eve = (clients.issue(name, for_client=True) for name in ("ann", "eve"))
    async with Receiver(tls=context) as receiver, sending(ca_file=str(authority.ca_file)) as sender:
        assert (await post(sender, receiver.url(), identity=identity(ann))).status_code == 200
        for key in (eve.key, b"no key"):
            answer = await post(sender, receiver.url(), identity=ClientIdentity(ann.certificate, key))
            assert (answer.status_code, answer.cause) == (0, DeliveryCause.TLS)
    assert receiver.count == 1


async def test_a_refused_client_certificate_is_tls(authority: Authority, clients: Authority) -> None:
    """With TLS 1.3 the receiver says so after the handshake only."""
    context = server_context(authority.issue("127.0.0.1"), clients=clients)
    stranger = identity(authority.issue("stranger", for_client=True))
    for shown in (None, stranger):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            thread = threading.Thread(target=_one_handshake, args=(listener, context))
            thread.start()
            async with sending(ca_file=str(authority.ca_file)) as sender:
                url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
                answer = await post(sender, url, identity=shown)
            await asyncio.to_thread(thread.join)
        assert (answer.status_code, answer.cause) == (0, DeliveryCause.TLS)


def _one_handshake(listener: socket.socket, context: ssl.SSLContext) -> None:
    connection, _ = listener.accept()
    with connection:
        wrapped = context.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        try:
            wrapped.do_handshake()
        except ssl.SSLError:
            # Closing with something unread would reset the connection, and the alert with it.
            wrapped.shutdown(socket.SHUT_WR)
            plain = socket.socket(fileno=wrapped.detach())
            while plain.recv(4096):
                pass
            plain.close()


async def test_a_key_is_in_no_log_and_no_text(
    authority: Authority,
    clients: Authority,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    """Neither when it is used nor when it does not fit, nor in what a request looks like."""
    caplog.set_level(logging.DEBUG)
    ann, eve = (clients.issue(name, for_client=True) for name in ("ann", "eve"))
    mixed = ClientIdentity(ann.certificate, eve.key)
    context = server_context(authority.issue("127.0.0.1"), clients=clients)
    async with Receiver(tls=context) as receiver, sending(ca_file=str(authority.ca_file)) as sender:
        for one in (identity(ann), mixed):
            await post(sender, receiver.url(), identity=one)
    said = caplog.text + "".join(capfd.readouterr()) + repr(Request("u", [], b"", 1, mixed)) + repr(mixed)
    assert "PRIVATE KEY" not in said
    assert eve.key.decode().splitlines()[1] not in said


def _late_handshake(listener: socket.socket, context: ssl.SSLContext, go: threading.Event) -> None:
    connection, _ = listener.accept()
    go.wait(5)
    with context.wrap_socket(connection, server_side=True) as wrapped:
        for _ in range(2):
            while not wrapped.recv(4096).endswith(b"}"):
                pass
            wrapped.sendall(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n")


async def test_the_time_to_connect_includes_the_handshake_and_is_zero_on_a_kept_connection(
    authority: Authority,
) -> None:
    """Connected, first byte, total: each at or after the one before."""
    context, go = server_context(authority.issue("127.0.0.1")), threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_late_handshake, args=(listener, context, go))
        thread.start()
        asyncio.get_running_loop().call_later(0.1, go.set)
        async with sending(ca_file=str(authority.ca_file)) as sender:
            url = f"https://127.0.0.1:{listener.getsockname()[1]}/"
            fresh, kept = await post(sender, url), await post(sender, url)
        await asyncio.to_thread(thread.join)
    assert 90_000 <= fresh.connect_us <= fresh.first_byte_us <= fresh.total_us
    assert kept.connect_us == 0
    assert 0 < kept.first_byte_us <= kept.total_us
