/* SPDX-License-Identifier: MIT */
#include <string.h>
#include <time.h>

#include "columns/column.h"

#define MEMBER(rec, type_, name, text, type, unit, member, known_at, known) \
	CRFD_MEMBER(name, text, KIND, type, unit, 0, RECORD, rec, type_, member, known_at, known)
#define SECOND 1000000000u /* ns */

/* ---- eventfd ---- */

static int has(const struct crfd_row *r, int rec)
{
	return crfd_row_record(r->ext, rec, 0, CRFD_ALWAYS, 0, NULL) != NULL;
}

static int eventfd_is_told(const struct crfd_row *r)
{
	return has(r, CRFD_REC_EVENTFD);
}

static int get_semaphore(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			 struct crfd_value *v)
{
	const uint8_t *p = crfd_row_record(r->ext, CRFD_REC_EVENTFD, sizeof(crfd_eventfd), CRFD_ALWAYS, 0, NULL);
	crfd_eventfd e;

	(void)c, (void)s;
	if (!p)
		return 0;
	memcpy(&e, p, sizeof(e));
	v->known = (e.known & CRFD_EVENTFD_HAS_SEMAPHORE) != 0;
	v->number = e.semaphore == 1;
	return 0;
}

static int eventfd_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_eventfd e;
	int rc;

	(void)s;
	memcpy(&e, crfd_row_record(r->ext, CRFD_REC_EVENTFD, sizeof(e), CRFD_ALWAYS, 0, NULL), sizeof(e));
	rc = crfd_text_printf(out, " count=%llu", (unsigned long long)e.count);
	if (rc >= 0 && e.semaphore)
		rc = crfd_text_put(out, " semaphore");
	return rc < 0 || !(e.known & CRFD_EVENTFD_HAS_ID) ? rc : crfd_text_printf(out, " id=%u", e.id);
}

#define EVENT(name, text, type, unit, member, bits) \
	MEMBER(CRFD_REC_EVENTFD, crfd_eventfd, "eventfd." name, text, type, unit, member, \
	       (bits) ? offsetof(crfd_eventfd, known) : CRFD_ALWAYS, bits)

static const struct crfd_column eventfd_columns[] = {
	EVENT("count", "the counter", UINT, NONE, count, 0),
	EVENT("id", "unique in the kernel", INT, ID, id, CRFD_EVENTFD_HAS_ID),
	CRFD_CALL("eventfd.semaphore", "whether a read takes one (EFD_SEMAPHORE)", KIND, BOOL, NONE, 0, get_semaphore),
};

const struct crfd_family crfd_family_eventfd = {"eventfd", {CRFD_KIND_EVENTFD}, eventfd_columns, CRFD_LEN(eventfd_columns),
						eventfd_is_told, eventfd_say};

/* ---- timerfd ---- */

/* clock_getres(2), by number; include/uapi/linux/time.h */
static const char *const clocks[] = {"realtime", "monotonic", "process_cputime", "thread_cputime", "monotonic_raw",
				     "realtime_coarse", "monotonic_coarse", "boottime", "realtime_alarm",
				     "boottime_alarm"};

static int timerfd_is_told(const struct crfd_row *r)
{
	return has(r, CRFD_REC_TIMERFD);
}

/* Puts nanoseconds as seconds, without zeros at the end. */
static int put_seconds(crfd_buf *out, const char *before, uint64_t ns)
{
	int rc = crfd_text_printf(out, " %s %llu", before, (unsigned long long)(ns / SECOND)), digits = 9;
	unsigned int rest = (unsigned int)(ns % SECOND);

	for (; rest && rest % 10 == 0; rest /= 10)
		digits--;
	if (rc >= 0 && rest)
		rc = crfd_text_printf(out, ".%0*u", digits, rest);
	return rc < 0 ? rc : crfd_text_put(out, "s");
}

static int timerfd_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_timerfd t;
	int rc = crfd_text_put(out, " ");

	(void)s;
	memcpy(&t, crfd_row_record(r->ext, CRFD_REC_TIMERFD, sizeof(t), CRFD_ALWAYS, 0, NULL), sizeof(t));
	if (rc >= 0)
		rc = crfd_text_name(out, clocks, CRFD_LEN(clocks), t.clock);
	if (rc >= 0)
		rc = t.value ? put_seconds(out, "in", t.value) : crfd_text_put(out, " disarmed");
	if (rc >= 0 && t.interval)
		rc = put_seconds(out, "every", t.interval);
	return rc < 0 || !t.ticks ? rc : crfd_text_printf(out, " ticks=%llu", (unsigned long long)t.ticks);
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

const struct crfd_family crfd_family_timerfd = {"timerfd", {CRFD_KIND_TIMERFD}, timerfd_columns, CRFD_LEN(timerfd_columns),
						timerfd_is_told, timerfd_say};

/* ---- signalfd ---- */

static int signalfd_is_told(const struct crfd_row *r)
{
	return has(r, CRFD_REC_SIGNALFD);
}

static int signalfd_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_signalfd f;
	int rc = crfd_text_put(out, " signals="), nr = 0;

	(void)s;
	memcpy(&f, crfd_row_record(r->ext, CRFD_REC_SIGNALFD, sizeof(f), CRFD_ALWAYS, 0, NULL), sizeof(f));
	for (int n = 0; n < 64 && rc >= 0; n++) {
		if (!(f.mask >> n & 1))
			continue;
		rc = nr++ ? crfd_text_put(out, ",") : 0;
		rc = rc < 0 ? rc : crfd_text_signal(out, n + 1);
	}
	return rc;
}

static const struct crfd_column signalfd_columns[] = {
	MEMBER(CRFD_REC_SIGNALFD, crfd_signalfd, "signalfd.mask", "bit n - 1 for signal n", UINT, BITS, mask, CRFD_ALWAYS, 0),
};

const struct crfd_family crfd_family_signalfd = {"signalfd", {CRFD_KIND_SIGNALFD}, signalfd_columns,
						 CRFD_LEN(signalfd_columns), signalfd_is_told, signalfd_say};
