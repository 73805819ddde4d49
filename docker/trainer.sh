#!/bin/sh
# Retrain on a schedule, on the files in /data, or on the embedded sample if /data is empty. Uses the
# table of items in /items, if it exists.
set -eu

holds_files() {
  for file in "$1"/*; do
    case ${file#"$1"/} in
      "*" | README.md) ;;
      *) return 0 ;;
    esac
  done
  return 1
}

if holds_files /data; then
  set -- "$@" -- /data
else
  set -- "$@" -- sample --recipe sample
fi
if holds_files /items; then
  set -- "$@" --items /items
fi
exec bitrecall scheduler "$@"
