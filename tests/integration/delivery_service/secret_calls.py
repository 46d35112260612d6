"""What tests say to EndpointSecretService about the endpoint `hook`."""

from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from redletter.delivery.v1 import endpoint_secret_pb2, endpoint_secret_service_pb2

from tests.integration.delivery_service.conftest import World, as_tenant

Kind = endpoint_secret_pb2.EndpointSecret.Kind
State = endpoint_secret_pb2.EndpointSecret.State


async def rotate(
    world: World,
    *,
    overlap: timedelta | None = None,
    kind: Kind = Kind.KIND_UNSPECIFIED,
    secret: str = "",
) -> endpoint_secret_service_pb2.RotateEndpointSecretResponse:
    """Rotate a secret; the lanes know it when this returns."""
    as_tenant()
    request = endpoint_secret_service_pb2.RotateEndpointSecretRequest(
        endpoint_id="hook", kind=kind, secret=secret
    )
    if overlap is not None:
        request.overlap.CopyFrom(Duration(seconds=int(overlap.total_seconds())))
    answer = await world.endpoint_secrets.RotateEndpointSecret(request, None)
    await world.inside.endpoint_watch.refresh()
    return answer


async def listed(world: World, *, tenant: str | None = None) -> list[endpoint_secret_pb2.EndpointSecret]:
    """List the secrets, newest first."""
    as_tenant(tenant) if tenant else as_tenant()
    request = endpoint_secret_service_pb2.ListEndpointSecretsRequest(endpoint_id="hook")
    return list((await world.endpoint_secrets.ListEndpointSecrets(request, None)).endpoint_secrets)


async def expire(world: World, secret_id: str) -> endpoint_secret_pb2.EndpointSecret:
    """End a secret at once; the lanes know it when this returns."""
    as_tenant()
    request = endpoint_secret_service_pb2.ExpireEndpointSecretRequest(endpoint_id="hook", secret_id=secret_id)
    found = (await world.endpoint_secrets.ExpireEndpointSecret(request, None)).endpoint_secret
    await world.inside.endpoint_watch.refresh()
    return found


async def public_key(world: World) -> endpoint_secret_service_pb2.GetEndpointPublicKeyResponse:
    """Read the public key."""
    as_tenant()
    request = endpoint_secret_service_pb2.GetEndpointPublicKeyRequest(endpoint_id="hook")
    return await world.endpoint_secrets.GetEndpointPublicKey(request, None)
