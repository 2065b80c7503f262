#!/bin/sh
# Makes every sound file in this directory from the tables beside them.
#
# Needs flite, espeak-ng and sox (Debian: apt-get install flite espeak-ng sox); nothing random goes in, so
# the same versions of the three make the same files, octet for octet. README.md says what each step is for.
#
#   make-prompts.sh           make all of them
#   make-prompts.sh --check   make them elsewhere and say whether they are those kept here
set -eu
cd "$(dirname "$0")"

ENGLISH_VOICE=slt
LECTURE_VOICE=slt
TAB=$(printf '\t')

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
into=.
[ "${1:-}" = --check ] && into=$work/made

# say LANGUAGE VOICE WORDS FILE
say() {
    # Half the octets, where the voice is not good enough to tell.
    case $1 in
    en) coded="-b 16 -e signed-integer" ;;
    *) coded="-b 8 -e a-law" ;;
    esac
    case $1 in
    en) flite -voice "$2" --setf duration_stretch=1.06 -t "$3" -o "$work/raw.wav" ;;
    *) espeak-ng -v "$2" -s 160 -a 80 -w "$work/raw.wav" -- "$3" ;;
    esac
    # To the band and the rate of a telephone channel; silence off both ends, 40 ms of it put back.
    sox -R "$work/raw.wav" -r 8000 -c 1 -e floating-point -b 32 "$work/band.wav" \
        rate -v 8000 sinc -n 801 200-3400 \
        silence 1 0.02 -48d reverse silence 1 0.02 -48d reverse pad 0.04 0.04
    # Even out loud and soft syllables, because the voice as it comes has peaks 20 dB above its RMS...
    sox -R "$work/band.wav" "$work/even.wav" \
        norm -3 compand 0.003,0.12 6:-70,-70,-40,-34,-20,-16,-10,-11,0,-7 0 -90 0.003
    # ... then -20 dBFS RMS, with what would exceed -6 dBFS held there (the limiter begins below its ceiling).
    rms=$(sox "$work/even.wav" -n stats 2>&1 | awk '/^RMS lev dB/ { print $4 }')
    sox -R "$work/even.wav" $coded "$4" gain -l "$(awk "BEGIN { print -14 - ($rms) }")" gain -4.5
}

for language in en de fr es; do
    mkdir -p "$into/prompts/$language/numbers"
    while IFS=$TAB read -r name words spelled; do
        case $name in '#'*|'') continue ;; esac
        voice=$language
        [ $language = en ] && voice=$ENGLISH_VOICE
        say $language "$voice" "${spelled:-$words}" "$into/prompts/$language/$name.wav"
    done < "prompts/$language/prompts.txt"
done

# Spelling for the synthesiser: one word each that its dictionary lacks or would spell out.
spell() { sed -e 's/Trunkcast/trunk cast/g' -e 's/PIN/pin/g' -e 's/recognised/recognized/g'; }

mkdir -p "$into/speech"
while IFS=$TAB read -r name voice words; do
    case $name in '#'*|'') continue ;; esac
    say en "$voice" "$(printf '%s' "$words" | spell)" "$into/speech/$name.wav"
done < speech/dialogue.txt

say en $LECTURE_VOICE "$(spell < speech/lecture.txt)" "$into/speech/lecture.wav"

if [ "$into" != . ]; then
    for file in prompts/*/*.wav prompts/*/numbers/*.wav speech/*.wav; do
        cmp "$file" "$into/$file"
    done
    echo "All sound files are those that the tables make."
fi
