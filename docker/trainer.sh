#!/bin/sh
# Retrain on a schedule: the data folder that is mounted at /data, or else the embedded sample.
set -eu
for file in /data/*; do
  case $file in
    "/data/*" | /data/README.md) ;;
    *) exec bitrecall scheduler "$@" -- /data ;;
  esac
done
exec bitrecall scheduler "$@" -- sample --recipe sample
