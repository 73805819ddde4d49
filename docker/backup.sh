#!/bin/sh
# Back up events, releases and keys into a new folder, while the system runs:
#
#     docker/backup.sh FOLDER
#
# Releases are copied before events. In the other order, a release could have been trained on events
# that are missing from the backup. docker/restore.sh restores the backup.
set -eu
. "$(dirname "$0")/compose.sh"

[ $# = 1 ] || fail "usage: docker/backup.sh FOLDER"
[ ! -e "$1" ] || fail "$1 already exists: choose a new folder"
written=$1.unfinished
rm -rf "$written"
mkdir -p "$written"
trap 'rm -rf "$written"' EXIT

is_running database || fail "the database is not running: '$compose_command up -d database'"
wait_for_database

# Hold the store's lock, so that no release is published or removed during the copy.
admin sh -c 'exec flock --shared /releases/.lock \
  tar -C /releases --exclude="./.*" -c .' >"$written/releases.tar" </dev/null
admin sh -c 'exec tar -C /work -c .' >"$written/keys.tar" </dev/null
compose exec -T database pg_dump -U bitrecall -Fc bitrecall >"$written/events.dump" </dev/null

# Count the events in the dump, and check that it is complete.
events=$(
  compose exec -T database pg_restore --data-only --table=events --file=- <"$written/events.dump" |
    awk '/^-- PostgreSQL database dump complete/ { complete = 1 }
      /^\\\.$/ { rows = 0 }
      rows { count++ }
      /^COPY / { rows = 1 }
      END { if (!complete) exit 1; print count + 0 }'
) || fail "cannot read the dump of the events back"
releases=$(tar -tf "$written/releases.tar" | grep -c '/manifest.json$' || true)

(cd "$written" && checksums events.dump keys.tar releases.tar >SHA256SUMS)
printf 'events %s\nreleases %s\n' "$events" "$releases" >"$written/COUNTS"
mv "$written" "$1"
echo "backed up $events events and $releases releases into $1"
