"""Why `redletter dev` or `redletter lapse` refuses to start."""

from redletter_cli.embedded import EmbeddedError


class Refused(EmbeddedError):
    """A wrong option or a state that cannot be continued; one sentence, printed as it is, exit code 2."""
