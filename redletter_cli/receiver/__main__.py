"""`python -m redletter_cli.receiver`: the receiver as a process of its own, which records into a file.

It prints one line, `ready 127.0.0.1:PORT`, when it listens, and ends with 0 on SIGTERM or SIGINT.
"""

import argparse
import asyncio
import signal
import sys
from datetime import timedelta
from pathlib import Path

import uvloop

from redletter_cli.receiver.record import Record
from redletter_cli.receiver.server import Receiver
from redletter_cli.receiver.verification import FileVerification, NoVerification, Verification


def main() -> int:
    """Run until a signal; return the exit status, 2 when the port is taken or the record cannot be written."""
    options = _parser().parse_args()
    try:
        return uvloop.run(_run(options))
    except OSError as error:
        sys.stderr.write(f"the receiver cannot start on {options.host}:{options.port}: {error}\n")
        return 2


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m redletter_cli.receiver", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=0, help="port on which to listen; 0 (default) chooses a free one"
    )
    parser.add_argument("--host", default="127.0.0.1", help="address on which to listen (default 127.0.0.1)")
    secrets = parser.add_mutually_exclusive_group(required=True)
    secrets.add_argument("--secret-file", type=Path, help="file with the endpoint's secret; may appear later")
    secrets.add_argument("--no-verification", action="store_true", help="accept everything (for benchmarks)")
    parser.add_argument(
        "--record", type=Path, required=True, help="file to which one JSON line per POST is appended"
    )
    parser.add_argument("--answer", type=int, default=200, help="status of the answer (default 200)")
    parser.add_argument(
        "--delay-ms", type=float, default=0.0, help="milliseconds before the answer (default 0)"
    )
    return parser


async def _run(options: argparse.Namespace) -> int:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    verification: Verification = (
        NoVerification() if options.no_verification else FileVerification(options.secret_file)
    )
    record = Record(options.record)
    delay = timedelta(milliseconds=options.delay_ms)
    async with Receiver(verification, record.write, answer=options.answer, delay=delay) as receiver:
        port = await receiver.start(options.port, host=options.host)
        sys.stdout.write(f"ready {options.host}:{port}\n")
        sys.stdout.flush()
        await stop.wait()
    record.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
