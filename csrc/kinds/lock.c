/* SPDX-License-Identifier: MIT */
/*
 * Locks and leases: fs/locks.c, show_fd_locks(), since Linux 4.1. "1: POSIX  ADVISORY  WRITE 1234 08:02:5678 0 EOF": an
 * ordinal, the sort, its mode, what is locked, by whom, the inode, first and last byte.
 */
#include <string.h>

#include "base/buf.h"
#include "base/number.h"
#include "kinds/detail.h"

enum { ORDINAL, SORT, MODE, TYPE, PID, INODE, START, END, NTOKENS };

struct word {
	const char *text;
	uint32_t value;
};

static const struct word sorts[] = {
	{"POSIX", CRFD_LOCK_POSIX}, {"OFDLCK", CRFD_LOCK_OFD}, {"FLOCK", CRFD_LOCK_FLOCK},
	{"LEASE", CRFD_LOCK_LEASE}, {"DELEG", CRFD_LOCK_DELEG}, {NULL, 0},
};

static const struct word modes[] = {
	{"ADVISORY", 0}, {"ACTIVE", 0}, {"BREAKING", CRFD_LOCK_BREAKING},
	{"MANDATORY", CRFD_LOCK_MANDATORY}, /* until 5.15 */
	{NULL, 0},
};

static const struct word types[] = {
	{"READ", CRFD_LOCK_READ}, {"WRITE", CRFD_LOCK_WRITE}, {"UNLCK", CRFD_LOCK_UNLOCK}, {NULL, 0},
};

struct token {
	const char *p;
	size_t len;
};

static int is_word(const struct token *t, const char *text)
{
	return t->len == strlen(text) && !memcmp(t->p, text, t->len);
}

static int find(const struct word *w, const struct token *t, uint32_t *out)
{
	for (; w->text; w++) {
		if (is_word(t, w->text)) {
			*out = w->value;
			return 1;
		}
	}
	return 0;
}

static int parse(const struct token *t, crfd_lock *out)
{
	int64_t pid;

	if (!find(sorts, &t[SORT], &out->lock) || !find(modes, &t[MODE], &out->flags) || !find(types, &t[TYPE], &out->type))
		return 0;
	if (crfd_number_signed(t[PID].p, t[PID].len, &pid) < 0 || pid < -1 || pid > INT32_MAX)
		return 0;
	out->pid = (int32_t)pid;
	if (crfd_number(t[START].p, t[START].len, 10, INT64_MAX, &out->start) < 0)
		return 0;
	out->end = UINT64_MAX;
	return is_word(&t[END], "EOF") || crfd_number(t[END].p, t[END].len, 10, INT64_MAX, &out->end) >= 0;
}

int crfd_detail_lock(struct crfd_detail *d, const struct crfd_line *l)
{
	struct token t[NTOKENS];
	const char *p = l->p;
	crfd_lock lock = {0};
	int rc;

	for (int i = 0; i < NTOKENS; i++)
		t[i].len = crfd_line_token(&p, l->end, &t[i].p);
	if (!parse(t, &lock))
		return 0;
	rc = crfd_buf_put(&d->locks, &lock, sizeof(lock));
	return rc < 0 ? rc : p == l->end;
}

int crfd_detail_has_lease(const struct crfd_detail *d)
{
	crfd_lock lock;

	for (size_t i = 0; i < d->locks.nr; i += sizeof(lock)) {
		memcpy(&lock, d->locks.v + i, sizeof(lock));
		if (lock.lock == CRFD_LOCK_LEASE)
			return 1;
	}
	return 0;
}
