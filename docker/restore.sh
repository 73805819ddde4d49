#!/bin/sh
# Restore what docker/backup.sh wrote, into empty volumes:
#
#     docker/restore.sh FOLDER
#     docker/restore.sh FOLDER --replace             # remove what is there first
#     docker/restore.sh FOLDER --without-releases    # events and keys: releases are trained anew
#     docker/restore.sh FOLDER --events-only         # leave releases and keys alone
#
# The service and the trainer must not run meanwhile.
set -eu
. "$(dirname "$0")/compose.sh"

replace='' volumes='/releases /work'
[ $# -ge 1 ] ||
  fail "usage: docker/restore.sh FOLDER [--replace] [--without-releases | --events-only]"
given=$1
shift
for option in "$@"; do
  case $option in
    --replace) replace=yes ;;
    --without-releases) volumes=/work ;;
    --events-only) volumes='' ;;
    *) fail "unknown option $option: expected --replace, --without-releases or --events-only" ;;
  esac
done
folder=$(cd "$given" && pwd) || fail "cannot read the folder $given"
for file in COUNTS SHA256SUMS events.dump keys.tar releases.tar; do
  [ -f "$folder/$file" ] || fail "$given is no backup: it has no file $file"
done
(cd "$folder" && checksums -c SHA256SUMS >/dev/null 2>&1) ||
  fail "$given is damaged: a file differs from its checksum in SHA256SUMS"
for name in service trainer; do
  ! is_running "$name" || fail "stop the system first: '$compose_command stop service trainer'"
done

compose up -d database
wait_for_database
there=$(count_events)
kept=0
[ -z "$volumes" ] ||
  kept=$(admin sh -c "find $volumes -mindepth 1 -maxdepth 1 ! -name '.*' | wc -l" </dev/null)
if [ -z "$replace" ] && { [ "$there" != 0 ] || [ "$kept" -gt 0 ]; }; then
  fail "there are $there events and $((kept)) entries among releases and keys already:" \
    "restore into empty volumes, or remove them with --replace"
fi

# Of tables that the dump lacks, none stays.
sql "DROP SCHEMA public CASCADE; CREATE SCHEMA public"
compose exec -T database pg_restore -U bitrecall -d bitrecall \
  --no-owner --exit-on-error --single-transaction <"$folder/events.dump"
events=$(count_events)
wanted=$(sed -n 's/^events //p' "$folder/COUNTS")
[ "$events" = "$wanted" ] || fail "restored $events events, and the backup has $wanted"
if [ -z "$volumes" ]; then
  echo "restored $events events from $given"
  exit
fi

admin sh -c 'find /work -mindepth 1 -delete; exec tar -C /work -x' <"$folder/keys.tar"
if [ "$volumes" = /work ]; then
  echo "restored $events events and the keys from $given"
  exit
fi

admin sh -c 'find /releases -mindepth 1 -delete; exec tar -C /releases -x' <"$folder/releases.tar"
releases=$(admin sh -c 'ls /releases/*/manifest.json 2>/dev/null | wc -l' </dev/null)
releases=$((releases))
wanted=$(sed -n 's/^releases //p' "$folder/COUNTS")
[ "$releases" = "$wanted" ] || fail "restored $releases releases, and the backup has $wanted"
[ "$releases" = 0 ] || admin bitrecall release verify </dev/null
echo "restored $events events and $releases releases from $given"
