"""Under which user PostgreSQL runs: it refuses root, and containers are root."""

import os
import pwd
import subprocess
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from redletter_cli.embedded.errors import StartFailed

_NOBODY = 65534
_UNSHARE = ("unshare", "--user", f"--map-user={_NOBODY}", f"--map-group={_NOBODY}")


@dataclass(frozen=True, kw_only=True)
class Account:
    """How to run a program as somebody who is not root.

    `wrapper` is put before the program's argv. `user_id` is set in the child, when not None, and then owns the
    data directory. `notice` is a sentence for the person at the terminal, or empty.
    """

    wrapper: tuple[str, ...] = ()
    user_id: int | None = None
    notice: str = ""

    def own(self, tree: Path) -> None:
        """Give `tree` and all below it to this account, when we are root; nothing above it changes."""
        owner = self.user_id or 0
        if os.geteuid() != 0 or tree.stat().st_uid == owner:
            return
        for path in (tree, *tree.rglob("*")):
            os.chown(path, owner, owner, follow_symlinks=False)

    def require_way_to(self, path: Path) -> None:
        """Pass when this account may enter every directory above `path`.

        Raises:
            StartFailed: names the first directory that it may not enter.
        """
        if self.user_id is None:
            return
        for parent in reversed(path.resolve().parents):
            if not parent.stat().st_mode & 0o001:
                raise StartFailed(
                    f"PostgreSQL would run as nobody, who may not enter {parent}; "
                    "allow user namespaces, run as an ordinary user, or use a directory that everybody may enter"
                )


def choose_account(*, effective_user: int, named: bool, namespaces_allowed: bool) -> Account:
    """Return the account for a process of `effective_user`.

    An ordinary user runs it as itself; root, or a number without a name (`named` false, which initdb refuses),
    in a user namespace where it is called nobody; root without namespaces really as nobody.
    """
    if effective_user != 0 and named:
        return Account()
    if namespaces_allowed:
        return Account(wrapper=_UNSHARE)
    if effective_user != 0:
        return Account()
    return Account(
        user_id=_NOBODY,
        notice="PostgreSQL refuses root and user namespaces are forbidden here, so it runs as nobody "
        "and its data directory belongs to nobody.",
    )


@cache
def current_account() -> Account:
    """Return the account that suits this process; asks the kernel about user namespaces once."""
    user = os.geteuid()
    return choose_account(
        effective_user=user, named=_is_named(user), namespaces_allowed=_namespaces_allowed()
    )


def _is_named(user: int) -> bool:
    try:
        pwd.getpwuid(user)
    except KeyError:
        return False
    return True


def _namespaces_allowed() -> bool:
    try:
        return subprocess.run((*_UNSHARE, "true"), check=False, capture_output=True).returncode == 0  # noqa: S603
    except FileNotFoundError:
        return False
