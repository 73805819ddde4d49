#!/bin/sh
# Wait until the database responds, for at most a minute:
#
#     docker compose up -d database && docker/wait-for-database.sh
set -eu
. "$(dirname "$0")/compose.sh"

[ $# = 0 ] || fail "usage: docker/wait-for-database.sh"
wait_for_database
