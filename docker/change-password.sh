#!/bin/sh
# Give the database a new password:
#
#     docker/change-password.sh
#
# The service and the trainer read the password at start: restart them afterwards.
set -eu
. "$(dirname "$0")/compose.sh"

[ $# = 0 ] || fail "usage: docker/change-password.sh"
is_running database || fail "the database is not running: '$compose_command up -d database'"
wait_for_database
setup() {
  compose run --rm -T --no-deps --entrypoint sh setup -euc "$1"
}
# Store the new password beside the old one before the database gets it, so that it cannot be lost.
setup "python -c 'import secrets; print(secrets.token_urlsafe(32))' > /secrets/events_password.new
  chmod 444 /secrets/events_password.new" </dev/null
compose exec -T database sh -euc '
  password=$(cat /secrets/events_password.new)
  echo "ALTER ROLE bitrecall PASSWORD :'"'new'"'" |
    psql -X -q -v ON_ERROR_STOP=1 -v new="$password" -U bitrecall -d bitrecall' </dev/null
setup 'mv /secrets/events_password.new /secrets/events_password' </dev/null
echo "the database has a new password"
