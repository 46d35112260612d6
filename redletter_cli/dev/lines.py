"""One line per message that arrives: when it was there for the person, who, what, verified or not."""

from redletter.client import Client
from redletter.errors import ApiError
from redletter.user.v1 import user_service_pb2

from redletter_cli.dev.arrivals import Arrival
from redletter_cli.dev.clock import Clock

_ANSWER_SECONDS = 1.0
# People whose zone is remembered or asked for; in a burst beyond that UTC is shown rather than asking for each.
_MOST_KNOWN = 2_000


class Lines:
    """Describes arrivals in the local time of the person, as far as that is known or can be asked."""

    def __init__(self, client: Client, clock: Clock) -> None:
        self._client = client
        self._clock = clock
        self._zones: dict[str, str] = {}

    def describe(self, arrival: Arrival) -> str:
        """Return the line of one arrival."""
        data = arrival.body.get("data", {})
        user = data.get("user", {})
        zone = user.get("time_zone") or self._zone(str(user.get("id", "")))
        local = self._clock.at(arrival.real_time).to_tz(zone).time().round("millisecond")
        at = f"{local.format_iso(unit='millisecond')} {zone}"
        if not arrival.verified:
            return f"{at}  REFUSED: {arrival.reason} ({arrival.webhook_id})"
        what = f'{data.get("event_type")} for {user.get("id")}: "{data.get("message", {}).get("title", "")}"'
        late = ", late" if data.get("late") else ""
        return f"{at}  {what} - signature verified{late} ({arrival.webhook_id})"

    def _zone(self, user_id: str) -> str:
        if user_id not in self._zones and len(self._zones) < _MOST_KNOWN:
            self._zones[user_id] = self._ask(user_id)
        return self._zones.get(user_id, "UTC")

    def _ask(self, user_id: str) -> str:
        try:
            request = user_service_pb2.GetUserRequest(user_id=user_id)
            return self._client.users.GetUser(request, timeout=_ANSWER_SECONDS).user.time_zone
        except ApiError:
            return "UTC"  # deleted meanwhile, or not a person of this tenant
