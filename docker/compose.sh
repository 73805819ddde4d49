# Functions for the other scripts in this folder, which source this file.

root=$(cd "$(dirname "$0")/.." && pwd)

fail() {
  echo "$(basename "$0"): $*" >&2
  exit 1
}

# Compose v2 is a subcommand of docker; v1 is a separate program.
if docker compose version >/dev/null 2>&1; then
  compose_command="docker compose"
elif command -v docker-compose >/dev/null; then
  compose_command=docker-compose
else
  fail "found neither 'docker compose' nor 'docker-compose'"
fi

compose() {
  $compose_command --project-directory "$root" --file "$root/compose.yaml" "$@"
}

# Run a command in a container with write access to the volumes.
admin() {
  command=$1
  shift
  compose run --rm -T --no-deps --entrypoint "$command" admin "$@"
}

# Query a single value from the database.
sql() {
  compose exec -T database \
    psql -X -q -A -t -v ON_ERROR_STOP=1 -U bitrecall -d bitrecall -c "$1" </dev/null
}

# Over TCP, because the socket already responds while a new database is being initialised.
wait_for_database() {
  for _ in $(seq 60); do
    if compose exec -T database pg_isready -q -h 127.0.0.1 -U bitrecall -d bitrecall \
      </dev/null >/dev/null 2>&1; then
      return
    fi
    sleep 1
  done
  fail "the database does not respond; see '$compose_command logs database'"
}

count_events() {
  if [ "$(sql "SELECT to_regclass('public.events') IS NULL")" = t ]; then
    echo 0
  else
    sql "SELECT count(*) FROM events"
  fi
}

is_running() {
  ids=$(compose ps -q "$1") || fail "cannot list the containers of $1"
  for id in $ids; do
    [ "$(docker inspect --format '{{.State.Running}}' "$id")" = true ] && return
  done
  return 1
}

# Print or check SHA-256 checksums in the format of sha256sum.
checksums() {
  if command -v sha256sum >/dev/null; then
    sha256sum "$@"
  else
    shasum -a 256 "$@"
  fi
}
