#!/bin/sh
# Makes .env, the passwords and keys of an installation in containers. Once, from the root:
#
#   deploy/images/make-env.sh
set -eu
file=${1:-.env}
if [ -e "$file" ]; then
    echo "$file is there already; the data in the volumes can only be read with what is in it." >&2
    echo "What a new release wants beside it is in docs/guides/operating.md, under Upgrades." >&2
    exit 1
fi
# Only its owner may read it.
umask 077

# They stand in URLs: letters and digits need no escape.
password() { openssl rand -hex 24; }

# The last 32 bytes of both DER forms are the raw keys that the processes read.
pair=$(openssl genpkey -algorithm ed25519 -outform DER | openssl base64)
private=$(echo "$pair" | openssl base64 -d | tail -c 32 | openssl base64)
public=$(echo "$pair" | openssl base64 -d | openssl pkey -inform DER -pubout -outform DER |
    tail -c 32 | openssl base64)

{
    echo "POSTGRES_PASSWORD=$(password)"
    for schema in ACCOUNTS ROOMS BOOKINGS PANEL ANALYTICS OCCUPANCY; do
        echo "${schema}_PASSWORD=$(password)"
        echo "${schema}_OWNER_PASSWORD=$(password)"
    done
    echo "GATEWAY_IDENTITY_KEY=$private"
    echo "ATRIUM_IDENTITY_PUBLIC_KEYS=$public"
    echo "BOOKINGS_SECRETS_KEY=$(openssl rand -base64 32)"
    echo "OCCUPANCY_SECRETS_KEY=$(openssl rand -base64 32)"
} >"$file"
echo "made $file"
