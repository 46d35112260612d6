"""A file of people into user_service: in chunks, a few of them under way, going on where a stream broke."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from redletter.calls import MAX_BYTES
from redletter.client import Client
from redletter.common.v1 import on_enrol_pb2
from redletter.errors import ApiError
from redletter.retries import Retries
from redletter.user.v1 import user_pb2, user_service_pb2

from redletter_cli.people.columns import Columns
from redletter_cli.people.mapping import Mapping, OnEnrol
from redletter_cli.people.problems import Note, Rejection
from redletter_cli.people.reading import Row, header, read

CHUNK_ROWS = 500
"""Rows per request; more are refused."""
CHUNK_BYTES = 3 * 1024 * 1024
"""A chunk also ends here, well below the 4 MiB of a request."""
WINDOW = 4
"""Chunks sent and not yet answered; enough to keep the service busy, few enough to repeat after a break."""

_FIRST_CONTACT = Retries(attempts=3)
_PATIENCE = Retries(attempts=8, base=timedelta(milliseconds=500), cap=timedelta(seconds=5))
_ON_ENROL = {OnEnrol.NEXT: on_enrol_pb2.ON_ENROL_NEXT, OnEnrol.SAME_DAY: on_enrol_pb2.ON_ENROL_SAME_DAY}


@dataclass(frozen=True)
class Progress:
    """How far an import is: rows that are settled, and how many of them were rejected."""

    done: int
    rejected: int


@dataclass(frozen=True)
class Summary:
    """What became of a file: `rows` = `accepted` + `rejected`; `noted` rows are among the accepted ones."""

    rows: int
    accepted: int
    rejected: int
    noted: int
    seconds: float


def _ignore(_: object) -> None:
    return None


@dataclass
class _Chunk:
    """Rows of one request, kept until it is answered."""

    rows: list[Row] = field(default_factory=list)
    refused: list[Rejection] = field(default_factory=list)
    size: int = 0

    def full(self) -> bool:
        return len(self.rows) >= CHUNK_ROWS or self.size >= CHUNK_BYTES or len(self.refused) >= CHUNK_ROWS

    def request(self, on_enrol: OnEnrol) -> user_service_pb2.ImportUsersRequest:
        rows = (
            user_service_pb2.ImportUsersRequest.Row(line=row.line, user=row.person)
            for row in self.rows
            if isinstance(row.person, user_pb2.User)
        )
        return user_service_pb2.ImportUsersRequest(on_enrol=_ON_ENROL[on_enrol], rows=rows)


def import_people(
    client: Client,
    path: Path,
    mapping: Mapping,
    progress: Callable[[Progress], None] = _ignore,
    *,
    rejected: Callable[[Rejection], None] = _ignore,
    noted: Callable[[Note], None] = _ignore,
) -> Summary:
    """Import the file and return what became of it; good rows are stored whatever becomes of the others.

    Every rejected row goes to `rejected` once, every note about an accepted one to `noted`. A stream that breaks
    while the service is away is taken up again, after what is acknowledged.

    Raises:
        PeopleError: the file is not what the mapping says; nothing of it, or what comes before the error, is stored.
        ApiError: the service refused the call, or stayed away.
    """
    began = time.monotonic()
    task = _Import(client, mapping, header(path, mapping), progress, rejected, noted)
    task.run(_chunks(read(path, mapping), task.columns))
    return task.summary(time.monotonic() - began)


class _Import:
    """One import: counts, and the chunks that are sent and not answered."""

    def __init__(
        self,
        client: Client,
        mapping: Mapping,
        columns: Columns,
        progress: Callable[[Progress], None],
        rejected: Callable[[Rejection], None],
        noted: Callable[[Note], None],
    ) -> None:
        self._client = client
        self._mapping = mapping
        self.columns = columns
        self._progress = progress
        self._on_rejected = rejected
        self._on_noted = noted
        self._under_way: deque[_Chunk] = deque()
        self._rows = self._rejected = self._noted = 0

    def run(self, chunks: Iterator[_Chunk]) -> None:
        source = _Source(chunks)
        failed = 0
        while True:
            settled = self._rows
            try:
                self._stream(source)
            except ApiError as error:
                failed = 1 if self._rows > settled else failed + 1
                delay = (_PATIENCE if self._rows else _FIRST_CONTACT).delay(failed, error)
                if delay is None:
                    raise
                time.sleep(delay.total_seconds())
            else:
                source.raise_error()
                return

    def summary(self, seconds: float) -> Summary:
        return Summary(self._rows, self._rows - self._rejected, self._rejected, self._noted, seconds)

    def _stream(self, source: "_Source") -> None:
        window = threading.Semaphore(WINDOW)
        ended = threading.Event()
        try:
            for answer in self._client.import_users(self._requests(source, window, ended)):
                self._settle(self._under_way.popleft(), answer)
                window.release()
        finally:
            # Under the lock, so that the thread that reads the file cannot add a chunk to those that the next
            # stream repeats first; and it may be waiting for room that nobody would ever make.
            with source.lock:
                ended.set()
            window.release()

    def _requests(
        self, source: "_Source", window: threading.Semaphore, ended: threading.Event
    ) -> Iterator[user_service_pb2.ImportUsersRequest]:
        for chunk in tuple(self._under_way):  # not answered by the stream before; repeating changes nothing
            window.acquire()
            yield chunk.request(self._mapping.on_enrol)
        while not ended.is_set():
            window.acquire()
            with source.lock:
                chunk_or_none = None if ended.is_set() else source.next()
                if chunk_or_none is None:
                    return
                self._under_way.append(chunk_or_none)
            yield chunk_or_none.request(self._mapping.on_enrol)

    def _settle(self, chunk: _Chunk, answer: user_service_pb2.ImportUsersResponse) -> None:
        by_line = {row.line: row for row in chunk.rows}
        refused = [*chunk.refused, *(self._named(r, by_line.get(r.line)) for r in answer.rejected_rows)]
        lines = {rejection.line for rejection in refused}
        for rejection in sorted(refused, key=lambda rejection: rejection.line):
            self._on_rejected(rejection)
        for row in chunk.rows:
            if row.notes and row.line not in lines:
                self._noted += 1
                for note in row.notes:
                    self._on_noted(note)
        self._rows += len(chunk.rows) + len(chunk.refused)
        self._rejected += len(lines)
        self._progress(Progress(self._rows, self._rejected))

    def _named(self, row: user_service_pb2.ImportUsersResponse.RejectedRow, sent: Row | None) -> Rejection:
        if row.field == "attributes" and sent and isinstance(sent.person, user_pb2.User):
            column = self.columns.of_largest_attribute(sent.person) or row.field
        else:
            column = self.columns.of_field(row.field, sent.occasion_columns if sent else ())
        return Rejection(row.line, row.user_id, column, row.value, row.reason, row.allowed)


class _Source:
    """The chunks of the file, read by whichever stream is open; an error of reading waits for its turn."""

    def __init__(self, chunks: Iterator[_Chunk]) -> None:
        self._chunks = chunks
        self._error: Exception | None = None
        self.lock = threading.Lock()

    def next(self) -> _Chunk | None:
        """Return the next chunk, or None at the end of what can be read."""
        try:
            return next(self._chunks, None)
        except Exception as error:  # noqa: BLE001 - the thread that runs this belongs to gRPC, which would hide it
            self._error = error
            return None

    def raise_error(self) -> None:
        """Raise what ended the reading, if it was not the end of the file."""
        if self._error:
            raise self._error


def _chunks(rows: Iterator[Row], columns: Columns) -> Iterator[_Chunk]:
    chunk = _Chunk()
    for row in rows:
        person = row.person
        if isinstance(person, Rejection):
            chunk.refused.append(person)
        elif (size := person.ByteSize()) > CHUNK_BYTES:
            chunk.refused.append(_too_large(row.line, person, columns.of_largest_attribute(person)))
        else:
            if chunk.rows and chunk.size + size > CHUNK_BYTES:
                yield chunk
                chunk = _Chunk()
            chunk.rows.append(row)
            chunk.size += size
        if chunk.full():
            yield chunk
            chunk = _Chunk()
    if chunk.rows or chunk.refused:
        yield chunk


def _too_large(line: int, person: user_pb2.User, largest: str | None) -> Rejection:
    return Rejection(
        line,
        person.user_id,
        largest or "row",
        "",
        f"the person has {person.ByteSize():,} bytes, more than fit into a request of {MAX_BYTES:,} bytes",
        "attributes of at most 16 KiB together",
    )
