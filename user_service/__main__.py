"""The process: `python -m user_service` serves, `migrate` makes the schema, `bootstrap` the first key, `resync` feeds all."""

import json
import sys

from whenever import Instant

from chassis.process import command
from user_service.app import NAME, build, engine_of
from user_service.settings import Settings
from user_service.store import MIGRATIONS, SCHEMA
from user_service.store.api_keys import ApiKeys
from user_service.store.care_switches import CareSwitches
from user_service.store.changes import Changes
from user_service.store.identity import Identity


async def bootstrap(settings: Settings) -> str:
    """Make the operator's key if there is none; return its secret as a line of JSON, else a sentence."""
    engine = engine_of(settings)
    try:
        secret = await ApiKeys(engine).create_operator_key(real=Instant.now())
    finally:
        await engine.dispose()
    if secret is None:
        return (
            "There is an operator key already; its secret was shown when it was made and is stored nowhere."
        )
    return json.dumps({"operator_key": secret})


async def resync(settings: Settings) -> str:
    """Begin a new epoch of the feed, as after a restore: everybody is fed again, and who is not confirmed goes."""
    engine = engine_of(settings)
    try:
        epoch = await Changes(engine, CareSwitches(engine, Identity())).resync(real=Instant.now())
    finally:
        await engine.dispose()
    return json.dumps({"epoch": epoch})


VERBS = {"bootstrap": bootstrap, "resync": resync}

if __name__ == "__main__":
    sys.exit(command(NAME, Settings, build, schema=SCHEMA, migrations=MIGRATIONS, verbs=VERBS))
