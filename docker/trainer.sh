#!/bin/sh
# Retrain on a schedule: on the files in /data, or on the embedded sample if there are none; with the
# table of items in /items, if there is one.
set -eu
data=
for file in /data/*; do
  case $file in
    "/data/*" | /data/README.md) ;;
    *) data=/data ;;
  esac
done
items=
for file in /items/*; do
  case $file in
    "/items/*" | /items/README.md) ;;
    *)
      if [ -n "$items" ]; then
        echo "trainer: the folder of the item table holds several files, such as ${items#/items/}" \
          "and ${file#/items/}: leave one" >&2
        exit 2
      fi
      items=$file
      ;;
  esac
done
if [ -n "$data" ]; then
  set -- "$@" -- "$data"
else
  set -- "$@" -- sample --recipe sample
fi
if [ -n "$items" ]; then
  set -- "$@" --items "$items"
fi
exec bitrecall scheduler "$@"
