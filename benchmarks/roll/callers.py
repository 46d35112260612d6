"""Callers that never pause: each calls one method again and again; every exception counts."""

import itertools
import threading
import time
from collections import Counter
from collections.abc import Callable
from functools import partial

import grpc
from redletter.client import Client
from redletter.delivery.v1 import endpoint_service_pb2, inbox_service_pb2
from redletter.errors import ApiError
from redletter.inbox import pull
from redletter.scheduler.v1 import event_service_pb2
from redletter.user.v1 import user_pb2, user_service_pb2

INBOX_TYPE = "inbox"
_PAUSE_SECONDS = 0.05
_CALLER = "caller"


class Callers:
    """One thread per method, on one client as it is shipped; `start`, then `stop`, then read the counts."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._stopping = threading.Event()
        self._guard = threading.Lock()
        self._numbers = itertools.count()
        self._event_id = ""
        self.calls: Counter[str] = Counter()
        self.errors: Counter[str] = Counter()
        self.words: dict[str, str] = {}
        self.slowest: dict[str, float] = {}
        self.pulled: Counter[str] = Counter()
        self.created: set[str] = set()
        methods: dict[str, Callable[[], object]] = {
            "UpsertUser": self._upsert,
            "GetUser": self._get_user,
            "CreateEvent": self._create,
            "GetEvent": self._get_event,
            "ListEvents": self._list_events,
            "ListEndpoints": self._list_endpoints,
        }
        self._upsert()
        self._create()
        self._threads = [threading.Thread(target=self._repeat, args=given) for given in methods.items()]
        self._threads.append(threading.Thread(target=self._pull, daemon=True))

    def start(self) -> None:
        """Begin to call."""
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; the open stream is the last, when nothing is left in the inbox."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(20)

    @property
    def unread(self) -> int:
        """How many messages were created for the inbox and never pulled."""
        return len(self.created - set(self.pulled))

    def noted(self, name: str, call: Callable[[], object]) -> None:
        """Call once and count it, as an error when it raises."""
        began = time.monotonic()
        try:
            call()
        except ApiError as error:
            self.failed(f"{name} {error.code}", error.message)
        except grpc.RpcError as error:
            self.failed(f"{name} raw", str(error))
        took = time.monotonic() - began
        with self._guard:
            self.calls[name] += 1
            self.slowest[name] = max(took, self.slowest.get(name, 0.0))

    def failed(self, name: str, words: str) -> None:
        """Count an error."""
        with self._guard:
            self.errors[name] += 1
            self.words[name] = words

    def _repeat(self, name: str, call: Callable[[], object]) -> None:
        while not self._stopping.is_set():
            self.noted(name, call)
            self._stopping.wait(_PAUSE_SECONDS)

    def _upsert(self) -> None:
        user = user_pb2.User(user_id=_CALLER, time_zone="UTC", given_name=f"Ada {next(self._numbers)}")
        self._client.users.UpsertUser(user_service_pb2.UpsertUserRequest(user=user))

    def _get_user(self) -> None:
        self._client.users.GetUser(user_service_pb2.GetUserRequest(user_id=_CALLER))

    def _create(self) -> None:
        request = event_service_pb2.CreateEventRequest(
            instance=f"inbox-{next(self._numbers)}", user_id="roll0", event_type_id=INBOX_TYPE
        )
        made = self._client.events.CreateEvent(request)
        self._event_id = made.event.event_id
        self.created.add(self._event_id)

    def _get_event(self) -> None:
        self._client.events.GetEvent(event_service_pb2.GetEventRequest(event_id=self._event_id))

    def _list_events(self) -> None:
        self._client.events.ListEvents(event_service_pb2.ListEventsRequest(user_id="roll0", page_size=20))

    def _list_endpoints(self) -> None:
        self._client.endpoints.ListEndpoints(endpoint_service_pb2.ListEndpointsRequest())

    def _pull(self) -> None:
        """Read the inbox over one open stream, which the SDK opens again, and acknowledge one by one."""
        request = inbox_service_pb2.PullInboxRequest(event_type_id=INBOX_TYPE, lease={"seconds": 30})
        try:
            for response in pull(self._client, request):
                event_id = response.message.event_id
                self.pulled[event_id] += 1
                self.noted("AckInbox", partial(self._acknowledge, event_id))
                if self._stopping.is_set() and not self.unread:
                    return
        except ApiError as error:
            self.failed(f"PullInbox {error.code}", error.message)

    def _acknowledge(self, event_id: str) -> None:
        request = inbox_service_pb2.AckInboxRequest(event_ids=[event_id])
        [result] = self._client.inbox.AckInbox(request).results
        if result.status.code:
            self.failed("AckInbox item", result.status.message)
