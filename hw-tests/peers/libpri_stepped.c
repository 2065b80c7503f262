/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * libpri at the far end of a D channel, under a clock that the test owns.
 *
 * libpri is under the GNU General Public License, version 2. It is linked into this program only, which is compiled when a test
 * needs it, runs as a process of its own and speaks to ours over a socket alone. Nothing of the project links to it.
 *
 * Looks after one primary rate interface without bearers: its calls by channel, RESTART, SERVICE and the data link. The channels
 * of a second interface that shares the D channel are those from 32 on: 37 is its channel 5.
 *
 * Data path: datagrams on standard input, one kind by their first octet. To here:
 *     F octets    a frame from the line, without FCS
 *     T decimal   it is so many microseconds after the start; timers that are due run out
 *     C words     an order; the table is at the end
 * and from here, in answer to each of them:
 *     F octets    a frame for the line
 *     E text      an event as a JSON object
 *     D decimal   that was all; libpri wants to be called at this time, or never (-1)
 * Time: libpri asks gettimeofday() and time(), and finds ours: nothing here waits, and an hour takes no time.
 * Exit: 0 the socket was closed, 1 usage, 2 an order that libpri refuses or that makes no sense.
 */

#include <libpri.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { INTERFACE = 32, CHANNELS = 2 * INTERFACE, DATAGRAM_MAX = 1024 };

/* When the test's clock stands at 0. */
static const int64_t EPOCH_US = 1000000000LL * 1000000;

/* A call by its channel. */
struct call {
    q931_call *handle; /* NULL: the channel is idle */
    bool clearing;     /* we began */
};

static struct call calls[CHANNELS];
static struct pri *pri;
static bool network, e1;
static int refusal; /* cause that calls are refused with; 0: they are taken */
static bool restart_whole; /* the next RESTART is to be for the interface */
static int64_t clock_us;
static uint8_t frame[DATAGRAM_MAX];
static size_t frame_length; /* of the frame that libpri has still to read */

/* The clock. Both are what libpri finds under these names. */

int gettimeofday(struct timeval *restrict t, void *restrict zone)
{
    (void)zone;
    t->tv_sec = (EPOCH_US + clock_us) / 1000000;
    t->tv_usec = (EPOCH_US + clock_us) % 1000000;
    return 0;
}

time_t time(time_t *t)
{
    time_t seconds = (EPOCH_US + clock_us) / 1000000;
    if (t != NULL)
        *t = seconds;
    return seconds;
}

/* Answers. */

__attribute__((noreturn, format(printf, 2, 3))) static void fail(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "libpri_stepped: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(code);
}

static void put(char kind, const void *octets, size_t length)
{
    uint8_t datagram[DATAGRAM_MAX];
    datagram[0] = (uint8_t)kind;
    memcpy(datagram + 1, octets, length);
    if (send(STDIN_FILENO, datagram, length + 1, MSG_NOSIGNAL) < 0)
        exit(0);
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char text[DATAGRAM_MAX - 1];
    va_list arguments;
    int length;
    va_start(arguments, format);
    length = vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    put('E', text, (size_t)length);
}

/* What libpri has to say in words is an event too. */
static void words(struct pri *unused, char *text)
{
    (void)unused;
    for (char *at = text; *at != 0; at++)
        if (*at == '"' || *at == '\\' || *at < ' ')
            *at = ' ';
    say("{\"event\":\"words\",\"text\":\"%.800s\"}", text);
}

/* The line. libpri counts two octets of frame check sequence in every length; the socket has none. */

static int line_read(struct pri *unused, void *buffer, int length)
{
    size_t got = frame_length;
    (void)unused;
    if (got == 0 || got + 2 > (size_t)length)
        return 0;
    memcpy(buffer, frame, got);
    memset((uint8_t *)buffer + got, 0, 2);
    frame_length = 0;
    return (int)got + 2;
}

/* libpri restarts single channels only. What it says of one is made to say the interface (Q.931 clauses 4.5.13 and 4.5.25): the
   RESTART it sends next, and that one again if it has to be repeated. */
static size_t made_whole(uint8_t *octets, size_t length)
{
    static const uint8_t whole[] = { 0x18, 0x01, 0xa9, 0x79, 0x01, 0x86 };
    bool restart = length > 9 && (octets[2] & 1) == 0 && octets[4] == 0x08 && octets[8] == 0x46;
    if (!restart || !restart_whole)
        return length;
    memcpy(octets + 9, whole, sizeof(whole));
    return 9 + sizeof(whole);
}

static int line_write(struct pri *unused, void *buffer, int length)
{
    uint8_t copy[DATAGRAM_MAX];
    (void)unused;
    if (length < 3 || (size_t)length > sizeof(copy))
        return length;
    memcpy(copy, buffer, (size_t)length);
    put('F', copy, made_whole(copy, (size_t)length - 2));
    return length;
}

/* Channels as libpri has them: the timeslot, the interface from bit 8 on, and bit 16 if messages are to name it. More above. */

static int number_of(int word)
{
    return word < 0 ? word : (word >> 8 & 0xff) * INTERFACE + (word & 0xff);
}

static int word_of(int channel)
{
    int interface = channel / INTERFACE;
    return channel % INTERFACE | interface << 8 | (interface != 0) << 16;
}

/* Calls. */

static int channel_of(q931_call *handle)
{
    int channel;
    for (channel = 1; channel < CHANNELS; channel++)
        if (calls[channel].handle == handle)
            return channel;
    return 0;
}

/* The call's end; `cause` is what the far end said, or what we did. */
static void forget(q931_call *handle, int cause)
{
    int channel = channel_of(handle);
    if (channel == 0)
        return;
    say("{\"event\":\"ended\",\"channel\":%d,\"cause\":%d,\"by_far_end\":%s}", channel, cause,
        calls[channel].clearing ? "false" : "true");
    calls[channel] = (struct call){ 0 };
}

static void taken(pri_event_ring *ring)
{
    int channel = number_of(ring->channel);
    say("{\"event\":\"ring\",\"channel\":%d,\"called\":\"%s\",\"calling\":\"%s\",\"bearer\":%d}", channel, ring->callednum,
        ring->callingnum, ring->ctype);
    if (channel <= 0 || channel >= CHANNELS || calls[channel].handle != NULL) {
        pri_hangup(pri, ring->call, PRI_CAUSE_REQUESTED_CHAN_UNAVAIL);
        return;
    }
    calls[channel] = (struct call){ .handle = ring->call, .clearing = refusal != 0 };
    if (refusal != 0) {
        /* libpri refuses with RELEASE COMPLETE for these causes only, and that ends the call without an event. For others it
           believes to have sent DISCONNECT, but has not unless the call proceeds. */
        bool at_once = refusal == PRI_CAUSE_UNALLOCATED || refusal == PRI_CAUSE_NORMAL_CIRCUIT_CONGESTION
                       || refusal == PRI_CAUSE_REQUESTED_CHAN_UNAVAIL;
        if (!at_once)
            pri_proceeding(pri, ring->call, word_of(channel), 0);
        pri_hangup(pri, ring->call, refusal);
        if (at_once)
            forget(ring->call, refusal);
        return;
    }
    pri_proceeding(pri, ring->call, word_of(channel), 0);
    pri_acknowledge(pri, ring->call, word_of(channel), 0);
    pri_answer(pri, ring->call, word_of(channel), 0);
}

/* Ends what is on a channel, or on all (-1), without a word to the far end. RESTART says it, and libpri leaves this to its user. */
static void clear_away(int channel)
{
    for (int n = 1; n < CHANNELS; n++)
        if (calls[n].handle != NULL && (channel < 0 || n == channel)) {
            q931_call *handle = calls[n].handle;
            forget(handle, 0);
            pri_destroycall(pri, handle);
        }
}

/* The far end may name another channel than the one it was offered. */
static void move(q931_call *handle, int channel)
{
    int from = channel_of(handle);
    if (from == 0 || channel <= 0 || channel >= CHANNELS || calls[channel].handle != NULL)
        return;
    calls[channel] = calls[from];
    calls[from] = (struct call){ 0 };
    say("{\"event\":\"moved\",\"channel\":%d,\"to\":%d}", from, channel);
}

static void handle(pri_event *event)
{
    int channel;
    switch (event->e) {
    case PRI_EVENT_DCHAN_UP:
        say("{\"event\":\"up\"}");
        break;
    case PRI_EVENT_DCHAN_DOWN:
        say("{\"event\":\"down\"}");
        break;
    case PRI_EVENT_RING:
        taken(&event->ring);
        break;
    case PRI_EVENT_ANSWER:
        channel = channel_of(event->answer.call);
        pri_connect_ack(pri, event->answer.call, word_of(channel));
        say("{\"event\":\"active\",\"channel\":%d,\"placed\":true}", channel);
        break;
    case PRI_EVENT_CONNECT_ACK:
        say("{\"event\":\"active\",\"channel\":%d,\"placed\":false}", channel_of(event->connect_ack.call));
        break;
    case PRI_EVENT_HANGUP_REQ: /* DISCONNECT: answered with RELEASE, and the end comes as HANGUP_ACK or HANGUP */
        say("{\"event\":\"disconnect\",\"channel\":%d,\"cause\":%d}", channel_of(event->hangup.call), event->hangup.cause);
        pri_hangup(pri, event->hangup.call, event->hangup.cause);
        break;
    case PRI_EVENT_HANGUP: /* RELEASE or RELEASE COMPLETE */
        pri_hangup(pri, event->hangup.call, event->hangup.cause);
        forget(event->hangup.call, event->hangup.cause);
        break;
    case PRI_EVENT_HANGUP_ACK:
        forget(event->hangup.call, event->hangup.cause);
        break;
    case PRI_EVENT_RESTART:
        channel = number_of(event->restart.channel);
        say("{\"event\":\"restart\",\"channel\":%d}", channel);
        clear_away(channel);
        break;
    case PRI_EVENT_RESTART_ACK:
        restart_whole = false;
        say("{\"event\":\"restart_ack\",\"channel\":%d}", number_of(event->restartack.channel));
        break;
    case PRI_EVENT_SERVICE: /* libpri has acknowledged it */
        say("{\"event\":\"service\",\"channel\":%d,\"status\":%d}", number_of(event->service.channel), event->service.changestatus);
        break;
    case PRI_EVENT_SERVICE_ACK:
        say("{\"event\":\"service_ack\",\"channel\":%d,\"status\":%d}", number_of(event->service_ack.channel),
            event->service_ack.changestatus);
        break;
    case PRI_EVENT_PROCEEDING:
        move(event->proceeding.call, number_of(event->proceeding.channel));
        break;
    case PRI_EVENT_PROGRESS:
    case PRI_EVENT_RINGING:
        break;
    default:
        say("{\"event\":\"other\",\"name\":\"%s\"}", pri_event2str(event->e));
    }
}

/* Orders. */

static void place(int channel, bool exclusive, const char *called, const char *calling)
{
    struct pri_sr *request = pri_sr_new();
    int plan = e1 ? PRI_UNKNOWN : PRI_NATIONAL_ISDN;
    calls[channel] = (struct call){ .handle = pri_new_call(pri) };
    pri_sr_set_channel(request, word_of(channel), exclusive, 0);
    pri_sr_set_bearer(request, PRI_TRANS_CAP_SPEECH, e1 ? PRI_LAYER_1_ALAW : PRI_LAYER_1_ULAW);
    pri_sr_set_called(request, (char *)called, plan, e1);
    pri_sr_set_caller(request, (char *)calling, NULL, plan, PRES_ALLOWED_USER_NUMBER_PASSED_SCREEN);
    if (pri_setup(pri, calls[channel].handle, request) != 0)
        fail(2, "libpri does not place a call on channel %d", channel);
    pri_sr_free(request);
}

static void obey(const char *order)
{
    char word[32], first[40] = "", second[40] = "";
    int channel, value = 0, given = sscanf(order, "%31s %d %39s %39s", word, &channel, first, second);
    bool on_channel = given >= 2 && channel > 0 && channel < CHANNELS;
    value = atoi(first);
    if (strcmp(word, "call") == 0 && on_channel && given == 4) /* call CHANNEL CALLED CALLING */
        place(channel, true, first, second);
    else if (strcmp(word, "prefer") == 0 && on_channel && given == 4) /* the same, but another channel will do */
        place(channel, false, first, second);
    else if (strcmp(word, "clear") == 0 && on_channel && calls[channel].handle != NULL) { /* clear CHANNEL CAUSE */
        calls[channel].clearing = true;
        pri_hangup(pri, calls[channel].handle, value);
    } else if (strcmp(word, "refuse") == 0 && given >= 2) /* refuse CAUSE, or 0: take what comes */
        refusal = channel;
    else if (strcmp(word, "restart") == 0 && given >= 2) { /* restart CHANNEL, or -1: the interface */
        clear_away(channel);
        restart_whole = channel < 0;
        pri_reset(pri, restart_whole ? 1 : word_of(channel));
    } else if (strcmp(word, "service") == 0 && on_channel) /* service CHANNEL STATUS */
        pri_maintenance_service(pri, channel / INTERFACE, word_of(channel), value);
    else if (sscanf(order, "timer %39s %d", first, &value) == 2) { /* timer NAME MILLISECONDS */
        if (pri_set_timer(pri, pri_timer2idx(first), value) != 0)
            fail(2, "libpri has no timer %s", first);
    } else
        fail(2, "no such order: %s", order);
}

/* Lets libpri do everything it can do now. */
static void run(void)
{
    const struct timeval *next;
    pri_event *event;
    do {
        while ((event = pri_schedule_run(pri)) != NULL)
            handle(event);
        if ((event = pri_check_event(pri)) != NULL)
            handle(event);
        next = pri_schedule_next(pri);
    } while (frame_length > 0 || (next != NULL && next->tv_sec * 1000000LL + next->tv_usec <= EPOCH_US + clock_us));
}

static void done(void)
{
    const struct timeval *next = pri_schedule_next(pri);
    char text[32];
    long long at = next == NULL ? -1 : next->tv_sec * 1000000LL + next->tv_usec - EPOCH_US;
    put('D', text, (size_t)snprintf(text, sizeof(text), "%lld", at));
}

static int switch_by_name(const char *name)
{
    static const struct {
        const char *name;
        int type;
    } known[] = { { "ni2", PRI_SWITCH_NI2 },       { "5ess", PRI_SWITCH_LUCENT5E },  { "euroisdn", PRI_SWITCH_EUROISDN_E1 },
                  { "dms100", PRI_SWITCH_DMS100 }, { "4ess", PRI_SWITCH_ATT4ESS } };
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].type;
    fail(1, "no such switch: %s", name);
}

int main(int argc, char **argv)
{
    char datagram[DATAGRAM_MAX];
    ssize_t got;
    int switch_type;
    if (argc != 4)
        fail(1, "usage: libpri_stepped network|user ni2|5ess|euroisdn|dms100|4ess e1|t1");
    network = strcmp(argv[1], "network") == 0;
    switch_type = switch_by_name(argv[2]);
    e1 = strcmp(argv[3], "e1") == 0;
    pri_set_message(words);
    pri_set_error(words);
    pri = pri_new_cb(STDIN_FILENO, network ? PRI_NETWORK : PRI_CPE, switch_type, line_read, line_write, NULL);
    if (pri == NULL)
        fail(2, "libpri does not start");
    pri_connect_ack_enable(pri, 1);
    pri_hangup_fix_enable(pri, 1);
    pri_set_service_message_support(pri, 1);
    done();
    while ((got = recv(STDIN_FILENO, datagram, sizeof(datagram) - 1, 0)) > 0) {
        datagram[got] = 0;
        if (datagram[0] == 'F') {
            frame_length = (size_t)got - 1;
            memcpy(frame, datagram + 1, frame_length);
        } else if (datagram[0] == 'T')
            clock_us = atoll(datagram + 1);
        else if (datagram[0] == 'C')
            obey(datagram + 1);
        else
            fail(1, "a datagram of unknown kind");
        run();
        done();
    }
    return 0;
}
