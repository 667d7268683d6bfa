/* SPDX-License-Identifier: MIT */

#include "columns/column.h"

#define MEMBER(rec, type_, name, text, type, unit, member, known_at, known) \
	CRFD_MEMBER(name, text, KIND, type, unit, 0, RECORD, rec, type_, member, known_at, known)
#define SECOND 1000000000u /* ns */

/* ---- eventfd ---- */

static int eventfd_say(const struct crfd_row *r, crfd_buf *out)
{
	crfd_eventfd e;

	crfd_row_read(r, CRFD_REC_EVENTFD, &e, sizeof(e));
	crfd_text_printf(out, " count=%llu", (unsigned long long)e.count);
	if (e.semaphore)
		crfd_text_put(out, " semaphore");
	if (e.known & CRFD_EVENTFD_HAS_ID)
		crfd_text_printf(out, " id=%u", e.id);
	return out->failed;
}

#define EVENT(name, text, type, unit, member, bits) \
	MEMBER(CRFD_REC_EVENTFD, crfd_eventfd, "eventfd." name, text, type, unit, member, \
	       (bits) ? offsetof(crfd_eventfd, known) : CRFD_ALWAYS, bits)

static const struct crfd_column eventfd_columns[] = {
	EVENT("count", "the counter", UINT, NONE, count, 0),
	EVENT("id", "unique in the kernel", INT, ID, id, CRFD_EVENTFD_HAS_ID),
	EVENT("semaphore", "whether a read takes one (EFD_SEMAPHORE)", BOOL, NONE, semaphore, CRFD_EVENTFD_HAS_SEMAPHORE),
};

const struct crfd_family crfd_family_eventfd = {
	"eventfd", {CRFD_KIND_EVENTFD}, {CRFD_REC_EVENTFD}, eventfd_columns, CRFD_LEN(eventfd_columns),
	.say = eventfd_say,
};

/* ---- timerfd ---- */

/* clock_getres(2), by number; include/uapi/linux/time.h */
static const char *const clocks[] = {"realtime", "monotonic", "process_cputime", "thread_cputime", "monotonic_raw",
				     "realtime_coarse", "monotonic_coarse", "boottime", "realtime_alarm",
				     "boottime_alarm"};

/* Puts nanoseconds as seconds, without zeros at the end. */
static void put_seconds(crfd_buf *out, const char *before, uint64_t ns)
{
	unsigned int rest = (unsigned int)(ns % SECOND);
	int digits = 9;

	crfd_text_printf(out, " %s %llu", before, (unsigned long long)(ns / SECOND));
	for (; rest && rest % 10 == 0; rest /= 10)
		digits--;
	if (rest)
		crfd_text_printf(out, ".%0*u", digits, rest);
	crfd_text_put(out, "s");
}

static int timerfd_say(const struct crfd_row *r, crfd_buf *out)
{
	crfd_timerfd t;

	crfd_row_read(r, CRFD_REC_TIMERFD, &t, sizeof(t));
	crfd_text_put(out, " ");
	crfd_text_name(out, clocks, CRFD_LEN(clocks), t.clock);
	if (t.value)
		put_seconds(out, "in", t.value);
	else
		crfd_text_put(out, " disarmed");
	if (t.interval)
		put_seconds(out, "every", t.interval);
	if (t.ticks)
		crfd_text_printf(out, " ticks=%llu", (unsigned long long)t.ticks);
	return out->failed;
}

#define TIMER(name, text, type, unit, member) \
	MEMBER(CRFD_REC_TIMERFD, crfd_timerfd, "timerfd." name, text, type, unit, member, CRFD_ALWAYS, 0)

static const struct crfd_column timerfd_columns[] = {
	TIMER("clock", "CLOCK_* of clock_gettime(2)", INT, NONE, clock),
	TIMER("flags", "flags of timerfd_settime(2)", INT, BITS, flags),
	TIMER("ticks", "expirations not yet read", UINT, NONE, ticks),
	TIMER("value", "time to the next expiration, 0: disarmed", UINT, NS, value),
	TIMER("interval", "period", UINT, NS, interval),
};

const struct crfd_family crfd_family_timerfd = {
	"timerfd", {CRFD_KIND_TIMERFD}, {CRFD_REC_TIMERFD}, timerfd_columns, CRFD_LEN(timerfd_columns),
	.say = timerfd_say,
};

/* ---- signalfd ---- */

static int signalfd_say(const struct crfd_row *r, crfd_buf *out)
{
	crfd_signalfd f;
	int nr = 0;

	crfd_row_read(r, CRFD_REC_SIGNALFD, &f, sizeof(f));
	crfd_text_put(out, " signals=");
	for (int n = 0; n < 64; n++) {
		if (!(f.mask >> n & 1))
			continue;
		crfd_text_put(out, nr++ ? "," : "");
		crfd_text_signal(out, n + 1);
	}
	return out->failed;
}

static const struct crfd_column signalfd_columns[] = {
	MEMBER(CRFD_REC_SIGNALFD, crfd_signalfd, "signalfd.mask", "bit n - 1 for signal n", UINT, BITS, mask, CRFD_ALWAYS, 0),
};

const struct crfd_family crfd_family_signalfd = {
	"signalfd", {CRFD_KIND_SIGNALFD}, {CRFD_REC_SIGNALFD}, signalfd_columns, CRFD_LEN(signalfd_columns),
	.say = signalfd_say,
};
