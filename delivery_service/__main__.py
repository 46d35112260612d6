"""`python -m delivery_service` serves; `python -m delivery_service migrate` brings its schema up to date."""

import sys

from chassis.process import command
from delivery_service import app
from delivery_service.settings import Settings
from delivery_service.store.tables import SCHEMA

sys.exit(command(app.NAME, Settings, app.build, schema=SCHEMA, migrations=app.MIGRATIONS))
