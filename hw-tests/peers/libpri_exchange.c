/*
 * SPDX-License-Identifier: GPL-2.0-only
 *
 * A telephone exchange, or a subscriber's end, made by others: libpri behind a span's far end.
 *
 * libpri is under the GNU General Public License, version 2. It is linked into this program only, which is compiled when a test
 * needs it, runs as a process of its own and speaks to ours over sockets alone. Nothing of the project links to it.
 *
 * Looks after one primary rate interface: the D channel, and the octets of each bearer channel.
 *
 * Data path: a control socket of the kind osmo-e1d offers, or the channels of the DAHDI driver -> one descriptor per timeslot ->
 * libpri and the sound files.
 * Time: the bearer channels are paced by the card: as many octets are written as were read, after a cushion at the start that
 * keeps the line fed when this process has to wait its turn. libpri has its own timers.
 * Output: one JSON object a line on stdout for each event; what libpri says in words goes to stderr.
 * Exit: 0 all calls have ended as asked, 1 usage, 2 the card or a file cannot be used, 3 time out, 4 the card went away.
 */

#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <libpri.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum {
    SLOTS = 32,      /* timeslots of a line, counted from 0 */
    CALLS = 64,      /* calls that can be given, or be there at once */
    FRAME_MAX = 512, /* octets of a D channel frame with room to spare */
    READ_SIZE = 80,  /* octets the card is asked to hand over at a time: 10 ms */
    PENDING = 8192,  /* octets of a timeslot that may wait for the card */
    CUSHION = 1280,  /* octets of the idle pattern a bearer channel is ahead of the card: 160 ms */
};

/* How long the D channel must have been quiet before we leave: libpri may still hold messages back until its window opens, and does
   not tell. */
static const double QUIET = 0.1;

/* The control protocol: header in native byte order, its length field counting the whole datagram. */
enum { MAGIC = 0x01e1, TS_OPEN = 0x04, ANSWER = 0x80, MODE_RAW = 0x10, MODE_HDLC = 0x11 };

struct __attribute__((packed)) header {
    uint16_t magic, length;
    uint8_t type, interface, line, timeslot;
};

struct __attribute__((packed)) open_request {
    struct header header;
    uint8_t mode, flags;
    uint16_t read_size;
};

/* The driver's requests, by the numbers of its interface. */
enum {
    DAHDI_GETEVENT = (int)0x8004da08, DAHDI_SPECIFY = 0x4004da26, DAHDI_SET_BUFINFO = 0x4018da1b,
    DAHDI_ELAST = 500, /* the error that says events are to be read first */
};

/* What is to be done in a call: asked for on the command line. */
struct plan {
    const char *number, *from, *name, *play, *record;
    double seconds; /* after CONNECT and its acknowledgement; negative: until the far end clears */
    bool until_played; /* hang up with the last octet of what is to be played */
    double after;   /* seconds from the link coming up */
    int cause, channel;
    bool answers;   /* of a call that comes: */
    int reject;     /* refused with this cause; 0: not */
    double ring;    /* seconds from ALERTING to CONNECT; negative: nobody answers */
    bool early;     /* what is played begins with ALERTING, which says that there is something to hear */
};

/* A call that is there. */
struct call {
    q931_call *handle;
    const struct plan *plan;
    int index, channel, cause;
    bool started, answered, sounding, played, clearing, ended;
    double ringing_at;   /* 0: it does not ring, or not any more */
    double connected_at; /* 0: the connection is not yet acknowledged */
    FILE *play, *record;
};

struct bearer {
    int fd;
    struct call *call;
    uint8_t pending[PENDING];
    size_t waiting;
    uint64_t passed; /* octets that came since the start */
};

static struct pri *pri;
static int dchannel = -1, control = -1;
static bool on_dahdi;
static bool dchannel_gone, dchannel_had_frame;
static struct bearer bearers[SLOTS];
static struct call calls[CALLS];
static int call_count;
static struct plan plans[CALLS], answer_plan;
static struct plan parties[CALLS]; /* who answers at a number of his own */
static int plan_count, party_count;
static bool answering, e1, network, link_up, linked_once;
static int answers_wanted = 1, answers_ended, answers_begun;
static uint8_t idle = 0xff;
static bool a_law;
static FILE *capture;
static double started_at, up_at, last_frame_at;
static volatile sig_atomic_t told_to_stop;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    va_list arguments;
    printf("{\"ms\":%.0f,\"event\":", (now() - started_at) * 1e3);
    va_start(arguments, format);
    vprintf(format, arguments);
    va_end(arguments);
    printf("}\n");
    fflush(stdout);
}

__attribute__((noreturn, format(printf, 2, 3))) static void fail(int code, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "libpri_exchange: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(code);
}

/* A string from the line, made safe for JSON. */
static const char *quoted(const char *text)
{
    static char buffers[4][600];
    static int turn;
    char *out = buffers[turn = (turn + 1) % 4], *end = out + sizeof(buffers[0]) - 2;
    char *at = out;
    for (*at++ = '"'; *text != 0 && at < end - 2; text++) {
        unsigned char c = (unsigned char)*text;
        if (c == '"' || c == '\\')
            *at++ = '\\';
        *at++ = c < 0x20 || c > 0x7e ? '?' : (char)c;
    }
    *at++ = '"';
    *at = 0;
    return out;
}

static void stop(int signal_number)
{
    (void)signal_number;
    told_to_stop = 1;
}

/* The capture: link type 177, one pseudo header before each frame. */

static void capture_open(const char *path)
{
    static const struct {
        uint32_t magic;
        uint16_t major, minor;
        uint32_t zone, accuracy, longest, link_type;
    } file_header = { 0xa1b2c3d4, 2, 4, 0, 0, 65535, 177 };
    capture = fopen(path, "wb");
    if (capture == NULL)
        fail(2, "cannot write %s: %s", path, strerror(errno));
    fwrite(&file_header, sizeof(file_header), 1, capture);
}

static void capture_frame(const uint8_t *frame, size_t length, bool from_network)
{
    uint8_t pseudo[16] = { 0x00, 0x04, 0x20, 0x44, 0x00, 0x01, from_network, 0, 0, 0, 0, 0, 0, 0, 0x00, 0x30 };
    struct timeval t;
    uint32_t record[4];
    if (capture == NULL)
        return;
    gettimeofday(&t, NULL);
    record[0] = (uint32_t)t.tv_sec;
    record[1] = (uint32_t)t.tv_usec;
    record[2] = record[3] = (uint32_t)(length + sizeof(pseudo));
    fwrite(record, sizeof(record), 1, capture);
    fwrite(pseudo, sizeof(pseudo), 1, capture);
    fwrite(frame, length, 1, capture);
    fflush(capture);
}

/* Events of a channel of the driver: until they are read nothing else passes. */
static void dahdi_events(int fd)
{
    int event, count;
    for (count = 0; count < 64; count++) {
        if (ioctl(fd, (unsigned)DAHDI_GETEVENT, &event) != 0)
            fail(4, "the driver gives no events: %s", strerror(errno));
        if (event == 0)
            return;
        if (fd == dchannel)
            say("\"card\",\"type\":%d,\"line\":0", event);
    }
}

/* Whether there is nothing now, rather than an end. */
static bool passing(int fd)
{
    if (on_dahdi && errno == DAHDI_ELAST) {
        dahdi_events(fd);
        return true;
    }
    return errno == EAGAIN || errno == EINTR;
}

/* The D channel. libpri counts two octets of frame check sequence in every length; the socket has none. */

static int dchannel_read(struct pri *unused, void *buffer, int length)
{
    ssize_t got;
    (void)unused;
    if (length < 3)
        return 0;
    if (on_dahdi) {
        got = read(dchannel, buffer, (size_t)length);
        if (got > 2)
            got -= 2;
    } else
        got = recv(dchannel, buffer, (size_t)length - 2, MSG_DONTWAIT);
    if (got == 0 || (got < 0 && !passing(dchannel)))
        dchannel_gone = true;
    if (got <= 0)
        return 0;
    dchannel_had_frame = true;
    last_frame_at = now();
    capture_frame(buffer, (size_t)got, !network);
    memset((uint8_t *)buffer + got, 0, 2);
    return (int)got + 2;
}

static int dchannel_write(struct pri *unused, void *buffer, int length)
{
    (void)unused;
    if (length < 3)
        return length;
    capture_frame(buffer, (size_t)length - 2, network);
    last_frame_at = now();
    /* A frame the socket has no room for is a frame lost on the line: Q.921 repeats it. */
    if (on_dahdi) {
        if (write(dchannel, buffer, (size_t)length) < 0 && (!passing(dchannel) || write(dchannel, buffer, (size_t)length) < 0)
            && !passing(dchannel))
            dchannel_gone = true;
    } else if (send(dchannel, buffer, (size_t)length - 2, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 && errno != EAGAIN)
        dchannel_gone = true;
    return length;
}

/* The card. */

static int timeslot_open(int interface, int line, int timeslot, uint8_t mode)
{
    struct open_request request = { { MAGIC, sizeof(request), TS_OPEN, (uint8_t)interface, (uint8_t)line, (uint8_t)timeslot },
                                    mode, 0, READ_SIZE };
    if (send(control, &request, sizeof(request), MSG_NOSIGNAL) != (ssize_t)sizeof(request))
        fail(2, "cannot ask for timeslot %d: %s", timeslot, strerror(errno));
    for (;;) {
        union {
            struct cmsghdr align;
            char octets[CMSG_SPACE(sizeof(int))];
        } ancillary;
        struct {
            struct header header;
            uint8_t rest[512];
        } reply;
        struct iovec part = { &reply, sizeof(reply) };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1,
                                  .msg_control = &ancillary, .msg_controllen = sizeof(ancillary) };
        struct cmsghdr *rights;
        int fd;
        ssize_t got = recvmsg(control, &message, MSG_CMSG_CLOEXEC);
        if (got < (ssize_t)sizeof(struct header) || reply.header.magic != MAGIC)
            fail(2, "the card's answer for timeslot %d makes no sense (%zd octets)", timeslot, got);
        if (reply.header.type >= 0x40 && reply.header.type < ANSWER)
            continue; /* an alarm that came in between */
        rights = CMSG_FIRSTHDR(&message);
        if (reply.header.type != (TS_OPEN | ANSWER) || rights == NULL || rights->cmsg_type != SCM_RIGHTS)
            fail(2, "the card refuses timeslot %d of line %d (answer 0x%02x)", timeslot, line, reply.header.type);
        memcpy(&fd, CMSG_DATA(rights), sizeof(fd));
        return fd;
    }
}

static void card_open(const char *path, int interface, int line, int last_slot, int dchannel_slot)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int slot;
    if (strlen(path) >= sizeof(address.sun_path))
        fail(1, "the socket's path is too long");
    strcpy(address.sun_path, path);
    control = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (control < 0 || connect(control, (struct sockaddr *)&address, sizeof(address)) != 0)
        fail(2, "cannot reach the card at %s: %s", path, strerror(errno));
    for (slot = 1; slot <= last_slot; slot++) {
        bool is_dchannel = slot == dchannel_slot;
        int fd = timeslot_open(interface, line, slot, is_dchannel ? MODE_HDLC : MODE_RAW);
        if (is_dchannel)
            dchannel = fd;
        else {
            bearers[slot].fd = fd;
            memset(bearers[slot].pending, idle, CUSHION);
            bearers[slot].waiting = CUSHION;
        }
        fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    }
}

/* The same with the channels of the driver from this one on, which somebody has configured. */
static void dahdi_open(int first, int last_slot, int dchannel_slot)
{
    int slot;
    on_dahdi = true;
    for (slot = 1; slot <= last_slot; slot++) {
        bool is_dchannel = slot == dchannel_slot;
        int channel = first + slot - 1, fd = open("/dev/dahdi/channel", O_RDWR | O_NONBLOCK | O_CLOEXEC);
        int buffers[6] = { 0, 0, 32, is_dchannel ? 1024 : READ_SIZE, 0, 0 };
        if (fd < 0 || ioctl(fd, DAHDI_SPECIFY, &channel) != 0 || ioctl(fd, DAHDI_SET_BUFINFO, buffers) != 0)
            fail(2, "cannot have channel %d of the driver: %s", channel, strerror(errno));
        if (is_dchannel)
            dchannel = fd;
        else {
            bearers[slot].fd = fd;
            memset(bearers[slot].pending, idle, CUSHION);
            bearers[slot].waiting = CUSHION;
        }
    }
}

/* Calls. */

static void sound_end(struct call *call)
{
    if (call->play != NULL)
        fclose(call->play);
    if (call->record != NULL)
        fclose(call->record);
    call->play = call->record = NULL;
}

static void sound_begin(struct call *call)
{
    const struct plan *plan = call->plan;
    char path[4096];
    if (plan->play != NULL && (call->play = fopen(plan->play, "rb")) == NULL)
        fail(2, "cannot read %s: %s", plan->play, strerror(errno));
    if (plan->record != NULL) {
        /* Every answered call after the first gets a file of its own. */
        if (plan == &answer_plan && call->index > 0)
            snprintf(path, sizeof(path), "%s.%d", plan->record, call->index);
        else
            snprintf(path, sizeof(path), "%s", plan->record);
        if ((call->record = fopen(path, "wb")) == NULL)
            fail(2, "cannot write %s: %s", path, strerror(errno));
    }
}

static struct call *call_find(q931_call *handle)
{
    int i;
    for (i = 0; i < call_count; i++)
        if (calls[i].handle == handle && calls[i].started && !calls[i].ended)
            return &calls[i];
    return NULL;
}

static void channel_take(struct call *call, int channel)
{
    channel &= 0xff; /* libpri keeps flags above */
    if (call->channel > 0 && call->channel < SLOTS && bearers[call->channel].call == call)
        bearers[call->channel].call = NULL;
    call->channel = channel;
    if (channel > 0 && channel < SLOTS)
        bearers[channel].call = call;
}

static void call_connected(struct call *call)
{
    if (call->answered)
        return;
    call->answered = true;
    if (!call->plan->early)
        sound_begin(call);
}

static void call_end(struct call *call, int cause, bool by_far_end)
{
    if (call->ended)
        return;
    call->ended = true;
    call->handle = NULL;
    sound_end(call);
    if (call->plan->answers)
        answers_ended++;
    say("\"hangup\",\"call\":%d,\"channel\":%d,\"cause\":%d,\"by_far_end\":%s", call->index, call->channel, cause,
        by_far_end ? "true" : "false");
    channel_take(call, 0);
}

static void call_clear(struct call *call, int cause)
{
    call->clearing = true;
    call->cause = cause;
    pri_hangup(pri, call->handle, cause);
}

/* The first free channel, from the bottom for an exchange and from the top for a subscriber, as real ones hunt. */
static int channel_hunt(void)
{
    int last = e1 ? 31 : 23, n;
    for (n = 1; n <= last; n++) {
        int channel = network ? n : last + 1 - n;
        if (!(e1 && channel == 16) && bearers[channel].call == NULL)
            return channel;
    }
    return 0;
}

static void call_place(struct call *call, int switch_type)
{
    const struct plan *plan = call->plan;
    bool north_american = switch_type != PRI_SWITCH_EUROISDN_E1;
    struct pri_sr *request = pri_sr_new();
    channel_take(call, plan->channel > 0 ? plan->channel : channel_hunt());
    call->handle = pri_new_call(pri);
    call->started = true;
    pri_sr_set_channel(request, call->channel, 1, 0);
    pri_sr_set_bearer(request, PRI_TRANS_CAP_SPEECH, a_law ? PRI_LAYER_1_ALAW : PRI_LAYER_1_ULAW);
    pri_sr_set_called(request, (char *)plan->number, north_american ? PRI_NATIONAL_ISDN : PRI_UNKNOWN, !north_american);
    if (plan->from != NULL)
        pri_sr_set_caller(request, (char *)plan->from, (char *)plan->name, north_american ? PRI_NATIONAL_ISDN : PRI_UNKNOWN,
                          PRES_ALLOWED_USER_NUMBER_PASSED_SCREEN);
    if (pri_setup(pri, call->handle, request) != 0)
        fail(2, "libpri does not place the call to %s", plan->number);
    pri_sr_free(request);
    say("\"calling\",\"call\":%d,\"channel\":%d,\"number\":%s", call->index, call->channel, quoted(plan->number));
}

static void call_answer(struct call *call)
{
    call->ringing_at = 0;
    pri_answer(pri, call->handle, call->channel, 0);
    call_connected(call);
    say("\"answered\",\"call\":%d,\"channel\":%d", call->index, call->channel);
}

static const struct plan *party_at(const char *number)
{
    int i;
    for (i = 0; i < party_count; i++)
        if (strcmp(parties[i].number, number) == 0)
            return &parties[i];
    return &answer_plan;
}

static void call_incoming(pri_event_ring *ring)
{
    struct call *call = NULL;
    int channel = ring->channel & 0xff, i;
    say("\"ring\",\"channel\":%d,\"called\":%s,\"calling\":%s,\"name\":%s,\"bearer\":%d,\"complete\":%d", channel,
        quoted(ring->callednum), quoted(ring->callingnum), quoted(ring->callingname), ring->ctype, ring->complete);
    /* Room of answered calls that have ended is used again; placed calls keep theirs. */
    for (i = plan_count; i < CALLS && call == NULL; i++)
        if (i >= call_count || calls[i].ended)
            call = &calls[i];
    if (!answering || call == NULL || !party_at(ring->callednum)->answers) {
        pri_hangup(pri, ring->call, PRI_CAUSE_NORMAL_CIRCUIT_CONGESTION);
        return;
    }
    if (call - calls >= call_count)
        call_count = (int)(call - calls) + 1;
    memset(call, 0, sizeof(*call));
    call->handle = ring->call;
    call->plan = party_at(ring->callednum);
    call->index = answers_begun++;
    call->started = true;
    if (channel == 0)
        channel = channel_hunt();
    channel_take(call, channel);
    if (call->plan->reject > 0) {
        /* libpri refuses with RELEASE COMPLETE for these causes only, and that ends the call without an event. For others it
           believes to have sent DISCONNECT, but has not unless the call proceeds. */
        int cause = call->plan->reject;
        bool at_once = cause == PRI_CAUSE_UNALLOCATED || cause == PRI_CAUSE_NORMAL_CIRCUIT_CONGESTION
                       || cause == PRI_CAUSE_REQUESTED_CHAN_UNAVAIL;
        if (!at_once)
            pri_proceeding(pri, call->handle, channel, 0);
        call_clear(call, cause);
        if (at_once)
            call_end(call, cause, false);
        return;
    }
    pri_proceeding(pri, call->handle, channel, 0);
    pri_acknowledge(pri, call->handle, channel, call->plan->early);
    if (call->plan->early)
        sound_begin(call);
    if (call->plan->ring == 0)
        call_answer(call);
    else
        call->ringing_at = now();
}

static void restarted(int channel)
{
    int i;
    say("\"restart\",\"channel\":%d", channel);
    for (i = 0; i < call_count; i++)
        if (calls[i].started && !calls[i].ended && (channel < 0 || calls[i].channel == (channel & 0xff)))
            call_end(&calls[i], PRI_CAUSE_NORMAL_UNSPECIFIED, true);
}

static void handle(pri_event *event)
{
    struct call *call;
    switch (event->e) {
    case PRI_EVENT_DCHAN_UP:
        if (!link_up)
            up_at = now();
        link_up = linked_once = true;
        say("\"up\"");
        break;
    case PRI_EVENT_DCHAN_DOWN:
        link_up = false;
        say("\"down\"");
        break;
    case PRI_EVENT_RING:
        call_incoming(&event->ring);
        break;
    case PRI_EVENT_PROCEEDING:
        if ((call = call_find(event->proceeding.call)) != NULL) {
            channel_take(call, event->proceeding.channel);
            say("\"proceeding\",\"call\":%d,\"channel\":%d", call->index, call->channel);
        }
        break;
    case PRI_EVENT_PROGRESS:
        if ((call = call_find(event->proceeding.call)) != NULL)
            say("\"progress\",\"call\":%d", call->index);
        break;
    case PRI_EVENT_RINGING:
        if ((call = call_find(event->ringing.call)) != NULL)
            say("\"ringing\",\"call\":%d", call->index);
        break;
    case PRI_EVENT_ANSWER:
        if ((call = call_find(event->answer.call)) != NULL) {
            channel_take(call, event->answer.channel);
            pri_connect_ack(pri, call->handle, call->channel);
            say("\"answer\",\"call\":%d,\"channel\":%d", call->index, call->channel);
            call_connected(call);
            call->connected_at = now();
        }
        break;
    case PRI_EVENT_CONNECT_ACK:
        /* Clearing before this would cross the acknowledgement on the line, and be answered with STATUS. */
        if ((call = call_find(event->connect_ack.call)) != NULL) {
            say("\"connected\",\"call\":%d,\"channel\":%d", call->index, call->channel);
            call->connected_at = now();
        }
        break;
    case PRI_EVENT_HANGUP_REQ: /* DISCONNECT: answered with RELEASE, and the end comes as HANGUP_ACK or HANGUP */
        call = call_find(event->hangup.call);
        if (call != NULL) {
            call->ringing_at = 0;
            say("\"disconnect\",\"call\":%d,\"cause\":%d", call->index, event->hangup.cause);
            if (!call->clearing)
                call->cause = event->hangup.cause;
        }
        pri_hangup(pri, event->hangup.call, event->hangup.cause);
        break;
    case PRI_EVENT_HANGUP: /* RELEASE or RELEASE COMPLETE */
        call = call_find(event->hangup.call);
        pri_hangup(pri, event->hangup.call, event->hangup.cause);
        if (call != NULL)
            call_end(call, call->clearing ? call->cause : event->hangup.cause, !call->clearing);
        break;
    case PRI_EVENT_HANGUP_ACK:
        call = call_find(event->hangup.call);
        if (call != NULL)
            call_end(call, call->cause > 0 ? call->cause : event->hangup.cause, !call->clearing);
        break;
    case PRI_EVENT_RESTART:
        restarted(event->restart.channel);
        break;
    case PRI_EVENT_RESTART_ACK:
        say("\"restart_ack\",\"channel\":%d", event->restartack.channel & 0xff);
        break;
    case PRI_EVENT_SERVICE: /* libpri has acknowledged it */
        say("\"service\",\"channel\":%d,\"status\":%d", event->service.channel & 0xff, event->service.changestatus);
        break;
    case PRI_EVENT_SERVICE_ACK:
        say("\"service_ack\",\"channel\":%d,\"status\":%d", event->service_ack.channel & 0xff,
            event->service_ack.changestatus);
        break;
    case PRI_EVENT_CONFIG_ERR:
        say("\"config_error\",\"text\":%s", quoted(event->err.err));
        break;
    default:
        say("\"other\",\"name\":%s", quoted(pri_event2str(event->e)));
    }
}

/* What the plans want done by now. */
static void carry_on(int switch_type)
{
    int i;
    double time = now();
    for (i = 0; i < call_count; i++) {
        struct call *call = &calls[i];
        if (!call->started && link_up && !told_to_stop && time >= up_at + call->plan->after)
            call_place(call, switch_type);
        if (!call->started || call->ended || call->clearing)
            continue;
        if (told_to_stop)
            call_clear(call, PRI_CAUSE_NORMAL_CLEARING);
        else if (call->ringing_at > 0 && call->plan->ring > 0 && time >= call->ringing_at + call->plan->ring)
            call_answer(call);
        else if (call->connected_at > 0 && call->plan->seconds >= 0 && time >= call->connected_at + call->plan->seconds)
            call_clear(call, call->plan->cause);
        else if (call->connected_at > 0 && call->plan->until_played && call->played)
            call_clear(call, call->plan->cause);
    }
}

static bool finished(void)
{
    int i;
    for (i = 0; i < call_count; i++)
        if (calls[i].started ? !calls[i].ended : !told_to_stop)
            return false;
    return told_to_stop || !answering || (answers_wanted > 0 && answers_ended >= answers_wanted);
}

/* Octets of a bearer channel: records what came, and gives back as many. */
static void bearer_turn(int slot)
{
    struct bearer *bearer = &bearers[slot];
    struct call *call = bearer->call;
    uint8_t octets[4096];
    size_t room = PENDING - bearer->waiting, played = 0;
    ssize_t got = 0;
    if (room > sizeof(octets))
        room = sizeof(octets);
    /* With no room left nothing is read either, so the two counts stay equal. */
    if (room > 0)
        got = read(bearer->fd, octets, room);
    if (got == 0 && room > 0)
        fail(4, "the card closed timeslot %d", slot);
    if (got < 0 && !passing(bearer->fd))
        fail(4, "timeslot %d: %s", slot, strerror(errno));
    if (got > 0) {
        uint8_t *out = bearer->pending + bearer->waiting;
        if (call != NULL && !call->sounding && (call->play != NULL || call->record != NULL)) {
            call->sounding = true;
            /* The first octet of the files, in octets of the line: the same instant has the same number on all channels. */
            say("\"sound\",\"call\":%d,\"channel\":%d,\"octet\":%llu", call->index, slot, (unsigned long long)bearer->passed);
        }
        bearer->passed += (uint64_t)got;
        if (call != NULL && call->record != NULL)
            fwrite(octets, 1, (size_t)got, call->record);
        if (call != NULL && call->play != NULL)
            played = fread(out, 1, (size_t)got, call->play);
        if (call != NULL && call->play != NULL && played < (size_t)got)
            call->played = true;
        memset(out + played, idle, (size_t)got - played);
        bearer->waiting += (size_t)got;
    }
    if (bearer->waiting > 0) {
        ssize_t written = on_dahdi ? write(bearer->fd, bearer->pending, bearer->waiting)
                                   : send(bearer->fd, bearer->pending, bearer->waiting, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (written > 0) {
            bearer->waiting -= (size_t)written;
            memmove(bearer->pending, bearer->pending + written, bearer->waiting);
        }
    }
}

static void control_turn(void)
{
    struct header header;
    ssize_t got = recv(control, &header, sizeof(header), MSG_DONTWAIT | MSG_TRUNC);
    if (got == 0)
        fail(4, "the card closed its control socket");
    if (got >= (ssize_t)sizeof(header))
        say("\"card\",\"type\":%d,\"line\":%d", header.type, header.line);
}

static void words(struct pri *unused, char *text)
{
    (void)unused;
    fputs(text, stderr);
}

static void usage(void)
{
    fail(1, "usage: libpri_exchange --socket PATH [--interface 0] [--line 0] | --dahdi FIRST-CHANNEL  --e1|--t1 --role network|user\n"
            "  --switch ni2|5ess|euroisdn|dms100|4ess [--law a|u] [--timeout S=120] [--capture FILE] [--debug]\n"
            "  [--call NUMBER [--from NUMBER] [--name NAME] [--channel C] [--after S] [--play FILE] [--record FILE]\n"
            "   [--seconds S] [--until-played] [--hangup-cause C=16]]...\n"
            "  [--answer [--answers N=1, 0 without end] [--reject CAUSE] [--ring S=0, -1 without end] [--early] [--play FILE]\n"
            "   [--record FILE] [--seconds S] [--until-played] [--hangup-cause C=16]]\n"
            "  [--party NUMBER [the same as --answer]]...");
}

static int switch_by_name(const char *name)
{
    static const struct {
        const char *name;
        int type;
    } known[] = { { "ni2", PRI_SWITCH_NI2 },       { "5ess", PRI_SWITCH_LUCENT5E },  { "euroisdn", PRI_SWITCH_EUROISDN_E1 },
                  { "dms100", PRI_SWITCH_DMS100 }, { "4ess", PRI_SWITCH_ATT4ESS } };
    size_t i;
    for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (strcmp(name, known[i].name) == 0)
            return known[i].type;
    usage();
    return 0;
}

int main(int argc, char **argv)
{
    const char *socket_path = NULL, *role = NULL, *law = NULL;
    int interface = 0, line = 0, first = 0, switch_type = 0, i, debug = 0;
    bool t1 = false;
    double timeout = 120;
    struct plan *plan = NULL;

    started_at = now();
    for (i = 1; i < argc; i++) {
        const char *option = argv[i], *value;
        bool flag = true;
        if (strcmp(option, "--e1") == 0)
            e1 = true;
        else if (strcmp(option, "--t1") == 0)
            t1 = true;
        else if (strcmp(option, "--debug") == 0)
            debug = PRI_DEBUG_Q921_STATE | PRI_DEBUG_Q931_DUMP | PRI_DEBUG_Q931_STATE | PRI_DEBUG_Q931_ANOMALY;
        else if (strcmp(option, "--answer") == 0) {
            answering = true;
            plan = &answer_plan;
            *plan = (struct plan){ .seconds = -1, .cause = PRI_CAUSE_NORMAL_CLEARING, .answers = true };
        } else if (strcmp(option, "--until-played") == 0 && plan != NULL)
            plan->until_played = true;
        else if (strcmp(option, "--early") == 0 && plan != NULL)
            plan->early = true;
        else
            flag = false;
        if (flag)
            continue;
        if (i + 1 >= argc)
            usage();
        value = argv[++i];
        if (strcmp(option, "--socket") == 0)
            socket_path = value;
        else if (strcmp(option, "--dahdi") == 0)
            first = atoi(value);
        else if (strcmp(option, "--interface") == 0)
            interface = atoi(value);
        else if (strcmp(option, "--line") == 0)
            line = atoi(value);
        else if (strcmp(option, "--role") == 0)
            role = value;
        else if (strcmp(option, "--switch") == 0)
            switch_type = switch_by_name(value);
        else if (strcmp(option, "--law") == 0)
            law = value;
        else if (strcmp(option, "--timeout") == 0)
            timeout = atof(value);
        else if (strcmp(option, "--capture") == 0)
            capture_open(value);
        else if (strcmp(option, "--answers") == 0)
            answers_wanted = atoi(value);
        else if (strcmp(option, "--party") == 0) {
            if (party_count >= CALLS / 2)
                fail(1, "at most %d parties", CALLS / 2);
            answering = true;
            plan = &parties[party_count++];
            *plan = (struct plan){ .number = value, .seconds = -1, .cause = PRI_CAUSE_NORMAL_CLEARING, .answers = true };
        }
        else if (strcmp(option, "--call") == 0) {
            if (plan_count >= CALLS / 2)
                fail(1, "at most %d calls", CALLS / 2);
            plan = &plans[plan_count];
            *plan = (struct plan){ .number = value, .seconds = -1, .cause = PRI_CAUSE_NORMAL_CLEARING };
            calls[plan_count].plan = plan;
            calls[plan_count].index = plan_count;
            plan_count++;
        } else if (plan == NULL)
            usage();
        else if (strcmp(option, "--reject") == 0)
            plan->reject = atoi(value);
        else if (strcmp(option, "--ring") == 0)
            plan->ring = atof(value);
        else if (strcmp(option, "--from") == 0)
            plan->from = value;
        else if (strcmp(option, "--name") == 0)
            plan->name = value;
        else if (strcmp(option, "--channel") == 0)
            plan->channel = atoi(value);
        else if (strcmp(option, "--after") == 0)
            plan->after = atof(value);
        else if (strcmp(option, "--play") == 0)
            plan->play = value;
        else if (strcmp(option, "--record") == 0)
            plan->record = value;
        else if (strcmp(option, "--seconds") == 0)
            plan->seconds = atof(value);
        else if (strcmp(option, "--hangup-cause") == 0)
            plan->cause = atoi(value);
        else
            usage();
    }
    if (e1 == t1 || role == NULL || switch_type == 0 || (socket_path == NULL) == (first == 0))
        usage();
    network = strcmp(role, "network") == 0;
    if (!network && strcmp(role, "user") != 0)
        usage();
    a_law = law != NULL ? law[0] == 'a' : e1;
    idle = a_law ? 0xd5 : 0xff;
    call_count = plan_count;

    signal(SIGTERM, stop);
    signal(SIGINT, stop);
    for (i = 0; i < SLOTS; i++)
        bearers[i].fd = -1;
    if (first > 0)
        dahdi_open(first, e1 ? 31 : 24, e1 ? 16 : 24);
    else
        card_open(socket_path, interface, line, e1 ? 31 : 24, e1 ? 16 : 24);

    pri_set_message(words);
    pri_set_error(words);
    pri = pri_new_cb(dchannel, network ? PRI_NETWORK : PRI_CPE, switch_type, dchannel_read, dchannel_write, NULL);
    if (pri == NULL)
        fail(2, "libpri does not start");
    pri_set_debug(pri, debug);
    pri_connect_ack_enable(pri, 1);
    pri_hangup_fix_enable(pri, 1);
    pri_set_service_message_support(pri, 1);

    for (;;) {
        struct pollfd watched[SLOTS + 2];
        int slot_of[SLOTS + 2], count = 0, wait = 20;
        struct timeval *next;
        pri_event *event;

        while ((event = pri_schedule_run(pri)) != NULL)
            handle(event);
        do {
            dchannel_had_frame = false;
            if ((event = pri_check_event(pri)) != NULL)
                handle(event);
        } while (dchannel_had_frame);
        carry_on(switch_type);
        if (finished() && (dchannel_gone || now() > last_frame_at + QUIET))
            break;
        if (dchannel_gone)
            fail(4, "the D channel was closed");
        if (now() > started_at + timeout) {
            say("\"timeout\"");
            fail(3, "not finished after %.0f s (the link %s)", timeout, linked_once ? "was up" : "never came up");
        }

        next = pri_schedule_next(pri);
        if (next != NULL) {
            struct timeval wall;
            gettimeofday(&wall, NULL);
            double left = (double)(next->tv_sec - wall.tv_sec) * 1e3 + (double)(next->tv_usec - wall.tv_usec) / 1e3;
            wait = left < 0 ? 0 : left < wait ? (int)left + 1 : wait;
        }
        watched[count] = (struct pollfd){ dchannel, POLLIN, 0 };
        slot_of[count++] = 0;
        if (control >= 0) {
            watched[count] = (struct pollfd){ control, POLLIN, 0 };
            slot_of[count++] = -1;
        }
        for (i = 1; i < SLOTS; i++)
            if (bearers[i].fd >= 0) {
                short wanted = (bearers[i].waiting < PENDING ? POLLIN : 0) | (bearers[i].waiting > 0 ? POLLOUT : 0);
                watched[count] = (struct pollfd){ bearers[i].fd, wanted, 0 };
                slot_of[count++] = i;
            }
        if (poll(watched, (nfds_t)count, wait) < 0 && errno != EINTR)
            fail(2, "poll: %s", strerror(errno));
        for (i = 0; i < count; i++) {
            if (watched[i].revents == 0 || slot_of[i] == 0)
                continue;
            if (slot_of[i] < 0)
                control_turn();
            else
                bearer_turn(slot_of[i]);
        }
    }
    say("\"done\"");
    if (capture != NULL)
        fclose(capture);
    return 0;
}
