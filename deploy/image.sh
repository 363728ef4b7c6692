#!/bin/bash
# Builds deploy/Dockerfile where neither Docker nor a registry of images is at hand, and tries the
# image out: buildah as root, on a base that debootstrap makes of Debian's packages.
#
# image.sh [FOLDER]   Some 6 GB in FOLDER, out/image by default.
# BUILD_OPTIONS       Further options of `buildah build`: --secret id=pip,src=/etc/pip.conf, …
set -euo pipefail
cd "$(dirname "$0")/.."
work=$(realpath -m "${1:-out/image}")
suite=bookworm
store=(buildah --root "$work/storage" --runroot "$work/run" --storage-driver vfs)

for tool in buildah debootstrap; do
  command -v "$tool" >/dev/null || { echo "$tool is missing: apt-get install buildah debootstrap" >&2; exit 1; }
done
mkdir -p "$work"

if ! "${store[@]}" inspect --type image lens-base >/dev/null 2>&1; then
  rm -rf "$work/base"
  debootstrap --variant=minbase --include=ca-certificates,python3,python3-venv "$suite" "$work/base" "${DEBIAN_MIRROR:-}"
  container=$("${store[@]}" from scratch)
  "${store[@]}" copy --quiet "$container" "$work/base" /
  "${store[@]}" commit --quiet --rm "$container" lens-base
  rm -rf "$work/base"
fi

read -ra options <<<"${BUILD_OPTIONS:-}"
"${store[@]}" build --isolation chroot --format docker --build-arg BASE=localhost/lens-base \
  --file deploy/Dockerfile --ignorefile deploy/Dockerfile.dockerignore --tag commodity-lens \
  "${options[@]}" .

container=$("${store[@]}" from --pull-never commodity-lens)
trap '"${store[@]}" rm "$container" >/dev/null' EXIT
"${store[@]}" inspect --type image commodity-lens >"$work/image.json"
python3 deploy/try_image.py "$("${store[@]}" mount "$container")" "$work/image.json"
