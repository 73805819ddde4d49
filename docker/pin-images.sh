#!/bin/sh
# Print the digests of the images on this machine, as lines for the file .env:
#
#     docker/pin-images.sh >> .env
#
# A tag can be moved to another image; a digest cannot.
set -eu
. "$(dirname "$0")/compose.sh"

[ $# = 0 ] || fail "usage: docker/pin-images.sh >> .env"
pinned=
for line in $(sed -n 's/.*\${\(BITRECALL_[A-Z]*_IMAGE\):-\([^}]*\)}.*/\1=\2/p' "$root/compose.yaml"); do
  name=${line%%=*} image=${line#*=}
  eval "image=\${$name:-\$image}"
  digest=$(docker image inspect --format '{{range .RepoDigests}}{{println .}}{{end}}' "$image" \
    2>/dev/null | head -n 1)
  [ -n "$digest" ] || fail "$image has no digest on this machine: run 'docker pull $image' first"
  pinned="$pinned$name=$digest
"
done
printf %s "$pinned"
