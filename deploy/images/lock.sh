#!/bin/sh
# Writes what each image installs, pinned by version and hash, from the workspace's lock.
#
#   deploy/images/lock.sh            rewrites deploy/images/requirements
#   deploy/images/lock.sh FOLDER     writes elsewhere and asks no registry, for the test that compares
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
into=${1:-deploy/images/requirements}
uv=$(command -v uv || echo "$root/.local/uv/bin/uv")

lock() { # NAME, and what to export
    name=$1
    shift
    "$uv" export --quiet --frozen --no-dev --no-emit-workspace --no-header --no-annotate \
        --format requirements.txt "$@" >"$into/$name.txt"
}

# Traces are part of an image and switched on by its environment: common[tracing] comes along.
lock gateway --package atrium-gateway --package atrium-common --extra tracing
lock rooms --package atrium-rooms --package atrium-common --extra tracing
lock bookings --package atrium-bookings --package atrium-common --extra tracing
lock panel --package atrium-panel --package atrium-common --extra tracing
lock analytics --package atrium-analytics --package atrium-common --extra tracing
lock occupancy --package atrium-occupancy --package atrium-common --extra tracing
lock edge-counter --package edge-counter

# What builds our wheels is in no package's dependencies, and so not in the lock.
if [ $# -eq 0 ]; then
    sed -n 's/^requires = \["\(uv_build.*\)"\]$/\1/p' libs/common/pyproject.toml |
        "$uv" pip compile --quiet --generate-hashes --no-header --no-annotate \
            --python-version 3.11 --output-file "$into/build.txt" -
fi
