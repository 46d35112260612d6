"""Listening ports."""


class PortTaken(Exception):
    """Somebody else listens on the port; the message names the address."""
