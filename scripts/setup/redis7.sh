#!/usr/bin/env bash
# Put a Redis 7 server at .build/redis7/redis-server, for the tests that claim on it; no wheel carries one that runs.
#
# One that is on the PATH is taken. Else, on Debian 12 or Ubuntu 24.04, the package is fetched by apt and unpacked
# here: nothing is installed, no daemon starts, root is not needed. The archive's keys vouch for what comes.
set -euo pipefail
cd "$(dirname "$0")/../.."
target=$PWD/.build/redis7
server=$target/redis-server

is_seven() { "$1" --version 2>/dev/null | grep -q ' v=7\.'; }

refuse() {
    echo "redletter: $1; install Redis 7 so that redis-server is on the PATH" >&2
    exit 1
}

if [ -x "$server" ] && is_seven "$server"; then exit 0; fi
rm -rf "$target"
mkdir -p "$target/state/lists/partial" "$target/cache/archives/partial" "$target/packages"
found=$(command -v redis-server || true)
if [ -n "$found" ] && is_seven "$found"; then
    ln -s "$found" "$server"
    exit 0
fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null || refuse "the tests need Redis 7, and there is no apt to fetch it with"

# A state of its own: whoever runs this need not be root, and the machine's lists stay as they are.
apt() {
    apt-get -qq -o Dir::State="$target/state" -o Dir::State::status=/var/lib/dpkg/status \
        -o Dir::Cache="$target/cache" -o APT::Sandbox::User="$(id -un)" -o Debug::NoLocking=1 "$@"
}
apt update || refuse "the lists of packages cannot be fetched"
# redis-tools has the program: redis-server is a link to redis-check-rdb in it. The others are libraries of it
# that a small machine does not have.
(cd "$target/packages" && apt download redis-tools libjemalloc2 liblzf1 libatomic1) || refuse "apt has no redis-tools"
for package in "$target"/packages/*.deb; do dpkg-deb --extract "$package" "$target/root"; done
ln -s redis-check-rdb "$target/root/usr/bin/redis-server"
cat >"$server" <<EOF
#!/bin/sh
export LD_LIBRARY_PATH=\$(echo $target/root/usr/lib/*-linux-gnu)
exec $target/root/usr/bin/redis-server "\$@"
EOF
chmod +x "$server"
rm -rf "$target/state" "$target/cache" "$target/packages"
is_seven "$server" || refuse "apt's redis-tools is $("$server" --version 2>&1 | head -1), not Redis 7"
