"""The process: `python -m user_service` serves, `migrate` makes the schema, `bootstrap` the first key."""

import asyncio
import json
import sys
from functools import partial

from asyncpg import PostgresError
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from whenever import Instant

from chassis.migrations import migrate
from chassis.process import serve
from user_service.app import NAME, build, engine_of
from user_service.settings import Settings
from user_service.store import MIGRATIONS, SCHEMA
from user_service.store.api_keys import ApiKeys

_UNDEFINED_TABLE = "42P01"
_REFUSALS = (DBAPIError, PostgresError, OSError)
USAGE = "usage: python -m user_service [migrate | bootstrap]"


def main(arguments: list[str]) -> int:
    """Do what the verb says and return the exit code: 2 for a wrong verb or setting."""
    if arguments not in ([], ["migrate"], ["bootstrap"]):
        sys.stderr.write(f"{USAGE}\n")
        return 2
    try:
        settings = Settings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        sys.stderr.write(_refused(error))
        return 2
    if not arguments:
        return serve(NAME, settings, partial(build, settings))
    try:
        _done(arguments[0], settings)
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        sys.stderr.write(f"{NAME}: {sentence}\n")
        return 1
    return 0


def _done(verb: str, settings: Settings) -> None:
    if verb == "migrate":
        migrate(settings.database_url, schema=SCHEMA, directory=MIGRATIONS)
    else:
        sys.stdout.write(f"{asyncio.run(bootstrap(settings))}\n")


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


def _refused(error: ValidationError) -> str:
    # Never the values: one of them is the database's password.
    return "".join(
        f"{NAME}: REDLETTER_{'_'.join(map(str, problem['loc'])).upper()}: {problem['msg']}\n"
        for problem in error.errors(include_input=False, include_url=False)
    )


def _sentence(error: Exception) -> str | None:
    """Return what whoever runs a verb can do about its failure, or None when it is a defect."""
    cause = getattr(error, "orig", None) or error
    if getattr(cause, "sqlstate", None) == _UNDEFINED_TABLE:
        return f"schema {SCHEMA} is not there yet; run `python -m user_service migrate` first"
    if isinstance(cause, _REFUSALS):
        return f"PostgreSQL cannot be used as REDLETTER_DATABASE_URL says: {cause}"
    return None


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
