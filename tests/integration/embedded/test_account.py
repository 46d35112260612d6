"""Who PostgreSQL runs as, decided without asking the machine."""

from pathlib import Path

import pytest

from redletter_cli.embedded import StartFailed
from redletter_cli.embedded.account import choose_account


def test_ordinary_user_runs_it_as_itself() -> None:
    """An ordinary user needs no wrapper and no other number."""
    account = choose_account(effective_user=1000, named=True, namespaces_allowed=True)
    assert (account.wrapper, account.user_id, account.notice) == ((), None, "")


@pytest.mark.parametrize("user", [0, 12345])
def test_root_and_nameless_users_get_a_namespace(user: int) -> None:
    """Root, and a number without a name, run it in a user namespace where it is called nobody."""
    account = choose_account(effective_user=user, named=user == 0, namespaces_allowed=True)
    assert account.wrapper[:2] == ("unshare", "--user")
    assert account.user_id is None


def test_root_without_namespaces_runs_it_as_nobody_and_says_so() -> None:
    """Where namespaces are forbidden it becomes nobody, said in one sentence."""
    account = choose_account(effective_user=0, named=True, namespaces_allowed=False)
    assert (account.wrapper, account.user_id) == ((), 65534)
    assert account.notice.startswith("PostgreSQL refuses root and user namespaces are forbidden here")


def test_way_that_nobody_may_not_go_is_named(tmp_path: Path) -> None:
    """A private directory above the data is named instead of a failure of initdb."""
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    tmp_path.chmod(0o755)
    account = choose_account(effective_user=0, named=True, namespaces_allowed=False)
    with pytest.raises(StartFailed, match="would run as nobody, who may not enter /"):
        account.require_way_to(private / "data")
