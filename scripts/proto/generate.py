#!/usr/bin/env python3
"""Generate the Python of `protos/` into `sdks/python/redletter`, or check that it is what is there.

The validation rules are annotations of `buf/validate/validate.proto`. Compiled in the plain way the generated
modules would import `buf.validate`, which would have to ship and collides with any other copy in the same
process. So the descriptors are compiled first, everything of `buf/` is dropped from them, and the code is made
from the rest: the rules stay in the options as unknown fields, where protovalidate still reads them.

    python scripts/proto/generate.py            write the code
    python scripts/proto/generate.py --check    exit 1 with a sentence when the code is stale
"""

import argparse
import importlib.util
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from importlib.metadata import distribution
from pathlib import Path

from google.protobuf.descriptor_pb2 import FileDescriptorSet

ROOT = Path(__file__).resolve().parents[2]
PROTOS = ROOT / "protos"
VENDORED = ROOT / "third_party" / "protos"
GOOGLEAPIS = ROOT / ".build" / "googleapis"
PYTHON_ROOT = ROOT / "sdks" / "python"
GRPC_TYPES_PLUGIN = Path(sys.executable).with_name("protoc-gen-mypy_grpc")
PACKAGES = ("common", "user", "scheduler", "delivery")
GENERATED_SUFFIXES = ("_pb2.py", "_pb2.pyi", "_pb2_grpc.py", "_pb2_grpc.pyi")

# What our files import, and what a gateway needs to render the details of an error.
GOOGLEAPIS_FILES = (
    "google/api/annotations.proto",
    "google/api/http.proto",
    "google/rpc/code.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
    "google/type/date.proto",
    "google/type/timeofday.proto",
)


def copy_googleapis() -> None:
    """Copy the googleapis files of the installed wheel to `.build/`: buf reads nothing outside the workspace."""
    wheel = distribution("googleapis-common-protos")
    for name in GOOGLEAPIS_FILES:
        target = GOOGLEAPIS / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(str(wheel.locate_file(name)), target)


def proto_files() -> list[str]:
    """Return our .proto files as paths relative to `protos/`, sorted."""
    return sorted(str(path.relative_to(PROTOS)) for path in PROTOS.glob("redletter/**/*.proto"))


def protoc(arguments: Iterable[str]) -> None:
    """Run the protoc of grpcio-tools; its complaints go to stderr as they are."""
    subprocess.run([sys.executable, "-m", "grpc_tools.protoc", *arguments], check=True, cwd=ROOT)  # noqa: S603


def write_descriptors(target: Path) -> None:
    """Write the descriptors of our files and their imports to `target`, without anything of `buf/`."""
    includes = [f"-I{path}" for path in (PROTOS, VENDORED, GOOGLEAPIS)]
    protoc(
        [
            *includes,
            f"--descriptor_set_out={target}",
            "--include_imports",
            "--include_source_info",
            *proto_files(),
        ]
    )
    descriptors = FileDescriptorSet.FromString(target.read_bytes())
    kept = FileDescriptorSet()
    for file in descriptors.file:
        if file.name.startswith("buf/"):
            continue
        imports = [name for name in file.dependency if not name.startswith("buf/")]
        del file.dependency[:]
        file.dependency.extend(imports)
        kept.file.append(file)
    target.write_bytes(kept.SerializeToString(deterministic=True))


def write_python(descriptors: Path, target: Path) -> None:
    """Write messages, stubs and their types under `target`, an `__init__.py` in every package."""
    source = f"--descriptor_set_in={descriptors}"
    files = proto_files()
    services = [name for name in files if name.endswith("_service.proto")]
    protoc([source, f"--python_out={target}", f"--pyi_out={target}", *files])
    protoc(
        [
            source,
            f"--plugin={GRPC_TYPES_PLUGIN}",
            f"--grpc_python_out={target}",
            f"--mypy_grpc_out=quiet:{target}",
            *services,
        ]
    )
    for package in PACKAGES:
        for folder in (target / "redletter" / package, target / "redletter" / package / "v1"):
            (folder / "__init__.py").touch()


def generate(target: Path) -> None:
    """Generate everything under `target`, an existing directory."""
    copy_googleapis()
    with tempfile.TemporaryDirectory() as scratch:
        descriptors = Path(scratch) / "redletter.binpb"
        write_descriptors(descriptors)
        write_python(descriptors, target)


def generated_files(root: Path) -> dict[str, bytes]:
    """Return the generated files below `root` by relative path, `__init__.py` included."""
    return {
        str(path.relative_to(root)): path.read_bytes()
        for package in PACKAGES
        for path in sorted((root / "redletter" / package).rglob("*.py*"))
        if path.name.endswith(GENERATED_SUFFIXES) or path.name == "__init__.py"
    }


def stale_files(fresh: Path) -> list[str]:
    """Return what differs between the committed code and the code generated below `fresh`."""
    committed, wanted = generated_files(PYTHON_ROOT), generated_files(fresh)
    return sorted(
        name for name in committed.keys() | wanted.keys() if committed.get(name) != wanted.get(name)
    )


def replace(fresh: Path) -> list[str]:
    """Bring the committed code to the state of `fresh`; return what was written or removed.

    Equal files keep their modification time, so that nothing is compiled again without need.
    """
    changed = stale_files(fresh)
    for name in changed:
        source, target = fresh / name, PYTHON_ROOT / name
        if source.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        else:
            target.unlink()
    return changed


def main() -> int:
    """Generate or check; return the exit code."""
    parser = argparse.ArgumentParser(description="Generate the Python code of protos/.")
    parser.add_argument("--check", action="store_true", help="change nothing; exit 1 when the code is stale")
    check = parser.parse_args().check
    if importlib.util.find_spec("grpc_tools") is None or not GRPC_TYPES_PLUGIN.exists():
        print(
            "grpcio-tools or mypy-protobuf is missing; install the `check` group of requirements.",
            file=sys.stderr,
        )
        return 1
    with tempfile.TemporaryDirectory() as scratch:
        try:
            generate(Path(scratch))
        except subprocess.CalledProcessError as error:
            print(
                f"protoc refused protos/ (exit code {error.returncode}); its reason is above.",
                file=sys.stderr,
            )
            return 1
        changed = stale_files(Path(scratch)) if check else replace(Path(scratch))
    if check and changed:
        print(
            f"The generated code is stale: {len(changed)} files differ from protos/, first {changed[0]}."
            " Run `make proto` and commit the result.",
            file=sys.stderr,
        )
        return 1
    print(
        f"generated code is {'fresh' if check else 'written'}: {len(proto_files())} protos, {len(changed)} files changed"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
