"""Alembic's entry: runs on the connection that chassis.migrations opened."""

from chassis.migrations import run_environment

run_environment()
