"""Where the verbs find addresses and keys."""

import json
from pathlib import Path

import pytest

from redletter_cli.commands.configuration import FILE, load
from redletter_cli.commands.failure import Failure

CONTENT = {
    "user": "127.0.0.1:7710",
    "scheduler": "127.0.0.1:7720,127.0.0.1:7723",
    "delivery": "127.0.0.1:7730",
    "api_key": "rl_tenant",
    "operator_key": "rl_operator",
    "receiver": "http://127.0.0.1:7701/",
}


def write(path: Path, content: object = CONTENT) -> Path:
    """Write a configuration and return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_nearest_file_above_the_working_directory_counts(tmp_path: Path) -> None:
    """As git finds its directory: the file may be here or in any directory above, the nearest wins."""
    write(tmp_path / FILE, CONTENT | {"api_key": "far"})
    write(tmp_path / "project" / FILE)
    (tmp_path / "project" / "deep" / "er").mkdir(parents=True)
    found = load(None, None, working_directory=tmp_path / "project" / "deep" / "er")
    assert (found.api_key, found.operator_key) == ("rl_tenant", "rl_operator")
    assert found.addresses.scheduler == "127.0.0.1:7720,127.0.0.1:7723"
    assert found.directory == tmp_path / "project" / ".redletter"


def test_named_file_and_key_come_first(tmp_path: Path) -> None:
    """What is named on the command line or in the environment takes the place of what is found."""
    write(tmp_path / FILE)
    other = write(tmp_path / "other.json", CONTENT | {"user": "10.0.0.1:1"})
    found = load(other, "rl_mine", working_directory=tmp_path)
    assert (found.addresses.user, found.api_key) == ("10.0.0.1:1", "rl_mine")


def test_no_file_says_how_to_get_one(tmp_path: Path) -> None:
    """Somebody who has started nothing yet reads what to start."""
    with pytest.raises(Failure, match=r'start everything with "redletter dev".*REDLETTER_CONFIG'):
        load(None, None, working_directory=tmp_path)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("{", "is not JSON"),
        ("[]", "is not a JSON object"),
        (
            '{"user": "127.0.0.1:1", "scheduler": "127.0.0.1:2"}',
            "the address of the delivery service is missing",
        ),
    ],
)
def test_damaged_file_is_named(tmp_path: Path, content: str, sentence: str) -> None:
    """A file that does not say what it must is named with what is wrong."""
    path = tmp_path / "client.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(Failure, match=sentence) as caught:
        load(path, None, working_directory=tmp_path)
    assert str(path) in str(caught.value)


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    """A named file that is not there is not silently replaced by another."""
    write(tmp_path / FILE)
    with pytest.raises(Failure, match=r"cannot read the configuration .*nowhere\.json: No such file"):
        load(tmp_path / "nowhere.json", None, working_directory=tmp_path)


def test_missing_keys_say_where_they_come_from(tmp_path: Path) -> None:
    """Addresses without keys are enough to load, and each key is asked for when it is needed."""
    addresses = {name: CONTENT[name] for name in ("user", "scheduler", "delivery")}
    found = load(write(tmp_path / "c.json", addresses), None, working_directory=tmp_path)
    with pytest.raises(Failure, match="--api-key or REDLETTER_API_KEY"):
        found.require_api_key()
    with pytest.raises(Failure, match="operator_key"):
        found.require_operator_key()
