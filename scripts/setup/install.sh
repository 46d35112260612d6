#!/usr/bin/env bash
# Install one hash-locked group into .venv, which is made when it is missing: install.sh up|test|check
#
# Needs PYTHON (default python3.11) and the package registry that pip is set up for; names no host itself.
set -euo pipefail
cd "$(dirname "$0")/../.."
group=$1
python=${PYTHON:-python3.11}

refuse() {
    echo "redletter: $1" >&2
    exit 1
}

case "$(uname -s)-$(uname -m)" in
    Linux-x86_64 | Linux-aarch64 | Darwin-arm64 | Darwin-x86_64) ;;
    *) refuse "there are no PostgreSQL and Valkey binaries for $(uname -s) on $(uname -m); Linux with glibc or macOS is needed" ;;
esac
if [ "$(uname -s)" = Linux ] && ! getconf GNU_LIBC_VERSION >/dev/null 2>&1; then
    refuse "the PostgreSQL and Valkey binaries need glibc 2.28 or newer, which this Linux does not have (Alpine?)"
fi

if [ ! -x .venv/bin/uv ]; then
    command -v "$python" >/dev/null || refuse "Python 3.11 is needed and there is no $python on the PATH; install it or name it: make PYTHON=/path/to/python3.11"
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || refuse "Python 3.11 or newer is needed; $python is $("$python" -V)"
    "$python" -c 'import ensurepip' 2>/dev/null || refuse "$python cannot make virtual environments; install the package python3.11-venv"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.lock
fi

# uv reads none of pip's settings. Whoever has a mirror or a certificate of their own told pip about it.
setting() {
    local name
    name=PIP_$(echo "$1" | tr 'a-z-' 'A-Z_')
    echo "${!name:-$(.venv/bin/python -m pip config get "global.$1" 2>/dev/null || true)}"
}
hand_over() {
    local value
    value=$(setting "$2")
    if [ -z "${!1:-}" ] && [ -n "$value" ]; then export "$1=$value"; fi
}
hand_over UV_DEFAULT_INDEX index-url
hand_over UV_INDEX extra-index-url
hand_over UV_FIND_LINKS find-links
hand_over SSL_CERT_FILE cert
if [ -z "${HOME:-}" ]; then export UV_CACHE_DIR=${UV_CACHE_DIR:-$PWD/.build/uv}; fi

# Compiled here, once: otherwise the first start of five processes compiles everything five times.
.venv/bin/uv pip install --quiet --python .venv/bin/python --compile-bytecode --require-hashes -r "requirements/$group.lock"
# Our own packages last: editable, from what is already there.
.venv/bin/uv pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e . -e sdks/python
