#!/bin/sh
# Restore a backup of docker/backup.sh into empty volumes:
#
#     docker/restore.sh FOLDER
#     docker/restore.sh FOLDER --replace             # delete existing data first
#     docker/restore.sh FOLDER --without-releases    # events and keys only; retrain releases
#     docker/restore.sh FOLDER --events-only         # leave releases and keys unchanged
#
# Stop the service and the trainer first.
set -eu
. "$(dirname "$0")/compose.sh"

replace='' volumes='/releases /work'
[ $# -ge 1 ] ||
  fail "usage: docker/restore.sh FOLDER [--replace] [--without-releases | --events-only]"
backup=$1
shift
for option in "$@"; do
  case $option in
    --replace) replace=yes ;;
    --without-releases) volumes=/work ;;
    --events-only) volumes='' ;;
    *) fail "unknown option $option: expected --replace, --without-releases or --events-only" ;;
  esac
done
folder=$(cd "$backup" && pwd) || fail "cannot read the folder $backup"
for file in COUNTS SHA256SUMS events.dump keys.tar releases.tar; do
  [ -f "$folder/$file" ] || fail "$backup is not a backup: the file $file is missing"
done
(cd "$folder" && checksums -c SHA256SUMS >/dev/null 2>&1) ||
  fail "$backup is damaged: a file differs from its checksum in SHA256SUMS"
for name in service trainer; do
  ! is_running "$name" || fail "stop the system first: '$compose_command stop service trainer'"
done

compose up -d database
wait_for_database
existing=$(count_events)
entries=0
[ -z "$volumes" ] ||
  entries=$(admin sh -c "find $volumes -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l" </dev/null)
if [ -z "$replace" ] && { [ "$existing" != 0 ] || [ "$entries" -gt 0 ]; }; then
  fail "the volumes are not empty: $existing events, $((entries)) release or key entries;" \
    "restore into empty volumes, or delete this data with --replace"
fi

# Drop everything, including tables that are not in the dump.
sql "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
compose exec -T database pg_restore -U bitrecall -d bitrecall \
  --no-owner --exit-on-error --single-transaction <"$folder/events.dump"
events=$(count_events)
expected=$(sed -n 's/^events //p' "$folder/COUNTS")
[ "$events" = "$expected" ] || fail "restored $events events, but the backup has $expected"
if [ -z "$volumes" ]; then
  echo "restored $events events from $backup"
  exit
fi

admin sh -c 'find /work -mindepth 1 -delete; exec tar -C /work -x' <"$folder/keys.tar"
if [ "$volumes" = /work ]; then
  echo "restored $events events and the keys from $backup"
  exit
fi

admin sh -c 'find /releases -mindepth 1 -delete; exec tar -C /releases -x' <"$folder/releases.tar"
releases=$(admin sh -c 'ls /releases/*/manifest.json 2>/dev/null | wc -l' </dev/null)
releases=$((releases))
expected=$(sed -n 's/^releases //p' "$folder/COUNTS")
[ "$releases" = "$expected" ] || fail "restored $releases releases, but the backup has $expected"
[ "$releases" = 0 ] || admin bitrecall release verify </dev/null
echo "restored $events events and $releases releases from $backup"
