/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * What libpri takes for what we do too: the other column of `benches/libpri.rs`.
 *
 * libpri is under the GNU General Public License, version 2. It is linked into this program only, which is compiled when the bench
 * needs it and runs as a process of its own. Nothing of the project links to it.
 *
 * Data path: an order a line on stdin, `WORK COUNT` -> that work, so many times, in memory -> its time on stdout.
 * Time: processor time of the one thread there is, in nanoseconds. libpri's handlers for words do nothing.
 *
 * The first line on stdout has the octets of SETUP and SERVICE as libpri makes them, in hexadecimal. The works:
 *   poll     RR with P in, RR with F out: layer 2 alone
 *   setup    SETUP in, its event out, RELEASE COMPLETE out
 *   dial     SETUP out, RELEASE COMPLETE in, its event out
 *   service  SERVICE in, its event out, SERVICE ACKNOWLEDGE out
 *   call     two libpri instances joined in memory: SETUP, CALL PROCEEDING, ALERTING, CONNECT, CONNECT ACKNOWLEDGE, DISCONNECT,
 *            RELEASE, RELEASE COMPLETE
 * In the first four, this program plays the network to a user side: no more of layer 2 than numbers. pri_schedule_run, which looks
 * after timers, is called once in a thousand turns, because no timer runs out; what it costs otherwise is not counted.
 */

#define _GNU_SOURCE
#include <libpri.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { FRAME_MAX = 264, ROOM = 64, CHANNEL = 5 };

struct frame {
    int length;
    uint8_t octets[FRAME_MAX];
};

/* One libpri, and the frames on their way to it. */
struct end {
    struct pri *pri;
    struct end *far; /* NULL: the far end is played by hand */
    struct frame queue[ROOM];
    unsigned int first, count;
    uint8_t expected; /* N(S) of its next I frame, when the far end is played */
    struct frame last; /* its last I frame, likewise */
    q931_call *call;
    long released;
    bool took_frame;
};

static struct end user, network, alone;

__attribute__((noreturn)) static void fail(const char *what)
{
    fprintf(stderr, "libpri_bench: %s\n", what);
    exit(1);
}

static void words(struct pri *unused, char *text)
{
    (void)unused;
    (void)text;
}

static uint64_t now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* The line. libpri counts two octets of frame check sequence in every length. */

static void put(struct end *end, const uint8_t *octets, int length)
{
    struct frame *frame = &end->queue[(end->first + end->count) % ROOM];
    if (end->count == ROOM)
        fail("a queue is full");
    memcpy(frame->octets, octets, (size_t)length);
    frame->length = length;
    end->count++;
}

static int line_read(struct pri *pri, void *buffer, int length)
{
    struct end *end = pri_get_userdata(pri);
    struct frame *frame = &end->queue[end->first];
    if (end->count == 0 || frame->length + 2 > length)
        return 0;
    memcpy(buffer, frame->octets, (size_t)frame->length);
    memset((uint8_t *)buffer + frame->length, 0, 2);
    end->first = (end->first + 1) % ROOM;
    end->count--;
    end->took_frame = true;
    return frame->length + 2;
}

static int line_write(struct pri *pri, void *buffer, int length)
{
    struct end *end = pri_get_userdata(pri);
    const uint8_t *octets = buffer;
    if (end->far != NULL)
        put(end->far, octets, length - 2);
    else if (octets[2] == 0x7f)
        put(end, (const uint8_t[]){ 0x00, 0x01, 0x73 }, 3); /* UA for its SABME */
    else if ((octets[2] & 1) == 0) {
        end->expected = (uint8_t)((octets[2] >> 1) + 1) & 0x7f;
        memcpy(end->last.octets, octets, (size_t)length - 2);
        end->last.length = length - 2;
    }
    return length;
}

static void begin(struct end *end, int node, struct end *far)
{
    end->far = far;
    end->pri = pri_new_cb(-1, node, PRI_SWITCH_NI2, line_read, line_write, end);
    if (end->pri == NULL)
        fail("libpri does not start");
    pri_connect_ack_enable(end->pri, 1);
    pri_hangup_fix_enable(end->pri, 1);
    pri_set_service_message_support(end->pri, 1);
}

/* What an application does. */

static void handle(struct end *end, pri_event *event)
{
    switch (event->e) {
    case PRI_EVENT_RING:
        if (end->far == NULL) {
            pri_hangup(end->pri, event->ring.call, PRI_CAUSE_NORMAL_CIRCUIT_CONGESTION);
            end->released++;
            break;
        }
        pri_proceeding(end->pri, event->ring.call, event->ring.channel, 0);
        pri_acknowledge(end->pri, event->ring.call, event->ring.channel, 0);
        pri_answer(end->pri, event->ring.call, event->ring.channel, 0);
        break;
    case PRI_EVENT_ANSWER:
        pri_connect_ack(end->pri, event->answer.call, event->answer.channel);
        pri_hangup(end->pri, event->answer.call, PRI_CAUSE_NORMAL_CLEARING);
        break;
    case PRI_EVENT_HANGUP_REQ:
    case PRI_EVENT_HANGUP:
        pri_hangup(end->pri, event->hangup.call, event->hangup.cause);
        if (event->e == PRI_EVENT_HANGUP)
            end->released++;
        break;
    case PRI_EVENT_HANGUP_ACK:
    case PRI_EVENT_SERVICE:
        end->released++;
        break;
    default:
        break;
    }
}

static void run(struct end *end)
{
    do {
        pri_event *event;
        end->took_frame = false;
        if ((event = pri_check_event(end->pri)) != NULL)
            handle(end, event);
    } while (end->took_frame);
}

static void timers(struct end *end)
{
    pri_event *event;
    while ((event = pri_schedule_run(end->pri)) != NULL)
        handle(end, event);
}

static void dial(struct end *end)
{
    struct pri_sr *request = pri_sr_new();
    end->call = pri_new_call(end->pri);
    pri_sr_set_channel(request, CHANNEL, 1, 0);
    pri_sr_set_bearer(request, PRI_TRANS_CAP_SPEECH, PRI_LAYER_1_ULAW);
    pri_sr_set_called(request, "2125550100", PRI_NATIONAL_ISDN, 1);
    pri_sr_set_caller(request, "2025550101", NULL, PRI_NATIONAL_ISDN, PRES_ALLOWED_USER_NUMBER_PASSED_SCREEN);
    if (pri_setup(end->pri, end->call, request) != 0)
        fail("libpri does not place the call");
    pri_sr_free(request);
}

/* The far end played by hand. */

static uint8_t next_number;

static void give(struct end *end, const uint8_t *message, int length)
{
    uint8_t octets[FRAME_MAX] = { 0x02, 0x01, (uint8_t)(next_number << 1), (uint8_t)(end->expected << 1) };
    memcpy(octets + 4, message, (size_t)length);
    put(end, octets, length + 4);
    next_number = (next_number + 1) & 0x7f;
}

static struct frame setup = { 0, { 0 } };
static uint8_t service[] = { 0x43, 0x02, 0x00, 0x00, 0x07, 0x01, 0x01, 0xc0, 0x18, 0x03, 0xa9, 0x83, 0x85 };

static void one_poll(void)
{
    put(&alone, (const uint8_t[]){ 0x02, 0x01, 0x01, (uint8_t)(alone.expected << 1 | 1) }, 4);
    run(&alone);
}

static void one_setup(void)
{
    static uint16_t reference;
    reference = (uint16_t)(reference % 0x7fff + 1);
    setup.octets[2] = (uint8_t)(reference >> 8);
    setup.octets[3] = (uint8_t)reference;
    give(&alone, setup.octets, setup.length);
    run(&alone);
}

static void one_dial(void)
{
    uint8_t answer[] = { 0x08, 0x02, 0x00, 0x00, 0x5a, 0x08, 0x02, 0x80, 0xa2 };
    dial(&alone);
    answer[2] = alone.last.octets[6] | 0x80;
    answer[3] = alone.last.octets[7];
    give(&alone, answer, sizeof(answer));
    run(&alone);
}

static void one_service(void)
{
    service[7] ^= 0x02; /* out of service, in service, and so on */
    give(&alone, service, sizeof(service));
    run(&alone);
}

static void one_call(void)
{
    dial(&network);
    while (user.count > 0 || network.count > 0) {
        run(&user);
        run(&network);
    }
}

static const struct work {
    const char *name;
    void (*once)(void);
    struct end *end;
} works[] = { { "poll", one_poll, NULL },
              { "setup", one_setup, &alone },
              { "dial", one_dial, &alone },
              { "service", one_service, &alone },
              { "call", one_call, &network } };

static void print_hex(const char *name, const uint8_t *octets, int length)
{
    int i;
    printf(",\"%s\":\"", name);
    for (i = 0; i < length; i++)
        printf("%02x", octets[i]);
    printf("\"");
}

int main(void)
{
    char name[32];
    long count, i;
    size_t w;

    pri_set_message(words);
    pri_set_error(words);
    begin(&user, PRI_CPE, &network);
    begin(&network, PRI_NETWORK, &user);
    begin(&alone, PRI_CPE, NULL);
    while (user.count > 0 || network.count > 0 || alone.count > 0) {
        run(&user);
        run(&network);
        run(&alone);
    }
    /* The SETUP that everybody is given is libpri's own, as its network side would send it. */
    dial(&network);
    while (user.count > 0 && (user.queue[user.first].octets[2] & 1) != 0)
        run(&user);
    for (i = 0; i < (long)user.count; i++) {
        struct frame *frame = &user.queue[(user.first + (unsigned int)i) % ROOM];
        if ((frame->octets[2] & 1) == 0 && frame->octets[8] == 0x05) {
            setup.length = frame->length - 4;
            memcpy(setup.octets, frame->octets + 4, (size_t)setup.length);
        }
    }
    if (setup.length == 0)
        fail("there is no SETUP");
    while (user.count > 0 || network.count > 0) {
        run(&user);
        run(&network);
    }
    if (network.released != 1)
        fail("the first call did not end");
    printf("{\"version\":\"%s\"", pri_get_version());
    print_hex("setup", setup.octets, setup.length);
    print_hex("service", service, sizeof(service));
    printf("}\n");
    fflush(stdout);

    while (scanf("%31s %ld", name, &count) == 2) {
        for (w = 0; w < sizeof(works) / sizeof(works[0]); w++)
            if (strcmp(name, works[w].name) == 0) {
                long before = works[w].end != NULL ? works[w].end->released : 0;
                uint64_t start = now(), time;
                for (i = 0; i < count; i++) {
                    works[w].once();
                    if (i % 1000 == 999) {
                        timers(&user);
                        timers(&network);
                        timers(&alone);
                    }
                }
                time = now() - start;
                if (works[w].end != NULL && works[w].end->released - before != count)
                    fail("not every turn came to its end");
                printf("%llu\n", (unsigned long long)time);
                fflush(stdout);
            }
    }
    return 0;
}
