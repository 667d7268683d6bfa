/* SPDX-License-Identifier: MIT */
#include "columns/lock.h"

#include <string.h>

#include "columns/phrase.h"

/* enum crfd_lock_kind, enum crfd_lock_type; F_OWNER_* of fcntl(2) */
static const char *const kinds[] = {NULL, "posix", "ofd", "flock", "lease", "deleg"};
static const char *const types[] = {"read", "write", "unlock"};
static const char *const owners[] = {"tid", "pid", "pgrp"};

/* ---- the locks as a list ---- */

static crfd_lock lock_at(const struct crfd_row *entry)
{
	crfd_lock l;

	memcpy(&l, entry->entry, sizeof(l));
	return l;
}

#define LOCK(name, text, type, unit, flags, member, ...) \
	CRFD_MEMBER(name, text, KIND, type, unit, flags, ENTRY, 0, crfd_lock, member, CRFD_ALWAYS, 0, __VA_ARGS__)

static const struct crfd_column members[] = {
	LOCK("kind", "posix, ofd, flock, lease or deleg", TEXT, NONE, CRFD_COLUMN_FEW, lock, CRFD_READING(CRFD_NAMES(kinds))),
	LOCK("type", "read, write or unlock", TEXT, NONE, CRFD_COLUMN_FEW, type, CRFD_READING(CRFD_NAMES(types))),
	LOCK("pid", "process that holds it", INT, ID, 0, pid, CRFD_READING(.none = CRFD_NONE_ZERO | CRFD_NONE_NEGATIVE)),
	LOCK("start", "its first byte", UINT, BYTES, 0, start),
	LOCK("end", "its last byte; none: to the end of the file", UINT, BYTES, 0, end, CRFD_READING(.none = CRFD_NONE_ONES)),
	LOCK("mandatory", "whether it binds who does not ask for it", BOOL, NONE, 0, flags, CRFD_READING(.mask = CRFD_LOCK_MANDATORY)),
	LOCK("breaking", "whether a lease is about to be taken away", BOOL, NONE, 0, flags, CRFD_READING(.mask = CRFD_LOCK_BREAKING)),
};

const struct crfd_list crfd_lock_list = {
	CRFD_REC_LOCK, sizeof(crfd_lock), members, CRFD_LEN(members),
	.own = {CRFD_REC_FD_LOCK, sizeof(crfd_fd_lock), offsetof(crfd_fd_lock, lock), offsetof(struct crfd_row, locks)},
};

/* ---- the locks as text ---- */

static int say_range(const crfd_lock *l, crfd_buf *out)
{
	if (l->end == UINT64_MAX)
		return crfd_text_printf(out, " %llu-EOF", (unsigned long long)l->start);
	return crfd_text_printf(out, " %llu-%llu", (unsigned long long)l->start, (unsigned long long)l->end);
}

static int say_lock(const struct crfd_row *entry, size_t before, crfd_buf *out)
{
	static const char *const names[] = {NULL, "POSIX", "OFD", "FLOCK", "LEASE", "DELEG"};
	crfd_lock l = lock_at(entry);

	(void)before;
	crfd_text_put(out, " lock: ");
	crfd_text_name(out, names, CRFD_LEN(names), l.lock);
	crfd_text_put(out, " ");
	crfd_text_name(out, types, CRFD_LEN(types), l.type);
	if (l.lock == CRFD_LOCK_POSIX || l.lock == CRFD_LOCK_OFD)
		say_range(&l, out);
	if (l.pid > 0)
		crfd_text_printf(out, " pid %d", l.pid);
	if (l.flags & CRFD_LOCK_MANDATORY)
		crfd_text_put(out, " mandatory");
	if (l.flags & CRFD_LOCK_BREAKING)
		crfd_text_put(out, " breaking");
	return out->failed;
}

static int read_owner(const struct crfd_row *r, crfd_owner *o)
{
	return r->is_read && crfd_row_read(r, CRFD_REC_OWNER, o, sizeof(*o));
}

static int say_owner(const crfd_owner *o, crfd_buf *out)
{
	crfd_text_put(out, " owner: ");
	crfd_text_name(out, owners, CRFD_LEN(owners), o->type);
	if (o->pid)
		crfd_text_printf(out, " %d", o->pid);
	else
		crfd_text_put(out, " ?");
	if (o->signum) {
		crfd_text_put(out, " signal ");
		crfd_text_signal(out, (int)o->signum);
	}
	return out->failed;
}

int crfd_lock_say(const struct crfd_row *r, crfd_buf *out)
{
	crfd_owner o;
	int rc = crfd_list_say(&crfd_lock_list, r, "locks", say_lock, out);

	return rc < 0 || !read_owner(r, &o) ? rc : say_owner(&o, out);
}

static int take(struct crfd_scratch *s, int rc, struct crfd_value *v)
{
	return rc < 0 || !s->text.nr ? rc : crfd_value_text(v, s->text.v + 1, s->text.nr - 1);
}

int crfd_lock_get(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c;
	return take(s, crfd_list_say(&crfd_lock_list, r, "locks", say_lock, &s->text), v);
}

int crfd_lock_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	if (!crfd_list_count(&crfd_lock_list, r))
		return crfd_text_put(out, "null");
	return crfd_list_json(&crfd_lock_list, s, r, out);
}

int crfd_owner_get(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_owner o;

	(void)c;
	return take(s, read_owner(r, &o) ? say_owner(&o, &s->text) : 0, v);
}

int crfd_owner_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_owner o;

	(void)s;
	if (!read_owner(r, &o))
		return crfd_text_put(out, "null");
	crfd_text_put(out, "{\"pid\": ");
	if (o.pid)
		crfd_text_signed(out, o.pid);
	else
		crfd_text_put(out, "null");
	crfd_text_put(out, ", \"type\": \"");
	crfd_text_name(out, owners, CRFD_LEN(owners), o.type);
	return crfd_text_printf(out, "\", \"uid\": %u, \"euid\": %u, \"signal\": %u}", o.uid, o.euid, o.signum);
}
