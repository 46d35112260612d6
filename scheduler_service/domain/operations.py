"""The kinds of long work that scheduler_service does."""

from typing import Final

REISSUE_EVENTS: Final = "reissue_events"
REPLAN_EVENT_TYPE: Final = "replan_event_type"

STEERABLE: Final = frozenset({REISSUE_EVENTS})
"""Kinds that a caller may stop; the others keep promises about due times."""
