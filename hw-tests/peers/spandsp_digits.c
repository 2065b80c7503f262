/*
 * A detector of keyed digits made by others: prints what libspandsp hears in a sound file.
 *
 * libspandsp is under the GNU Lesser General Public License, version 2.1; it is linked into this program only, which is compiled
 * when a test needs it and runs as a process of its own.
 *
 * Usage: spandsp_digits FILE, or spandsp_digits -|-d for many recordings on the standard input: each is its number of samples in four
 * octets and the samples, all in little endian; it is answered with a line and heard by a detector of its own; with -d one that
 * filters dial tone out. A RIFF file must hold 16-bit linear PCM, one channel, 8000 samples per second; any other file is
 * taken as such samples without a header, in little endian. The digits are printed on one line.
 * Exit: 0 done (also when there are none), 1 usage, 2 the file cannot be used.
 */

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <spandsp.h>

static void fail(const char *path, const char *why)
{
    fprintf(stderr, "spandsp_digits: %s: %s\n", path, why);
    exit(2);
}

static uint32_t little(const uint8_t *octets, int count)
{
    uint32_t value = 0;
    while (count-- > 0)
        value = value << 8 | octets[count];
    return value;
}

/* Leaves the file at the first sample of a RIFF file's data chunk, and says how many octets follow. */
static uint32_t skip_header(FILE *file, const char *path)
{
    uint8_t chunk[8], format[16];
    int known = 0;
    fseek(file, 12, SEEK_SET);
    while (fread(chunk, 1, 8, file) == 8) {
        uint32_t length = little(chunk + 4, 4);
        if (memcmp(chunk, "data", 4) == 0) {
            if (!known)
                fail(path, "samples before their format");
            return length;
        }
        if (memcmp(chunk, "fmt ", 4) == 0) {
            if (length < 16 || fread(format, 1, 16, file) != 16)
                fail(path, "no format");
            if (little(format, 2) != 1 || little(format + 2, 2) != 1 || little(format + 4, 4) != 8000
                || little(format + 14, 2) != 16)
                fail(path, "not 16-bit linear PCM, one channel, 8000 samples per second");
            known = 1;
            length -= 16;
        }
        fseek(file, (long)(length + (length & 1)), SEEK_CUR);
    }
    fail(path, "no samples");
    return 0;
}

static void print_digits(dtmf_rx_state_t *detector)
{
    char digits[129];
    size_t count;
    while ((count = dtmf_rx_get(detector, digits, 128)) > 0)
        printf("%.*s", (int)count, digits);
}

/* Answers recordings from the standard input until it ends. */
static int answer_all(int filter_dial_tone)
{
    uint8_t octets[4];
    while (fread(octets, 1, 4, stdin) == 4) {
        uint32_t left = little(octets, 4);
        dtmf_rx_state_t *detector = dtmf_rx_init(NULL, NULL, NULL);
        if (detector == NULL)
            fail("-", "the detector does not start");
        if (filter_dial_tone)
            dtmf_rx_parms(detector, 1, -1, -1, -99);
        while (left > 0) {
            int16_t samples[160];
            int count = left < 160 ? (int)left : 160, i;
            for (i = 0; i < count; i++) {
                if (fread(octets, 1, 2, stdin) != 2)
                    fail("-", "ends within a recording");
                samples[i] = (int16_t)little(octets, 2);
            }
            dtmf_rx(detector, samples, count);
            print_digits(detector);
            left -= (uint32_t)count;
        }
        dtmf_rx_free(detector);
        printf("\n");
        fflush(stdout);
    }
    return 0;
}

int main(int argc, char **argv)
{
    uint8_t start[12], octets[320];
    uint32_t left = UINT32_MAX;
    dtmf_rx_state_t *detector;
    FILE *file;
    size_t got;

    if (argc != 2) {
        fprintf(stderr, "usage: spandsp_digits FILE|-|-d\n");
        return 1;
    }
    if (strcmp(argv[1], "-") == 0 || strcmp(argv[1], "-d") == 0)
        return answer_all(argv[1][1] == 'd');
    file = fopen(argv[1], "rb");
    if (file == NULL)
        fail(argv[1], "cannot be read");
    if (fread(start, 1, 12, file) == 12 && memcmp(start, "RIFF", 4) == 0 && memcmp(start + 8, "WAVE", 4) == 0)
        left = skip_header(file, argv[1]);
    else
        rewind(file);

    detector = dtmf_rx_init(NULL, NULL, NULL);
    if (detector == NULL)
        fail(argv[1], "the detector does not start");
    while (left > 1 && (got = fread(octets, 1, left < sizeof(octets) ? left : sizeof(octets), file)) > 1) {
        int16_t samples[160];
        int count = (int)(got / 2), i;
        for (i = 0; i < count; i++)
            samples[i] = (int16_t)little(octets + 2 * i, 2);
        dtmf_rx(detector, samples, count);
        print_digits(detector);
        left -= (uint32_t)got;
    }
    print_digits(detector);
    printf("\n");
    dtmf_rx_free(detector);
    fclose(file);
    return 0;
}
