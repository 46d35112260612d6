"""API keys are asked for once and remembered for as long as the verifier says."""

from types import SimpleNamespace

import grpc
import pytest

from chassis.errors import DependencyUnavailable, Unauthenticated
from chassis.rpc.credentials import ApiKeys, Principal
from chassis.rpc.verification import verify_with

CALLER = Principal("tenant-1", "key-1", frozenset({"tenant"}))


class Verifier:
    """Counts how often it is asked."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.asked: list[str] = []

    async def __call__(self, secret: str) -> tuple[Principal, float]:
        self.asked.append(secret)
        if secret == "wrong":
            raise Unauthenticated("this API key is not known")
        return CALLER, self.seconds


async def test_a_verified_key_is_remembered() -> None:
    """The second call with the same key asks nobody; another key does."""
    verifier = Verifier(30)
    keys = ApiKeys(verifier)
    for _ in range(3):
        assert await keys({"authorization": "Bearer rl_a"}) == CALLER
    await keys({"authorization": "bearer rl_b"})
    assert verifier.asked == ["rl_a", "rl_b"]


async def test_what_may_not_be_remembered_is_asked_again() -> None:
    """A cache time of zero, and a refusal, are no memory."""
    verifier = Verifier(0)
    keys = ApiKeys(verifier)
    for _ in range(2):
        await keys({"authorization": "Bearer rl_a"})
        with pytest.raises(Unauthenticated):
            await keys({"authorization": "Bearer wrong"})
    assert verifier.asked == ["rl_a", "wrong"] * 2


@pytest.mark.parametrize("given", ["", "Bearer", "Bearer ", "Basic abc", "rl_a"])
async def test_no_key_is_said_so(given: str) -> None:
    """Whoever sends none reads how one is sent."""
    with pytest.raises(Unauthenticated, match="authorization: Bearer <key>"):
        await ApiKeys(Verifier(30))({"authorization": given})


async def test_an_unreachable_verifier_is_not_a_wrong_key() -> None:
    """While user_service is away callers are told to try again, not that their key is unknown."""

    async def away(_request: object, timeout: float) -> object:
        raise grpc.aio.AioRpcError(
            grpc.StatusCode.UNAVAILABLE, grpc.aio.Metadata(), grpc.aio.Metadata(), "connection refused"
        )

    verify = verify_with(SimpleNamespace(VerifyApiKey=away))  # type: ignore[arg-type]
    with pytest.raises(DependencyUnavailable, match="does not answer"):
        await verify("rl_a")
