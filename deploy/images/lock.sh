#!/bin/sh
# Pins every version in pyproject.toml, and for each image by hash, from the workspace's lock.
#
#   deploy/images/lock.sh            resolves anew, rewrites pyproject.toml and deploy/images/requirements
#   deploy/images/lock.sh FOLDER     writes what images install elsewhere and asks no registry, for the
#                                    test that compares
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
cd "$root"
into=${1:-deploy/images/requirements}
uv=$(command -v uv || echo "$root/.local/uv/bin/uv")

export_lock() {
    "$uv" export --quiet --frozen --no-emit-workspace --no-header --no-annotate \
        --format requirements.txt "$@"
}

lock() { # NAME, and what to export
    name=$1
    shift
    export_lock --no-dev "$@" >"$into/$name.txt"
}

if [ $# -eq 0 ]; then
    # Without the pins, and near what uv.lock has: only what must change does.
    sed -i '/^constraint-dependencies = \[$/,/^\]$/{/^ /d}' pyproject.toml
    "$uv" lock --quiet
    export_lock --no-hashes --all-packages --all-extras --all-groups >"$into/pins"
    sed -i 's/.*/    "&",/' "$into/pins"
    sed -i "/^constraint-dependencies = \[\$/r $into/pins" pyproject.toml
    rm "$into/pins"
    "$uv" lock --quiet
fi

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
