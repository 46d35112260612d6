"""What a test decides about an endpoint, straight in the store."""

from typing import Any

import orjson
from sqlalchemy import text

from tests.integration.delivery_service.conftest import TENANT_ID, World

_JSON = ("retry_policy", "breaker_policy", "headers")
NO_BREAKER = {"enabled": False}


async def decide(world: World, endpoint_id: str = "hook", *, tenant: str = TENANT_ID, **columns: Any) -> None:
    """Set columns of an endpoint; policies and headers as the JSON that is stored."""
    values = {
        name: orjson.dumps(value).decode() if name in _JSON else value for name, value in columns.items()
    }
    changes = ", ".join(
        f"{name} = CAST(:{name} AS jsonb)" if name in _JSON else f"{name} = :{name}" for name in columns
    )
    async with world.engine.begin() as connection:
        await connection.execute(
            text(f"UPDATE endpoints SET {changes} WHERE tenant_id = :tenant AND endpoint_id = :endpoint"),
            {**values, "tenant": tenant, "endpoint": endpoint_id},
        )
