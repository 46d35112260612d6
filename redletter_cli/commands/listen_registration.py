"""The endpoint of `redletter listen`: made when it starts, deleted when it ends, taken up again after a crash."""

import os
from contextlib import closing
from typing import Final

from redletter.client import Client
from redletter.delivery.v1 import endpoint_pb2, endpoint_service_pb2
from redletter.errors import ApiError

from redletter_cli.commands.configuration import Configuration
from redletter_cli.commands.failure import Failure
from redletter_cli.commands.session import connect_with, say

MARK: Final = ("made_by", "redletter listen")
"""In the metadata of each endpoint that was made here: only such are deleted here."""

# Who ends `redletter dev` first and then this does not want to wait for long.
_DELETE_SECONDS: Final = 5.0


class Registration:
    """One endpoint for one port of this machine; its secret is kept beside the configuration while it lives."""

    def __init__(self, found: Configuration, endpoint_id: str, port: int) -> None:
        self._found = found
        self._endpoint_id = endpoint_id
        self._url = f"http://127.0.0.1:{port}/"
        self._kept = found.directory / "endpoints" / f"{endpoint_id}.secret"

    def begin(self) -> str:
        """Register the endpoint, or take up what a crash left behind; return its secret.

        Raises:
            Failure: the name is taken by an endpoint that was not made here, or that goes elsewhere.
            ApiError: the service refused or did not answer.
        """
        with self._connected() as client:
            try:
                return self._create(client)
            except ApiError as error:
                if error.code != "ALREADY_EXISTS":
                    raise
            existing = client.endpoints.GetEndpoint(
                endpoint_service_pb2.GetEndpointRequest(endpoint_id=self._endpoint_id)
            ).endpoint
            self._require_own(existing)
            secret = self._read()
            if secret is not None:
                return self._take_up(client, existing, secret)
            # Nobody can verify what it signs any more.
            self._delete(client)
            return self._create(client)

    def end(self) -> None:
        """Delete the endpoint; that it could not be is said, and the next start takes it up again."""
        try:
            with self._connected() as client:
                self._delete(client)
        except ApiError as error:
            say(
                f"endpoint {self._endpoint_id} could not be deleted ({error.message}); the next `redletter listen` "
                f"takes it up again, or delete it: redletter endpoints delete {self._endpoint_id}"
            )
            return
        self._kept.unlink(missing_ok=True)
        say(f"endpoint {self._endpoint_id} is deleted; what still waited for it goes to the inbox")

    def _connected(self) -> closing[Client]:
        return closing(connect_with(self._found, self._found.require_api_key()))

    def _create(self, client: Client) -> str:
        answer = client.endpoints.CreateEndpoint(
            endpoint_service_pb2.CreateEndpointRequest(
                endpoint_id=self._endpoint_id,
                url=self._url,
                description="redletter listen",
                metadata=dict([MARK]),
            )
        )
        self._keep(answer.secret)
        say(f"registered endpoint {self._endpoint_id} for {self._url}, until this ends")
        return answer.secret

    def _require_own(self, existing: endpoint_pb2.Endpoint) -> None:
        name, url = self._endpoint_id, existing.url
        if url != self._url:
            why = f"goes to {url}, not to {self._url}; choose another --endpoint-id"
        elif existing.metadata.get(MARK[0]) != MARK[1]:
            why = (
                "was not made by `redletter listen`; give its secret by --secret, or choose another --port or "
                "--endpoint-id"
            )
        else:
            return
        raise Failure(f"the endpoint {name} exists and {why}")

    def _take_up(self, client: Client, existing: endpoint_pb2.Endpoint, secret: str) -> str:
        if existing.state == endpoint_pb2.Endpoint.STATE_DISABLED:
            client.endpoints.EnableEndpoint(
                endpoint_service_pb2.EnableEndpointRequest(endpoint_id=self._endpoint_id)
            )
        say(f"using endpoint {self._endpoint_id} for {self._url} again, until this ends")
        return secret

    def _delete(self, client: Client) -> None:
        try:
            client.endpoints.DeleteEndpoint(
                endpoint_service_pb2.DeleteEndpointRequest(endpoint_id=self._endpoint_id),
                timeout=_DELETE_SECONDS,
            )
        except ApiError as error:
            if error.code != "NOT_FOUND":  # somebody else was faster
                raise

    def _read(self) -> str | None:
        try:
            return self._kept.read_text(encoding="utf-8").strip() or None
        except OSError:
            return None

    def _keep(self, secret: str) -> None:
        self._kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Never readable by others, not even for a moment.
        with os.fdopen(
            os.open(self._kept, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(secret + "\n")
