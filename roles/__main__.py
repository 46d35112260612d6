"""`python -m roles ROLE`: the entry point of the image. The role runs in this very process, so that SIGTERM reaches it."""

import runpy
import sys
from collections.abc import Sequence
from typing import Final

_SERVICES: Final = {
    "user": "user_service",
    "scheduler": "scheduler_service",
    "delivery": "delivery_service",
}
_HALVES: Final = ("expand", "contract")
_USAGE: Final = """usage: python -m roles ROLE

  user | scheduler | delivery     serve
  migrate SERVICE [HALF]          bring a service's schema up to date; HALF is expand (before) or contract (after)
  bootstrap                       make the operator's key and print it, once
  resync                          feed everybody again, as after a restore
  reload ROLE                     the same, started anew when a file changes: for developers
  one-message                     send one message to a tenant of its own and read it back, for `helm test`
"""


def main() -> int:
    """Run the role that the arguments name; 2 for one that does not exist."""
    module = called(sys.argv[1:])
    if module is None:
        sys.stderr.write(_USAGE)
        return 2
    name, arguments = module
    sys.argv = [name, *arguments]
    runpy.run_module(name, run_name="__main__", alter_sys=True)
    return 0


def called(arguments: Sequence[str]) -> tuple[str, list[str]] | None:
    """Return the module to run and what it is told; None for no role."""
    match list(arguments):
        case [service] if service in _SERVICES:
            return _SERVICES[service], []
        case ["migrate", service] if service in _SERVICES:
            return _SERVICES[service], ["migrate"]
        case ["migrate", service, half] if service in _SERVICES and half in _HALVES:
            return _SERVICES[service], ["migrate", half]
        case [("bootstrap" | "resync") as verb]:
            return "user_service", [verb]
        case ["reload", *role] if called(role) is not None:
            return "roles.reloading", role
        case ["one-message"]:
            return "roles.one_message", []
        case _:
            return None


if __name__ == "__main__":
    sys.exit(main())
