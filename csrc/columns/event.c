/* SPDX-License-Identifier: MIT */

#include "columns/column.h"

#define MEMBER(rec, type_, name, text, type, unit, member, known_at, known) \
	CRFD_MEMBER(name, text, KIND, type, unit, 0, RECORD, rec, type_, member, known_at, known)

/* ---- eventfd ---- */

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
	.phrase = " count={count}<{semaphore?} semaphore>< id={id}>",
};

/* ---- timerfd ---- */

/* clock_getres(2), by number; include/uapi/linux/time.h */
static const char *const clocks[] = {"realtime", "monotonic", "process_cputime", "thread_cputime", "monotonic_raw",
				     "realtime_coarse", "monotonic_coarse", "boottime", "realtime_alarm",
				     "boottime_alarm"};

#define TIMER(name, text, type, unit, member, ...) \
	CRFD_MEMBER("timerfd." name, text, KIND, type, unit, 0, RECORD, CRFD_REC_TIMERFD, crfd_timerfd, member, CRFD_ALWAYS, 0, \
		    __VA_ARGS__)

static const struct crfd_column timerfd_columns[] = {
	TIMER("clock", "CLOCK_* of clock_gettime(2)", INT, NONE, clock, CRFD_READING(CRFD_NAMES(clocks))),
	TIMER("flags", "flags of timerfd_settime(2)", INT, BITS, flags),
	TIMER("ticks", "expirations not yet read", UINT, NONE, ticks),
	TIMER("value", "time to the next expiration, 0: disarmed", UINT, NS, value),
	TIMER("interval", "period", UINT, NS, interval),
};

const struct crfd_family crfd_family_timerfd = {
	"timerfd", {CRFD_KIND_TIMERFD}, {CRFD_REC_TIMERFD}, timerfd_columns, CRFD_LEN(timerfd_columns),
	.phrase = " {clock}<{value?} in {value}| disarmed><{interval?} every {interval}><{ticks?} ticks={ticks}>",
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
