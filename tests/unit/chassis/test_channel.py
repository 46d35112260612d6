"""Which gRPC target an address setting means."""

import pytest

from chassis.rpc.channel import target


@pytest.mark.parametrize(
    ("addresses", "meant"),
    [
        ("127.0.0.1:7001", "ipv4:127.0.0.1:7001"),
        ("127.0.0.1:7001, 127.0.0.1:7002,", "ipv4:127.0.0.1:7001,127.0.0.1:7002"),
        ("user-service.redletter:7001", "dns:///user-service.redletter:7001"),
        ("3rd-service:7001", "dns:///3rd-service:7001"),
    ],
)
def test_targets(addresses: str, meant: str) -> None:
    """IPv4 addresses are taken as they are, one name is resolved again and again."""
    assert target(addresses) == meant


@pytest.mark.parametrize("addresses", ["", " , ", "one:1,two:2", "127.0.0.1:1,two:2"])
def test_what_grpc_would_cut_short_is_refused(addresses: str) -> None:
    """Several names, or none, are refused in a sentence instead of using only the first."""
    with pytest.raises(ValueError, match="is not an address"):
        target(addresses)
