/* SPDX-License-Identifier: MIT */
/* Counters, timers and signals. */
#include "kinds/line.h"

#define LEN(table) (sizeof(table) / sizeof(*(table)))
#define COUNT 0x100

/* fs/eventfd.c: the count since 3.8, id since 5.2, semaphore since 6.5. */
static int eventfd_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("eventfd-count", 16, crfd_eventfd, count, COUNT),
		NUMBER("eventfd-id", 10, crfd_eventfd, id, CRFD_EVENTFD_HAS_ID),
		NUMBER("eventfd-semaphore", 10, crfd_eventfd, semaphore, CRFD_EVENTFD_HAS_SEMAPHORE),
	};

	return crfd_line_number(d, l, table, LEN(table));
}

static int eventfd_end(struct crfd_detail *d)
{
	if (d->broken || !(d->seen & COUNT))
		return 0;
	d->rec.eventfd.known = d->seen & (CRFD_EVENTFD_HAS_ID | CRFD_EVENTFD_HAS_SEMAPHORE);
	return crfd_detail_put(d, CRFD_REC_EVENTFD, &d->rec.eventfd, sizeof(d->rec.eventfd));
}

const struct crfd_detail_ops crfd_detail_eventfd = {.line = eventfd_line, .end = eventfd_end};

#define NS 1000000000u

enum { CLOCK = 1, TICKS = 2, FLAGS = 4, VALUE = 8, INTERVAL = 16, TIMER_ALL = 31 };

/* "(seconds, nanoseconds)" */
static int timespec(const struct crfd_line *l, uint64_t *out)
{
	const char *p = l->p, *comma = p;
	uint64_t s, ns;

	while (comma < l->end && *comma != ',')
		comma++;
	if (comma == l->end || l->end[-1] != ')' || crfd_line_field(&p, comma, "(", 10, UINT64_MAX / NS - 1, &s) < 0)
		return 0;
	p = comma + 1;
	if (crfd_line_field(&p, l->end - 1, "", 10, NS - 1, &ns) < 0)
		return 0;
	*out = s * NS + ns;
	return 1;
}

/* fs/timerfd.c, since 3.17. The value is the time that is left, also of an absolute timer. */
static int timerfd_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number table[] = {
		NUMBER("clockid", 10, crfd_timerfd, clock, CLOCK),
		NUMBER("ticks", 10, crfd_timerfd, ticks, TICKS),
		NUMBER("settime flags", 8, crfd_timerfd, flags, FLAGS),
	};
	int value = crfd_line_is(l, "it_value");

	if (!value && !crfd_line_is(l, "it_interval"))
		return crfd_line_number(d, l, table, LEN(table));
	if (!timespec(l, value ? &d->rec.timerfd.value : &d->rec.timerfd.interval))
		return 0;
	d->seen |= value ? VALUE : INTERVAL;
	return 1;
}

static int timerfd_end(struct crfd_detail *d)
{
	if (d->broken || d->seen != TIMER_ALL)
		return 0;
	return crfd_detail_put(d, CRFD_REC_TIMERFD, &d->rec.timerfd, sizeof(d->rec.timerfd));
}

const struct crfd_detail_ops crfd_detail_timerfd = {.line = timerfd_line, .end = timerfd_end};

/* fs/signalfd.c, since 3.8. */
static int signalfd_line(struct crfd_detail *d, const struct crfd_line *l)
{
	static const struct crfd_line_number mask = NUMBER("sigmask", 16, crfd_signalfd, mask, 1);

	return crfd_line_number(d, l, &mask, 1);
}

static int signalfd_end(struct crfd_detail *d)
{
	if (d->broken || !d->seen)
		return 0;
	return crfd_detail_put(d, CRFD_REC_SIGNALFD, &d->rec.signalfd, sizeof(d->rec.signalfd));
}

const struct crfd_detail_ops crfd_detail_signalfd = {.line = signalfd_line, .end = signalfd_end};
