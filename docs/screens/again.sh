#!/usr/bin/env bash
# Takes the pictures in this folder anew: every page of the portal, for a phone and a desk, in light and dark. Needs chromium and ffmpeg.
set -euo pipefail
cd "$(dirname "$0")/../.."
large=$(mktemp -d)
trap 'rm -r "$large"' EXIT
TRUNKCAST_PICTURES="$large" cargo test -p hw-tests --test portal_browser newcomer
for picture in "$large"/*.png; do
    # A page has few colours: a palette of them is a third of the size.
    ffmpeg -v error -y -i "$picture" -compression_level 9 \
        -vf "split[a][b];[a]palettegen=max_colors=48:reserve_transparent=0[p];[b][p]paletteuse=dither=none" \
        "docs/screens/$(basename "$picture")"
done
