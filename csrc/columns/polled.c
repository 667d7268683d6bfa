/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* POLLRDHUP */
#include "columns/polled.h"

#include <poll.h>
#include <string.h>

#include "columns/phrase.h"

#define POLLED(name, text, unit, member) CRFD_MEMBER(name, text, FD, INT, unit, 0, ENTRY, 0, crfd_polled, member, CRFD_ALWAYS, 0)

static const struct crfd_column members[] = {
	POLLED("tid", "thread that waits", ID, tid),
	POLLED("events", "POLL* events that it waits for", BITS, events),
};

const struct crfd_list crfd_polled_list = {
	0, sizeof(crfd_polled), members, CRFD_LEN(members),
	.own = {CRFD_REC_POLLED, sizeof(crfd_polled), 0, offsetof(struct crfd_row, polled)},
};

/* Counts the threads that wait: 1 where that is known, for all were read or some are seen to. */
static int count(const struct crfd_row *r, size_t *n)
{
	crfd_task_polls polls = {.unread = 1};

	*n = crfd_list_count(&crfd_polled_list, r);
	if (r->fd >= 0 && r->task->polls)
		memcpy(&polls, r->task->polls, sizeof(polls));
	return *n || !polls.unread;
}

int crfd_polled_get(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	size_t n;

	(void)c, (void)s;
	return count(r, &n) ? crfd_value_number(v, n) : 0;
}

static int say_poller(const struct crfd_row *entry, size_t before, crfd_buf *out)
{
	static const struct {
		uint32_t event;
		const char *name;
	} names[] = {{POLLIN, "in"}, {POLLPRI, "pri"}, {POLLOUT, "out"}, {POLLRDHUP, "rdhup"}};
	crfd_polled p;

	memcpy(&p, entry->entry, sizeof(p));
	crfd_text_printf(out, "%s%d", before ? ", " : "", p.tid);
	for (size_t i = 0; i < CRFD_LEN(names); i++)
		if (p.events & names[i].event)
			crfd_text_printf(out, " %s", names[i].name);
	return out->failed;
}

int crfd_polled_say(const struct crfd_row *r, crfd_buf *out)
{
	if (!r->polled.n)
		return 0;
	crfd_text_put(out, " polled by: ");
	return crfd_list_say(&crfd_polled_list, r, "threads", say_poller, out);
}

int crfd_pollers_get(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	int rc = crfd_list_say(&crfd_polled_list, r, "threads", say_poller, &s->text);

	(void)c;
	return rc < 0 || !s->text.nr ? rc : crfd_value_text(v, s->text.v, s->text.nr);
}

/* A row is the only one that says these, so that none has to be left out of a long list. */
int crfd_pollers_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	int brief = s->brief, rc;
	size_t n;

	if (!count(r, &n))
		return crfd_text_put(out, "null");
	s->brief = 0;
	rc = crfd_list_json(&crfd_polled_list, s, r, out);
	s->brief = brief;
	return rc;
}
