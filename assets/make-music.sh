#!/bin/sh
# Makes the music of waiting callers, music/hold.wav: a composition of our own, played by sox.
#
# Four chords of six seconds, plucked, over a soft bass; the last leads to the first again, and what rings on beyond the end is put
# under the beginning, so that the loop has no seam. Needs sox; the same version makes the same file, octet for octet.
#
#   make-music.sh           make it
#   make-music.sh --check   make it elsewhere and say whether it is the one kept here
set -eu
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
into=music
[ "${1:-}" = --check ] && into=$work
mkdir -p "$into"

# pluck NOTE SECONDS: a string that rings for three seconds, beginning so late.
count=0
pluck() {
    count=$((count + 1))
    late="pad $2"
    [ "$2" = 0 ] && late=""
    sox -R -n -r 8000 -c 1 -e floating-point -b 32 "$work/note$count.wav" synth 3 triangle "$1" \
        fade p 0.004 3 2.9 lowpass 1800 gain -14 $late
}

# chord SECONDS BASS NOTE NOTE NOTE: up and down again, a note every 0.75 s.
chord() {
    pluck "$2" "$1"
    at=0
    for note in "$3" "$4" "$5" "$4" "$3" "$5" "$4" "$3"; do
        pluck "$note" "$(awk "BEGIN { print $1 + $at * 0.75 }")"
        at=$((at + 1))
    done
}

chord 0 F3 A3 C4 F4
chord 6 D3 A3 D4 F4
chord 12 A#3 A#3 D4 G4
chord 18 C3 G3 C4 E4

# The voices together, 24 s and what rings on.
sox -R -m "$work"/note*.wav "$work/all.wav" gain -n -6
sox -R "$work/all.wav" "$work/loop.wav" trim 0 24
sox -R "$work/all.wav" "$work/tail.wav" trim 24 pad 0 24 trim 0 24
# 0 dBm0 is 6.2 dB below full scale by r.m.s. (G.711): -20 dBm0 is -26.2 dBFS.
sox -R -m -v 1 "$work/loop.wav" -v 1 "$work/tail.wav" "$work/seamless.wav"
rms=$(sox "$work/seamless.wav" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }')
sox -R "$work/seamless.wav" -b 8 -e a-law "$into/hold.wav" gain "$(awk "BEGIN { print -26.2 - ($rms) }")"

if [ "$into" != music ]; then
    cmp music/hold.wav "$into/hold.wav"
    echo "The music is what the script makes."
fi
