"""Receivers that misbehave, through the real sender: how each attempt ends, how long it takes, what it costs.

`python -m benchmarks.receivers [--timeout S] [--at-once N] [--json]`. The receivers of tests/misbehaving.py run in a
process of their own; each gets N attempts at once with a timeout of S seconds (real endpoints have 15 by default).
Time is that of the slowest attempt, memory the peak of the process above what it had before, divided by N;
CPU is of the sender's process, per attempt.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import uvloop

from delivery_service.domain.addresses import networks
from delivery_service.domain.destinations import Destinations, PlainHttp
from delivery_service.transport.curl_sender import CurlSender
from delivery_service.transport.requests import Answer, Request
from tests.misbehaving import TLS

_HERE = Destinations(networks("127.0.0.0/8"), http=PlainHttp.INSIDE)
_HEADERS = ["Content-Type: application/json", "User-Agent: Redletter/0.1", "Accept:", "Expect:"]
_BODY = b"x" * 2000
_PROCESS = Path("/proc/self")
_FIRST = "closes at once"


@dataclass(frozen=True)
class Row:
    """What N attempts to one receiver came to."""

    receiver: str
    outcomes: tuple[str, ...]
    seconds: float
    memory_kib: float
    cpu_ms: float
    answer_bytes: int
    kept_bytes: int


def main(arguments: Sequence[str] | None = None) -> int:
    """Run every receiver, print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--timeout", type=float, default=2.0, metavar="S")
    parser.add_argument("--at-once", type=int, default=8, metavar="N")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    with _receivers() as urls:
        rows = uvloop.run(_measured(urls, timeout=options.timeout, at_once=options.at_once))
    if options.json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        _show(rows, options.timeout, options.at_once)
    return 0


@contextmanager
def _receivers() -> Iterator[dict[str, str]]:
    command = [sys.executable, "-m", "tests.misbehaving"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        ports: dict[str, int] = json.loads(process.stdout.readline())
        urls = {name: f"http://127.0.0.1:{port}/" for name, port in ports.items()}
        urls[TLS] = f"https://127.0.0.1:{ports[TLS]}/"
        urls["TLS where plain http is expected"] = f"http://127.0.0.1:{ports[TLS]}/"
        urls["plain http where TLS is expected"] = f"https://127.0.0.1:{ports['an SSH banner']}/"
        urls["no answer to a TLS handshake"] = f"https://127.0.0.1:{ports['never answers']}/"
        try:
            yield urls
        finally:
            process.kill()


async def _measured(urls: dict[str, str], *, timeout: float, at_once: int) -> list[Row]:
    sender = CurlSender(destinations=_HERE)
    await sender.start()
    # What the first attempts of a process allocate for good is nobody's extra memory.
    await _attempts(sender, urls[_FIRST], timeout=timeout, at_once=at_once)
    rows = [await _row(sender, name, urls[name], timeout=timeout, at_once=at_once) for name in urls]
    await sender.stop()
    return rows


async def _row(sender: CurlSender, name: str, url: str, *, timeout: float, at_once: int) -> Row:
    before = _kib("VmRSS")
    (_PROCESS / "clear_refs").write_text("5")  # the peak is measured from here
    begun, cpu = time.monotonic(), time.process_time()
    answers = await _attempts(sender, url, timeout=timeout, at_once=at_once)
    return Row(
        receiver=name,
        outcomes=tuple(
            sorted({str(one.status_code) if one.status_code else one.cause.name for one in answers})
        ),
        seconds=time.monotonic() - begun,
        memory_kib=max(0, _kib("VmHWM") - before) / at_once,
        cpu_ms=(time.process_time() - cpu) / at_once * 1000,
        answer_bytes=max(one.answer_bytes for one in answers),
        kept_bytes=max(len(one.answer) for one in answers),
    )


async def _attempts(sender: CurlSender, url: str, *, timeout: float, at_once: int) -> list[Answer]:
    loop = asyncio.get_running_loop()
    answers: list[asyncio.Future[Answer]] = [loop.create_future() for _ in range(at_once)]
    for answer in answers:
        sender.send(Request(url, _HEADERS, _BODY, int(timeout * 1000)), answer.set_result)
    return await asyncio.gather(*answers)


def _kib(name: str) -> int:
    lines = (_PROCESS / "status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])


def _show(rows: Sequence[Row], timeout: float, at_once: int) -> None:
    print(f"{at_once} attempts at once to each receiver, timeout {timeout:g} s; memory and CPU per attempt")
    print(f"{'receiver':36} {'outcome':12} {'time':>7} {'memory':>9} {'CPU':>8} {'read':>8} {'kept':>6}")
    for row in rows:
        print(
            f"{row.receiver:36} {'/'.join(row.outcomes):12} {row.seconds:5.2f} s {row.memory_kib:5.0f} KiB"
            f" {row.cpu_ms:5.1f} ms {row.answer_bytes:8,} {row.kept_bytes:6,}"
        )
    worst = max(rows, key=lambda row: row.memory_kib)
    print(
        f"longest {max(row.seconds for row in rows):.2f} s; most memory {worst.memory_kib:.0f} KiB ({worst.receiver})"
    )


if __name__ == "__main__":
    sys.exit(main())
