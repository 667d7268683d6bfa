/* SPDX-License-Identifier: MIT */
#include "kinds/detail.h"

/* fs/eventfd.c: the count since 3.8, id since 5.2, semaphore since 6.5. */
static const struct crfd_line_number eventfd_numbers[] = {
	NUMBER("eventfd-count", 16, crfd_eventfd, count, CRFD_EVENTFD_COUNT),
	NUMBER("eventfd-id", 10, crfd_eventfd, id, CRFD_EVENTFD_HAS_ID),
	NUMBER("eventfd-semaphore", 10, crfd_eventfd, semaphore, CRFD_EVENTFD_HAS_SEMAPHORE),
};

static int eventfd_end(struct crfd_detail *d)
{
	d->rec.eventfd.known = d->known & ~(uint32_t)CRFD_EVENTFD_COUNT;
	return 1;
}

#define NS 1000000000u

enum { CLOCK = 1, TICKS = 2, FLAGS = 4, VALUE = 8, INTERVAL = 16, TIMER_ALL = 31 };

static const struct crfd_line_number timerfd_numbers[] = {
	NUMBER("clockid", 10, crfd_timerfd, clock, CLOCK),
	NUMBER("ticks", 10, crfd_timerfd, ticks, TICKS),
	NUMBER("settime flags", 8, crfd_timerfd, flags, FLAGS),
};

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
	int value = crfd_line_is(l, "it_value");

	if (!value && !crfd_line_is(l, "it_interval"))
		return 0;
	if (!timespec(l, value ? &d->rec.timerfd.value : &d->rec.timerfd.interval))
		return 0;
	d->known |= value ? VALUE : INTERVAL;
	return 1;
}

enum { MASK = 1 };

/* fs/signalfd.c, since 3.8. */
static const struct crfd_line_number signalfd_numbers[] = {NUMBER("sigmask", 16, crfd_signalfd, mask, MASK)};

static const struct crfd_kind_ops rows[] = {
	{CRFD_ROW(EVENTFD, "eventfd", CRFD_ANON("[eventfd]")), .id_key = "eventfd-id",
	 CRFD_TOLD(CRFD_REC_EVENTFD, crfd_eventfd), CRFD_NUMBERS(eventfd_numbers), .needs = CRFD_EVENTFD_COUNT,
	 .end = eventfd_end},
	{CRFD_ROW(TIMERFD, "timerfd", CRFD_ANON("[timerfd]")), .id_key = "clockid",
	 CRFD_TOLD(CRFD_REC_TIMERFD, crfd_timerfd), CRFD_NUMBERS(timerfd_numbers), .line = timerfd_line,
	 .needs = TIMER_ALL},
	{CRFD_ROW(SIGNALFD, "signalfd", CRFD_ANON("[signalfd]")), CRFD_TOLD(CRFD_REC_SIGNALFD, crfd_signalfd),
	 CRFD_NUMBERS(signalfd_numbers), .needs = MASK},
};

const struct crfd_kind_family crfd_kinds_event = CRFD_FAMILY(rows);
