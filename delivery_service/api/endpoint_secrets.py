"""EndpointSecretService: what messages are signed with."""

from functools import partial

import grpc
import structlog
from redletter.delivery.v1 import endpoint_secret_pb2, endpoint_secret_service_pb2_grpc
from redletter.delivery.v1 import endpoint_secret_service_pb2 as wire
from sqlalchemy.ext.asyncio import AsyncEngine
from whenever import Instant

from chassis.clocks import BusinessClock
from chassis.errors import NotFound
from chassis.rpc.credentials import tenant_id
from chassis.wire import span, timestamp
from delivery_service.domain.deliveries import LaneKey
from delivery_service.domain.endpoint_secrets import DEFAULT_OVERLAP, StoredSecret, new_secret, rotation
from delivery_service.domain.signatures import SecretKind, secret_text
from delivery_service.store import endpoint_secrets

log = structlog.get_logger()

_State = endpoint_secret_pb2.EndpointSecret.State


class EndpointSecretServicer(endpoint_secret_service_pb2_grpc.EndpointSecretServiceServicer):
    """Parses, calls, renders; all times are the real clock's."""

    def __init__(self, engine: AsyncEngine, clock: BusinessClock) -> None:
        self._engine = engine
        self._clock = clock

    async def RotateEndpointSecret(
        self, request: wire.RotateEndpointSecretRequest, _context: grpc.aio.ServicerContext
    ) -> wire.RotateEndpointSecretResponse:
        """Add a secret and let those of its kind run out; a secret made here is shown once."""
        now = self._clock.real()
        lane = LaneKey(tenant_id(), request.endpoint_id)
        kind = SecretKind(request.kind or SecretKind.HMAC)
        overlap = span(request.overlap) if request.HasField("overlap") else DEFAULT_OVERLAP
        secret = new_secret(kind, request.secret)
        decide = partial(rotation, kind=kind, overlap=overlap, now=now)
        changed = await endpoint_secrets.rotate(self._engine, lane, secret, decide=decide, now=now)
        log.info(
            "endpoint_secret.rotated",
            tenant_id=lane.tenant_id,
            endpoint_id=lane.endpoint_id,
            secret_id=secret.secret_id,
            kind=kind.name,
            replaced=len(changed.ended),
            overlap_seconds=overlap.total_seconds(),
        )
        shown = kind is SecretKind.HMAC and not request.secret
        return wire.RotateEndpointSecretResponse(
            endpoint_secret=_rendered(changed.present[0], now),
            secret=secret_text(secret.key) if shown else "",
            replaced=[_rendered(one, now) for one in changed.present if one.secret_id in changed.ended],
        )

    async def ListEndpointSecrets(
        self, request: wire.ListEndpointSecretsRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ListEndpointSecretsResponse:
        """List what may be known of an endpoint's secrets, newest first."""
        present = await endpoint_secrets.page(self._engine, LaneKey(tenant_id(), request.endpoint_id))
        now = self._clock.real()
        return wire.ListEndpointSecretsResponse(endpoint_secrets=[_rendered(one, now) for one in present])

    async def GetEndpointPublicKey(
        self, request: wire.GetEndpointPublicKeyRequest, _context: grpc.aio.ServicerContext
    ) -> wire.GetEndpointPublicKeyResponse:
        """Answer the public key that verifies `v1a`."""
        present = await endpoint_secrets.page(self._engine, LaneKey(tenant_id(), request.endpoint_id))
        now = self._clock.real()
        found = [one for one in present if one.kind is SecretKind.ED25519 and one.valid(now)]
        if not found:
            raise NotFound(
                f'the endpoint "{request.endpoint_id}" has no ed25519 key; RotateEndpointSecret with KIND_ED25519 makes one'
            )
        return wire.GetEndpointPublicKeyResponse(
            public_key=found[0].public_key,
            secret_id=found[0].secret_id,
            older_public_keys=[one.public_key for one in found[1:]],
        )

    async def ExpireEndpointSecret(
        self, request: wire.ExpireEndpointSecretRequest, _context: grpc.aio.ServicerContext
    ) -> wire.ExpireEndpointSecretResponse:
        """End a secret at once."""
        now = self._clock.real()
        lane = LaneKey(tenant_id(), request.endpoint_id)
        changed = await endpoint_secrets.expire(self._engine, lane, request.secret_id, now=now)
        if changed.ended:
            log.info(
                "endpoint_secret.expired",
                tenant_id=lane.tenant_id,
                endpoint_id=lane.endpoint_id,
                secret_id=request.secret_id,
            )
        found = next(one for one in changed.present if one.secret_id == request.secret_id)
        return wire.ExpireEndpointSecretResponse(endpoint_secret=_rendered(found, now))


def _rendered(secret: StoredSecret, now: Instant) -> endpoint_secret_pb2.EndpointSecret:
    found = endpoint_secret_pb2.EndpointSecret(
        secret_id=secret.secret_id,
        kind=endpoint_secret_pb2.EndpointSecret.Kind.Name(secret.kind),
        state=_State.STATE_VALID if secret.valid(now) else _State.STATE_EXPIRED,
        create_time=timestamp(secret.create_time),
        public_key=secret.public_key,
    )
    if secret.expire_time is not None:
        found.expire_time.CopyFrom(timestamp(secret.expire_time))
    return found
