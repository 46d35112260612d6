"""How large the image's environment is, and how soon each role is ready, compiled as it ships and not compiled at all.

`python -m benchmarks.image [--rounds N] [--json FILE]`. The locked wheels are installed into an empty environment as
the Dockerfile does; the roles run in it as the image's user, one after the other, against a PostgreSQL and a Valkey of
this machine. Sizes are sums of file lengths. Exit 1 when a role, as shipped, took 3 s or longer.
"""

import argparse
import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from redletter_cli.embedded import Postgres, Valkey, start_on_free_port
from redletter_cli.embedded.databases import ensure_database
from tests.image.installed import SERVICES, Image, install, ports

TARGET_SECONDS = 3.0
SHOWN = 10
_FAST = {"fsync": "off"}


@dataclass(frozen=True)
class Sizes:
    """Bytes of an environment: by what is installed, largest first, its bytecode apart."""

    by_package: Mapping[str, int]
    bytecode: int

    @property
    def total(self) -> int:
        """All of it."""
        return sum(self.by_package.values()) + self.bytecode


def main() -> int:
    """Print sizes and times; the exit code."""
    options = _parser().parse_args()
    with tempfile.TemporaryDirectory(prefix="redletter-image-", ignore_cleanup_errors=True) as made:
        root = Path(made)
        root.chmod(0o755)
        install(root)
        sizes = measured(root / "venv")
        _print_sizes(sizes)
        with _servers(root) as image:
            compiled = starts(image, options.rounds)
            _print_starts("compiled, as shipped", compiled)
            for cache in list((root / "venv").rglob("__pycache__")):
                shutil.rmtree(cache)
            bare = starts(image, options.rounds)
            _print_starts("no bytecode", bare)
    if options.json:
        found = {"bytes": sizes.total, "packages": sizes.by_package, "compiled": compiled, "bare": bare}
        options.json.write_text(json.dumps(found, indent=1))
    return 0 if all(max(seconds) < TARGET_SECONDS for seconds in compiled.values()) else 1


def measured(venv: Path) -> Sizes:
    """Return what lies below the environment; what no package says is its own counts under its directory's name."""
    site = next(venv.glob("lib/python*/site-packages"))
    owners = _owners(site)
    sizes: dict[str, int] = {}
    bytecode = 0
    for path in (path for path in venv.rglob("*") if path.is_file() and not path.is_symlink()):
        length = path.stat().st_size
        if "__pycache__" in path.parts:
            bytecode += length
            continue
        inside = path.is_relative_to(site)
        name = owners.get(str(path.relative_to(site)), path.relative_to(site).parts[0]) if inside else "venv"
        sizes[name] = sizes.get(name, 0) + length
    return Sizes(dict(sorted(sizes.items(), key=lambda item: -item[1])), bytecode)


def starts(image: Image, rounds: int) -> dict[str, list[float]]:
    """Return the seconds from the start of each role's process until it is ready, one per round."""
    at = ports()
    env = {service: image.environment(service, at) for service in SERVICES}
    image.migrate("contract", env)
    seconds: dict[str, list[float]] = {service: [] for service in SERVICES}
    for _ in range(rounds):
        for service in SERVICES:
            seconds[service].append(image.start(service, env[service]).ready_after())
        for role in reversed(image.roles):
            role.end()
        image.end_all()
    return seconds


def _owners(site: Path) -> dict[str, str]:
    owners = {}
    for record in site.glob("*.dist-info/RECORD"):
        name = record.parent.name.partition("-")[0]
        for line in record.read_text(encoding="utf-8").splitlines():
            owners[line.rsplit(",", 2)[0].strip('"')] = name
    return owners


@contextmanager
def _servers(root: Path) -> Iterator[Image]:
    with ExitStack() as stack:
        postgres = start_on_free_port(lambda port: Postgres(root / "postgres", port=port, settings=_FAST))
        stack.callback(postgres.stop)
        valkey = start_on_free_port(lambda port: Valkey(root / "valkey", port=port))
        stack.callback(valkey.stop)
        ensure_database(postgres, "image", roles=[f"{service}_service" for service in SERVICES])
        image = Image(root, postgres, valkey, "image")
        stack.callback(image.end_all)
        yield image


def _print_sizes(sizes: Sizes) -> None:
    print(f"{sizes.total / 1e6:7.1f} MB in all, of which {sizes.bytecode / 1e6:.1f} MB are bytecode")
    shown = list(sizes.by_package.items())[:SHOWN]
    for name, length in shown:
        print(f"{length / 1e6:7.1f}    {name}")
    rest = sum(sizes.by_package.values()) - sum(length for _, length in shown)
    print(f"{rest / 1e6:7.1f}    {len(sizes.by_package) - len(shown)} others")


def _print_starts(how: str, seconds: Mapping[str, list[float]]) -> None:
    for service, each in seconds.items():
        print(
            f"{service:>9} {how}: ready after {statistics.median(each):.2f} s (median of {len(each)}),"
            f" {max(each):.2f} s at worst"
        )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5, help="starts of each role, each way")
    parser.add_argument("--json", type=Path, help="write the figures to this file as well")
    return parser


if __name__ == "__main__":
    sys.exit(main())
