/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_PATH */
#include "procfs/locks.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/number.h"
#include "procfs/read.h"

#define DEPTH 32 /* of waiters behind waiters; whoever stands deeper is told as waiting for the last of these */

/* A line is a lock, or, deeper than 0, somebody who waits for the last line before it that is one less deep. */
struct line {
	unsigned int depth;
	int32_t pid;
	uint32_t lock, type, flags;
	uint64_t dev, ino, start, end;
};

struct word {
	const char *p;
	size_t len;
};

static struct word next_word(const char **p, const char *end)
{
	struct word w;

	while (*p < end && **p == ' ')
		(*p)++;
	for (w.p = *p; *p < end && **p != ' ';)
		(*p)++;
	w.len = (size_t)(*p - w.p);
	return w;
}

static int is(struct word w, const char *text)
{
	return strlen(text) == w.len && !memcmp(w.p, text, w.len);
}

static int find(struct word w, const char *const *names, size_t n, uint32_t *out)
{
	for (size_t i = 0; i < n; i++) {
		if (names[i] && is(w, names[i])) {
			*out = (uint32_t)i;
			return 0;
		}
	}
	return -EINVAL;
}

/* "fe:00:1234", or "<none>:0" of somebody who waits for a lease. */
static int take_inode(struct word w, struct line *l)
{
	const char *end = w.p + w.len, *one = memchr(w.p, ':', w.len);
	const char *two = one ? memchr(one + 1, ':', (size_t)(end - one - 1)) : NULL;
	uint64_t maj, min;

	if (is(w, "<none>:0"))
		return 0;
	if (!two || crfd_number(w.p, (size_t)(one - w.p), 16, UINT32_MAX, &maj) < 0 ||
	    crfd_number(one + 1, (size_t)(two - one - 1), 16, UINT32_MAX, &min) < 0)
		return -EINVAL;
	l->dev = makedev((unsigned int)maj, (unsigned int)min);
	return crfd_number(two + 1, (size_t)(end - two - 1), 10, UINT64_MAX, &l->ino);
}

static int take_range(const char **p, const char *end, struct line *l)
{
	struct word start = next_word(p, end), last = next_word(p, end);

	l->end = UINT64_MAX;
	if (crfd_number(start.p, start.len, 10, INT64_MAX, &l->start) < 0)
		return -EINVAL;
	return is(last, "EOF") ? 0 : crfd_number(last.p, last.len, 10, INT64_MAX, &l->end);
}

/* "3:  -> POSIX  ADVISORY  WRITE 7717 fe:00:2519489 7 9": fs/locks.c, lock_get_status() */
static int take_line(const char *p, const char *end, struct line *l)
{
	static const char *const kinds[] = {[CRFD_LOCK_POSIX] = "POSIX", [CRFD_LOCK_OFD] = "OFDLCK",
					    [CRFD_LOCK_FLOCK] = "FLOCK", [CRFD_LOCK_LEASE] = "LEASE",
					    [CRFD_LOCK_DELEG] = "DELEG"};
	static const char *const types[] = {[CRFD_LOCK_READ] = "READ", [CRFD_LOCK_WRITE] = "WRITE",
					    [CRFD_LOCK_UNLOCK] = "UNLCK"};
	const char *colon = memchr(p, ':', (size_t)(end - p)), *first;
	struct word word;
	int64_t pid;

	*l = (struct line){0};
	if (!colon)
		return -EINVAL;
	first = p = colon + 1;
	word = next_word(&p, end);
	if (is(word, "->")) {
		l->depth = (unsigned int)(word.p - first);
		word = next_word(&p, end);
	}
	if (find(word, kinds, sizeof(kinds) / sizeof(*kinds), &l->lock) < 0)
		return -EINVAL;
	word = next_word(&p, end);
	l->flags = is(word, "MANDATORY") ? CRFD_LOCK_MANDATORY : is(word, "BREAKING") ? CRFD_LOCK_BREAKING : 0;
	if (find(next_word(&p, end), types, sizeof(types) / sizeof(*types), &l->type) < 0)
		return -EINVAL;
	word = next_word(&p, end);
	if (crfd_number_signed(word.p, word.len, &pid) < 0 || pid < -1 || pid > INT32_MAX)
		return -EINVAL;
	l->pid = (int32_t)pid;
	return take_inode(next_word(&p, end), l) < 0 ? -EINVAL : take_range(&p, end, l);
}

static int put_wait(const struct line *held, const struct line *wanted, crfd_buf *out)
{
	crfd_lock_wait r = {.pid = wanted->pid, .holder = held->pid, .lock = wanted->lock, .type = wanted->type,
			    .holder_lock = held->lock, .holder_type = held->type, .holder_flags = held->flags,
			    .behind = held->depth, .dev = held->dev, .ino = held->ino, .start = wanted->start,
			    .end = wanted->end, .holder_start = held->start, .holder_end = held->end};

	return crfd_buf_put(out, &r, sizeof(r));
}

/* A line of a kind that we do not know says nothing, and so do those that wait for it. */
int crfd_locks_waits(const char *text, size_t n, crfd_buf *out)
{
	const char *end = text + n;
	struct line line, at[DEPTH];
	unsigned int known = 0; /* depths */
	int rc = 0;

	while (text < end && rc >= 0) {
		const char *eol = memchr(text, '\n', (size_t)(end - text)), *stop = eol ? eol : end;

		if (take_line(text, stop, &line) < 0) {
			known = 0;
		} else if (line.depth <= known || known == DEPTH) {
			if (line.depth >= DEPTH)
				line.depth = DEPTH - 1;
			if (line.depth)
				rc = put_wait(&at[line.depth - 1], &line, out);
			if (line.depth) { /* somebody who waits for a lease does not say of which file */
				line.dev = at[0].dev;
				line.ino = at[0].ino;
			}
			at[line.depth] = line;
			known = line.depth + 1;
		}
		text = stop + (eol != NULL);
	}
	return rc;
}

int64_t crfd_lock_waits(crfd_buf *out)
{
	crfd_buf text = {0};
	int dir = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int rc = dir < 0 ? -errno : crfd_proc_read(dir, "locks", 1, &text);

	out->nr = 0;
	if (dir >= 0)
		close(dir);
	if (rc >= 0)
		rc = crfd_locks_waits((const char *)text.v, text.nr, out);
	crfd_buf_release(&text);
	return rc < 0 ? rc : (int64_t)(out->nr / sizeof(crfd_lock_wait));
}
