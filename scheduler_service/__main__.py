"""`python -m scheduler_service` serves; `python -m scheduler_service migrate` brings its schema up to date."""

import sys

from chassis.process import command
from scheduler_service import app
from scheduler_service.settings import Settings
from scheduler_service.store import MIGRATIONS, SCHEMA

sys.exit(command(app.NAME, Settings, app.build, schema=SCHEMA, migrations=MIGRATIONS))
