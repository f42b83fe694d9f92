#!/bin/sh
# Prints the Secrets of an installation, from the file that deploy/images/make-env.sh made:
#
#   deploy/images/make-env.sh atrium.env
#   deploy/k8s/make-secrets.sh atrium.env | kubectl apply --namespace atrium --filename -
set -eu
case $1 in
*/*) . "$1" ;;
*) . "./$1" ;;
esac

# NAME, role and its password; CloudNativePG takes a changed password over at once.
role() {
    cat <<END
---
apiVersion: v1
kind: Secret
metadata:
  name: $1
  labels: {cnpg.io/reload: "true"}
type: kubernetes.io/basic-auth
stringData:
  username: $2
  password: $3
END
}

role postgres-superuser postgres "$POSTGRES_PASSWORD"
role postgres-accounts accounts "$ACCOUNTS_PASSWORD"
role postgres-accounts-owner accounts_owner "$ACCOUNTS_OWNER_PASSWORD"
role postgres-rooms rooms "$ROOMS_PASSWORD"
role postgres-rooms-owner rooms_owner "$ROOMS_OWNER_PASSWORD"
role postgres-bookings bookings "$BOOKINGS_PASSWORD"
role postgres-bookings-owner bookings_owner "$BOOKINGS_OWNER_PASSWORD"
role postgres-panel panel "$PANEL_PASSWORD"
role postgres-panel-owner panel_owner "$PANEL_OWNER_PASSWORD"
role postgres-analytics analytics "$ANALYTICS_PASSWORD"
role postgres-analytics-owner analytics_owner "$ANALYTICS_OWNER_PASSWORD"
role postgres-occupancy occupancy "$OCCUPANCY_PASSWORD"
role postgres-occupancy-owner occupancy_owner "$OCCUPANCY_OWNER_PASSWORD"
cat <<END
---
apiVersion: v1
kind: Secret
metadata:
  name: identity
stringData:
  private-key: $GATEWAY_IDENTITY_KEY
  public-keys: $ATRIUM_IDENTITY_PUBLIC_KEYS
---
apiVersion: v1
kind: Secret
metadata:
  name: bookings
stringData:
  secrets-key: $BOOKINGS_SECRETS_KEY
  # None: nothing is mailed.
  smtp-url: "${BOOKINGS_SMTP_URL:-}"
---
apiVersion: v1
kind: Secret
metadata:
  name: occupancy
stringData:
  secrets-key: $OCCUPANCY_SECRETS_KEY
END
