/*
 * What libspandsp takes for the voice of many channels: the other column of `benches/voice.rs`.
 *
 * libspandsp is under the GNU Lesser General Public License, version 2.1; it is linked into this program only, which is compiled
 * when the bench needs it and runs as a process of its own.
 *
 * Data path: an order a line on stdin, `WORK CHANNELS FRAMES FILE` -> that work on frames of 20 ms of the file's octets (mu-law),
 * each channel at another place of it -> its time on stdout.
 * Time: processor time of the one thread there is, in nanoseconds.
 *
 * The works:
 *   decode   ulaw_to_linear for each octet
 *   keys     dtmf_rx, a detector a channel
 *   mix      conferences of 32: a sum in 32 bits, each channel's own voice taken out, one clamp (libspandsp has no mixer)
 *   encode   linear_to_ulaw for each sample
 *   leg      all of them
 */

#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <spandsp.h>

enum { FRAME = 160, CHANNELS = 10000, PARTY = 32, APART = 1616 };

static dtmf_rx_state_t *detectors[CHANNELS];
static int16_t samples[CHANNELS][FRAME];
static int16_t mixed[CHANNELS][FRAME];
static uint8_t sent[CHANNELS][FRAME];
static uint8_t *octets;
static long count;
static long heard;

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return time.tv_sec * 1e9 + time.tv_nsec;
}

static void digits(void *unused, const char *found, int length)
{
    (void)unused;
    (void)found;
    heard += length;
}

static const uint8_t *received(int channel, long frame)
{
    return octets + ((long)channel * APART + frame * FRAME) % (count - FRAME);
}

static void decode(int channels, long frame)
{
    for (int channel = 0; channel < channels; channel++) {
        const uint8_t *from = received(channel, frame);
        for (int n = 0; n < FRAME; n++)
            samples[channel][n] = ulaw_to_linear(from[n]);
    }
}

static void keys(int channels)
{
    for (int channel = 0; channel < channels; channel++)
        dtmf_rx(detectors[channel], samples[channel], FRAME);
}

static void mix(int channels)
{
    for (int first = 0; first < channels; first += PARTY) {
        int32_t sum[FRAME] = {0};
        int end = first + PARTY < channels ? first + PARTY : channels;
        for (int channel = first; channel < end; channel++)
            for (int n = 0; n < FRAME; n++)
                sum[n] += samples[channel][n];
        for (int channel = first; channel < end; channel++)
            for (int n = 0; n < FRAME; n++) {
                int32_t others = sum[n] - samples[channel][n];
                mixed[channel][n] = others > INT16_MAX ? INT16_MAX : others < INT16_MIN ? INT16_MIN : others;
            }
    }
}

static void encode(int channels)
{
    for (int channel = 0; channel < channels; channel++)
        for (int n = 0; n < FRAME; n++)
            sent[channel][n] = linear_to_ulaw(mixed[channel][n]);
}

static void load(const char *path)
{
    static char loaded[512];
    if (strcmp(path, loaded) == 0)
        return;
    FILE *file = fopen(path, "rb");
    if (!file) {
        fprintf(stderr, "spandsp_voice: %s: cannot be read\n", path);
        exit(1);
    }
    fseek(file, 0, SEEK_END);
    count = ftell(file);
    rewind(file);
    free(octets);
    octets = malloc(count);
    if (fread(octets, 1, count, file) != (size_t)count)
        exit(1);
    fclose(file);
    snprintf(loaded, sizeof loaded, "%s", path);
}

int main(void)
{
    char work[32], path[512];
    int channels;
    long frames;
    for (int channel = 0; channel < CHANNELS; channel++)
        detectors[channel] = dtmf_rx_init(NULL, digits, NULL);
    while (scanf("%31s %d %ld %511s", work, &channels, &frames, path) == 4) {
        int leg = strcmp(work, "leg") == 0;
        load(path);
        decode(channels, 0);
        mix(channels);
        double begin = now();
        for (long frame = 0; frame < frames; frame++) {
            if (leg || strcmp(work, "decode") == 0)
                decode(channels, frame);
            if (leg || strcmp(work, "keys") == 0)
                keys(channels);
            if (leg || strcmp(work, "mix") == 0)
                mix(channels);
            if (leg || strcmp(work, "encode") == 0)
                encode(channels);
        }
        printf("%.0f %ld\n", now() - begin, heard + sent[0][0]);
        fflush(stdout);
    }
    return 0;
}
