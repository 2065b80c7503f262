/*
 * SPDX-License-Identifier: GPL-2.0-or-later
 *
 * One end of a data link made by others: the LAPD of libosmoabis and libosmocore.
 *
 * Those libraries are under the GNU General Public License, version 2 or later. They are linked into this program only, which is
 * compiled when a test needs it and runs as a process of its own. Nothing of the project links to them.
 *
 * Data path: frames without FCS on a SEQPACKET socket, which is stdin -> libosmoabis -> numbered messages, which are checked here;
 * our own numbered messages -> libosmoabis -> the socket. A message is an INFORMATION of Q.931, because the reader of captures
 * wants to understand it: its number is the call reference, and user-user information fills it up to 8 to 260 octets, as many as
 * the number gives modulo 253, each the last octet of the number.
 * Time: libosmocore's timers, by the real clock.
 * Output: one JSON object a line on stdout for each event; what the libraries say in words goes to stderr with --debug.
 * Exit: 0 the socket was closed, or the link released as asked; 1 usage, 2 the socket or the library fails, 3 a message that is
 * not what it should be.
 */

#include <errno.h>
#include <osmocom/abis/lapd.h>
#include <osmocom/core/application.h>
#include <osmocom/core/logging.h>
#include <osmocom/core/msgb.h>
#include <osmocom/core/prim.h>
#include <osmocom/core/select.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TEI = 0, SAPI = 0, FRAME_MAX = 264, HEADROOM = 64, EMPTY = 8, FILLERS = 253 };

static struct lapd_instance *instance;
static unsigned int to_send, sent, received, release_after;

static void say(const char *event, long number)
{
    printf("{\"event\":\"%s\",\"number\":%ld}\n", event, number);
    fflush(stdout);
}

/* Messages. */

static unsigned int compose(unsigned int number, uint8_t *octets)
{
    unsigned int filler = number % FILLERS;
    const uint8_t start[EMPTY] = { 0x08, 0x02, (uint8_t)(number >> 8), (uint8_t)number, 0x7b, 0x7e, (uint8_t)(filler + 1), 0x00 };
    memcpy(octets, start, EMPTY);
    memset(octets + EMPTY, (int)(number & 0xff), filler);
    return EMPTY + filler;
}

static void send_one(void)
{
    uint8_t octets[EMPTY + FILLERS];
    unsigned int length = compose(sent++, octets);
    struct msgb *message = msgb_alloc_headroom(FRAME_MAX + HEADROOM, HEADROOM, "numbered message");
    memcpy(msgb_put(message, length), octets, length);
    lapd_transmit(instance, TEI, SAPI, message);
}

static void receive_one(struct msgb *message)
{
    uint8_t expected[EMPTY + FILLERS];
    const uint8_t *octets = message->l3h;
    unsigned int length = msgb_l3len(message), number;
    number = length < EMPTY ? 0 : (unsigned int)(octets[2] << 8 | octets[3]);
    if (compose(number, expected) != length || memcmp(expected, octets, length) != 0) {
        fprintf(stderr, "osmo_lapd: a message of %u octets is damaged\n", length);
        exit(3);
    }
    received++;
    say("message", number);
}

/* The library's two ways out: to the line, and to layer 3. */

static void to_line(struct msgb *frame, void *unused)
{
    (void)unused;
    /* A frame the socket has no room for is a frame lost on the line: Q.921 repeats it. */
    if (send(STDIN_FILENO, frame->data, frame->len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        say(errno == EAGAIN ? "lost" : "line_gone", errno);
    msgb_free(frame);
}

static void to_layer_3(struct osmo_dlsap_prim *primitive, uint8_t tei, uint8_t sapi, void *unused)
{
    (void)unused;
    if (tei != TEI || sapi != SAPI) {
        fprintf(stderr, "osmo_lapd: TEI %u, SAPI %u\n", tei, sapi);
        exit(3);
    }
    switch (primitive->oph.primitive) {
    case PRIM_DL_EST:
        say(primitive->oph.operation == PRIM_OP_CONFIRM ? "established" : "established_by_peer", 0);
        while (sent < to_send)
            send_one();
        break;
    case PRIM_DL_DATA:
        receive_one(primitive->oph.msg);
        break;
    case PRIM_DL_REL:
        say(primitive->oph.operation == PRIM_OP_CONFIRM ? "released" : "released_by_peer", 0);
        if (primitive->oph.operation == PRIM_OP_CONFIRM && release_after > 0)
            exit(0);
        break;
    case PRIM_MDL_ERROR:
        say("error", primitive->u.error_ind.cause);
        break;
    default:
        say("other", primitive->oph.primitive);
    }
    if (primitive->oph.msg != NULL)
        msgb_free(primitive->oph.msg);
}

static int from_line(struct osmo_fd *line, unsigned int what)
{
    struct msgb *frame = msgb_alloc_headroom(1024 + HEADROOM, HEADROOM, "frame");
    ssize_t got = recv(line->fd, frame->data, 1024, MSG_DONTWAIT);
    int error = 0;
    (void)what;
    if (got <= 0) {
        msgb_free(frame);
        if (got < 0 && (errno == EAGAIN || errno == EINTR))
            return 0;
        say("closed", 0);
        exit(0);
    }
    msgb_put(frame, (unsigned int)got);
    lapd_receive(instance, frame, &error);
    if (error != 0)
        say("refused", error);
    /* Not from within the library's own call: releasing frees what it still looks at. */
    if (release_after > 0 && received >= release_after) {
        received = 0;
        lapd_sap_stop(instance, TEI, SAPI);
    }
    return 0;
}

static void usage(void)
{
    fprintf(stderr, "usage: osmo_lapd --role network|user [--establish] [--send N=0] [--release-after N=0, messages received]\n"
                    "  [--t200 MS=1000] [--n200 N=3] [--debug]      (stdin: a SEQPACKET socket, one frame a datagram)\n");
    exit(1);
}

int main(int argc, char **argv)
{
    static const struct log_info no_categories = { 0 };
    struct lapd_profile profile = lapd_profile_isdn;
    const char *role = NULL;
    bool establish = false, debug = false;
    struct osmo_fd line;
    int i;

    for (i = 1; i < argc; i++) {
        const char *option = argv[i];
        if (strcmp(option, "--establish") == 0)
            establish = true;
        else if (strcmp(option, "--debug") == 0)
            debug = true;
        else if (i + 1 >= argc)
            usage();
        else if (strcmp(option, "--role") == 0)
            role = argv[++i];
        else if (strcmp(option, "--send") == 0)
            to_send = (unsigned int)atoi(argv[++i]);
        else if (strcmp(option, "--release-after") == 0)
            release_after = (unsigned int)atoi(argv[++i]);
        else if (strcmp(option, "--t200") == 0) {
            profile.t200_sec = atoi(argv[++i]) / 1000;
            profile.t200_usec = atoi(argv[i]) % 1000 * 1000;
        } else if (strcmp(option, "--n200") == 0)
            profile.n200 = atoi(argv[++i]);
        else
            usage();
    }
    if (role == NULL || (strcmp(role, "network") != 0 && strcmp(role, "user") != 0))
        usage();

    osmo_init_logging2(NULL, &no_categories);
    log_set_print_filename2(osmo_stderr_target, LOG_FILENAME_NONE);
    log_set_log_level(osmo_stderr_target, debug ? LOGL_DEBUG : LOGL_FATAL);

    instance = lapd_instance_alloc2(strcmp(role, "network") == 0, to_line, NULL, to_layer_3, NULL, &profile, "peer");
    if (instance == NULL || lapd_tei_alloc(instance, TEI) == NULL)
        return 2;
    osmo_fd_setup(&line, STDIN_FILENO, OSMO_FD_READ, from_line, NULL, 0);
    if (osmo_fd_register(&line) != 0)
        return 2;
    say("ready", 0);
    if (establish && lapd_sap_start(instance, TEI, SAPI) != 0)
        return 2;
    for (;;)
        osmo_select_main(0);
}
