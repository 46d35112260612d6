"""Wrong settings are answered with one sentence each, and right ones are frozen."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from chassis.process import command, read_settings
from chassis.settings import ServiceSettings

RIGHT = {"REDLETTER_DATABASE_URL": "postgresql+asyncpg://localhost/x", "REDLETTER_INTERNAL_SECRET": "s" * 32}


def environment(monkeypatch: pytest.MonkeyPatch, **more: str) -> None:
    """Set what is needed and what the test adds."""
    for name, value in {
        **RIGHT,
        **{f"REDLETTER_{key.upper()}": value for key, value in more.items()},
    }.items():
        monkeypatch.setenv(name, value)


def test_defaults_are_enough_with_a_database_and_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything else has a default, and nothing can be changed afterwards."""
    environment(monkeypatch)
    settings = read_settings(ServiceSettings, "test")
    assert settings is not None
    assert (settings.host, settings.redis_url, settings.clock_speed) == ("127.0.0.1", "", 1.0)
    assert settings.grace.total_seconds() == 20
    assert "s" * 32 not in repr(settings)
    with pytest.raises(ValidationError):
        settings.host = "0.0.0.0"  # type: ignore[misc]


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("internal_secret", "short", "internal_secret must have at least 32 characters"),
        ("clock_from", "2028-02-27T00:00:00", "an instant needs an offset"),
        ("clock_from", "tomorrow", "Input should be a valid datetime"),
        ("clock_speed", "0", "Input should be greater than 0"),
        ("public_port", "70000", "Input should be less than or equal to 65535"),
        ("database_pool_size", "many", "Input should be a valid integer"),
    ],
)
def test_a_wrong_value_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str, value: str, sentence: str
) -> None:
    """The line on standard error has the variable and what is allowed, and never the secret."""
    environment(monkeypatch, **{name: value})
    assert read_settings(ServiceSettings, "test") is None
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"test: REDLETTER_{name.upper()}: ")
    assert sentence in line


def test_every_missing_variable_has_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Nothing set: both that are needed are asked for."""
    assert read_settings(ServiceSettings, "test") is None
    lines = capsys.readouterr().err.splitlines()
    assert lines == [
        "test: REDLETTER_DATABASE_URL: Field required",
        "test: REDLETTER_INTERNAL_SECRET: Field required",
    ]


def test_a_wrong_verb_is_answered_with_those_there_are(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Exit code 2 and a sentence."""

    async def build(_settings: ServiceSettings) -> list[object]:
        return []

    for argv, sentence in (
        (["x", "fly"], "usage: python -m test [migrate | migrate expand | migrate contract]\n"),
        (
            ["x", "migrate"],
            "test: REDLETTER_DATABASE_URL: Field required\ntest: REDLETTER_INTERNAL_SECRET: Field required\n",
        ),
    ):
        monkeypatch.setattr("sys.argv", argv)
        code = command("test", ServiceSettings, build, schema="x", migrations=Path())  # type: ignore[arg-type]
        assert (code, capsys.readouterr().err) == (2, sentence)
