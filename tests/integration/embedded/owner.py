"""A process that owns a PostgreSQL and a Valkey, for tests that kill it: `owner.py DIRECTORY`.

Prints one line of JSON when both are ready and stops them when its standard input ends.
"""

import json
import os
import sys
from pathlib import Path

from redletter_cli.embedded import EmbeddedError, Postgres, Valkey, start_on_free_port


def main() -> int:
    """Run both servers below the directory given; 2 and a sentence when one cannot start."""
    directory = Path(sys.argv[1])
    try:
        postgres = start_on_free_port(lambda port: Postgres(directory / "postgres", port=port))
        valkey = start_on_free_port(lambda port: Valkey(directory / "valkey", port=port))
    except EmbeddedError as error:
        print(json.dumps({"error": str(error), "user": os.geteuid()}), flush=True)
        return 2
    facts = {
        "user": os.geteuid(),
        "postgres": postgres.pid,
        "valkey": valkey.pid,
        "postgres_url": postgres.url("postgres"),
        "redis_url": valkey.url(),
    }
    print(json.dumps(facts), flush=True)
    sys.stdin.read()
    valkey.stop()
    postgres.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
