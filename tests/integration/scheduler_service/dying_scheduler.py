"""A scheduler whose process ends the moment it renders for the person called `poison`: run with `python -m`."""

import os
import sys

from chassis.process import command
from scheduler_service import app
from scheduler_service.rendering import messages
from scheduler_service.settings import Settings
from scheduler_service.store import MIGRATIONS, SCHEMA

_values_of = messages.values_of


def values_of(recipient, *arguments, **named):  # type: ignore[no-untyped-def]
    """Do as a library does that aborts: no exception, no clean-up, the process is gone."""
    if recipient.user_id == "poison":
        os.abort()
    return _values_of(recipient, *arguments, **named)


if __name__ == "__main__":
    messages.values_of = values_of
    sys.exit(command(app.NAME, Settings, app.build, schema=SCHEMA, migrations=MIGRATIONS))
