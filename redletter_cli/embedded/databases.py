"""Roles, databases and clones inside a running server, by psql: no driver, no event loop."""

import os
import re
import subprocess
from collections.abc import Iterable

from redletter_cli.embedded.binaries import postgres_program
from redletter_cli.embedded.cluster import SUPERUSER, clean_environment
from redletter_cli.embedded.errors import EmbeddedError
from redletter_cli.embedded.postgres import Postgres

_NAME = re.compile(r"[a-z_][a-z0-9_]{0,62}")


class SqlFailed(EmbeddedError):
    """The server refused a statement; the message carries its words."""


def execute(server: Postgres, sql: str, *, database: str = "postgres") -> str:
    """Run `sql` as superuser, each statement in its own transaction; return rows as lines, columns by `|`.

    Raises:
        SqlFailed: a statement was refused; those after it did not run.
    """
    done = subprocess.run(  # noqa: S603 - our own program, no shell
        (str(postgres_program("psql")), "-XqAt", "-v", "ON_ERROR_STOP=1"),
        input=sql,
        env={
            **clean_environment(os.environ),
            "PGHOST": "127.0.0.1",
            "PGPORT": str(server.port),
            "PGUSER": SUPERUSER,
            "PGPASSWORD": server.password(),
            "PGDATABASE": database,
            "PGCLIENTENCODING": "UTF8",
        },
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    if done.returncode != 0:
        raise SqlFailed(f"PostgreSQL refused a statement: {done.stderr.strip()}")
    return done.stdout.rstrip("\n")


def ensure_database(server: Postgres, database: str, *, roles: Iterable[str] = ()) -> None:
    """Make `database` when it is missing and, in it, a schema for each role that nobody else may enter.

    Each role logs in with `server.password(role)`; its schema has its name. Nothing existing changes.
    """
    name = _checked(database)
    if not execute(server, f"SELECT 1 FROM pg_database WHERE datname = '{name}'"):  # noqa: S608 - checked
        execute(server, f"CREATE DATABASE {name}; REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    execute(server, "CREATE EXTENSION IF NOT EXISTS pg_stat_statements", database=name)
    for role in map(_checked, roles):
        if not execute(server, f"SELECT 1 FROM pg_roles WHERE rolname = '{role}'"):  # noqa: S608 - checked
            execute(server, f"CREATE ROLE {role} LOGIN PASSWORD '{server.password(role)}'")
        execute(
            server,
            f"GRANT CONNECT, TEMPORARY ON DATABASE {name} TO {role};"
            f"CREATE SCHEMA IF NOT EXISTS {role} AUTHORIZATION {role}",
            database=name,
        )


def create_database(server: Postgres, database: str) -> None:
    """Make an empty database.

    Raises:
        SqlFailed: it exists.
    """
    execute(server, f"CREATE DATABASE {_checked(database)}")


def seal(server: Postgres, database: str) -> None:
    """Make `database` a template: nobody may connect any more, so it can be cloned at any moment."""
    name = _checked(database)
    execute(server, f"ALTER DATABASE {name} WITH is_template true allow_connections false")
    leave = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - checked
    execute(server, leave)


def clone_database(server: Postgres, template: str, *, to: str) -> None:
    """Make `to` a copy of the sealed `template`, file by file: quicker than through the log."""
    execute(server, f"CREATE DATABASE {_checked(to)} TEMPLATE {_checked(template)} STRATEGY FILE_COPY")


def drop_database(server: Postgres, database: str) -> None:
    """Drop `database` if it exists, ending whoever is connected to it."""
    execute(server, f"DROP DATABASE IF EXISTS {_checked(database)} WITH (FORCE)")


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(
            f"{name!r} is no name for a database or role: allowed are a-z, 0-9 and _, at most 63"
        )
    return name
