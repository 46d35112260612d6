"""What the health service says about Redis: a name of its own, because without it the scheduler still serves."""

from grpc_health.v1 import health_pb2

from chassis.rpc.server import Port

NAME = "redis"
"""`Check(service="redis")`: NOT_SERVING while claims go on by SKIP LOCKED; `Check("")` stays SERVING."""


async def tell(port: Port, *, redis_available: bool) -> None:
    """Set the health of `redis` on `port`; readiness is not touched."""
    answer = health_pb2.HealthCheckResponse
    await port.health.set(NAME, answer.SERVING if redis_available else answer.NOT_SERVING)
