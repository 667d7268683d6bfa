/* SPDX-License-Identifier: MIT */
#include "columns/lock.h"

#include <string.h>

#include "base/buf.h"

/* enum crfd_lock_kind, enum crfd_lock_type; F_OWNER_* of fcntl(2) */
static const char *const kinds[] = {NULL, "posix", "ofd", "flock", "lease", "deleg"};
static const char *const types[] = {"read", "write", "unlock"};
static const char *const owners[] = {"tid", "pid", "pgrp"};

typedef int each_lock(const crfd_lock *l, int first, crfd_buf *out);

/* The locks of the description, then those of this task on one that another task's section has. */
static int each(const struct crfd_row *r, each_lock *put, crfd_buf *out, int *nr)
{
	struct crfd_bytes rest = r->ext;
	const uint8_t *p;
	crfd_fd_lock fd_lock;
	crfd_lock l;
	size_t len;
	int rc = 0;

	while (rc >= 0 && (p = crfd_row_record(rest, CRFD_REC_LOCK, 0, CRFD_ALWAYS, 0, &len))) {
		for (size_t i = 0; rc >= 0 && i + sizeof(l) <= len; i += sizeof(l)) {
			memcpy(&l, p + i, sizeof(l));
			rc = put(&l, !(*nr)++, out);
		}
		rest = (struct crfd_bytes){p + len, (size_t)(rest.p + rest.n - p) - len};
	}
	rest = r->locks;
	while (rc >= 0 && (p = crfd_row_record(rest, CRFD_REC_FD_LOCK, sizeof(fd_lock), CRFD_ALWAYS, 0, &len))) {
		for (size_t i = 0; rc >= 0 && i + sizeof(fd_lock) <= len; i += sizeof(fd_lock)) {
			memcpy(&fd_lock, p + i, sizeof(fd_lock));
			if (fd_lock.fd != r->fd)
				return 0;
			memcpy(&l, p + i + offsetof(crfd_fd_lock, lock), sizeof(l));
			rc = put(&l, !(*nr)++, out);
		}
		rest = (struct crfd_bytes){p + len, (size_t)(rest.p + rest.n - p) - len};
	}
	return rc;
}

static int say_range(const crfd_lock *l, crfd_buf *out)
{
	if (l->end == UINT64_MAX)
		return crfd_text_printf(out, " %llu-EOF", (unsigned long long)l->start);
	return crfd_text_printf(out, " %llu-%llu", (unsigned long long)l->start, (unsigned long long)l->end);
}

static int say_lock(const crfd_lock *l, int first, crfd_buf *out)
{
	static const char *const names[] = {NULL, "POSIX", "OFD", "FLOCK", "LEASE", "DELEG"};
	int rc = crfd_text_put(out, " lock: ");

	(void)first;
	if (rc >= 0)
		rc = crfd_text_name(out, names, CRFD_LEN(names), l->lock);
	if (rc >= 0)
		rc = crfd_text_put(out, " ");
	if (rc >= 0)
		rc = crfd_text_name(out, types, CRFD_LEN(types), l->type);
	if (rc >= 0 && (l->lock == CRFD_LOCK_POSIX || l->lock == CRFD_LOCK_OFD))
		rc = say_range(l, out);
	if (rc >= 0 && l->pid > 0)
		rc = crfd_text_printf(out, " pid %d", l->pid);
	if (rc >= 0 && l->flags & CRFD_LOCK_MANDATORY)
		rc = crfd_text_put(out, " mandatory");
	if (rc >= 0 && l->flags & CRFD_LOCK_BREAKING)
		rc = crfd_text_put(out, " breaking");
	return rc;
}

static int json_lock(const crfd_lock *l, int first, crfd_buf *out)
{
	int rc = crfd_text_printf(out, "%s{\"kind\": \"", first ? "[" : ", ");

	if (rc >= 0)
		rc = crfd_text_name(out, kinds, CRFD_LEN(kinds), l->lock);
	if (rc >= 0)
		rc = crfd_text_put(out, "\", \"type\": \"");
	if (rc >= 0)
		rc = crfd_text_name(out, types, CRFD_LEN(types), l->type);
	if (rc >= 0)
		rc = crfd_text_put(out, "\", \"pid\": ");
	if (rc >= 0)
		rc = l->pid > 0 ? crfd_text_signed(out, l->pid) : crfd_text_put(out, "null");
	if (rc >= 0)
		rc = crfd_text_printf(out, ", \"start\": %llu, \"end\": ", (unsigned long long)l->start);
	if (rc >= 0)
		rc = l->end == UINT64_MAX ? crfd_text_put(out, "null") : crfd_text_number(out, l->end);
	return rc < 0 ? rc : crfd_text_printf(out, ", \"mandatory\": %s, \"breaking\": %s}",
					      l->flags & CRFD_LOCK_MANDATORY ? "true" : "false",
					      l->flags & CRFD_LOCK_BREAKING ? "true" : "false");
}

static int read_owner(const struct crfd_row *r, crfd_owner *o)
{
	const uint8_t *p = r->is_read ? crfd_row_record(r->ext, CRFD_REC_OWNER, sizeof(*o), CRFD_ALWAYS, 0, NULL) : NULL;

	if (p)
		memcpy(o, p, sizeof(*o));
	return p != NULL;
}

static int say_owner(const crfd_owner *o, crfd_buf *out)
{
	int rc = crfd_text_put(out, " owner: ");

	if (rc >= 0)
		rc = crfd_text_name(out, owners, CRFD_LEN(owners), o->type);
	if (rc >= 0)
		rc = o->pid ? crfd_text_printf(out, " %d", o->pid) : crfd_text_put(out, " ?");
	return rc < 0 || !o->signum ? rc : crfd_text_printf(out, " signal %u", o->signum);
}

int crfd_lock_say(const struct crfd_row *r, crfd_buf *out)
{
	crfd_owner o;
	int nr = 0, rc = each(r, say_lock, out, &nr);

	return rc < 0 || !read_owner(r, &o) ? rc : say_owner(&o, out);
}

static int take(struct crfd_scratch *s, int rc, struct crfd_value *v)
{
	if (rc < 0 || !s->text.nr)
		return rc;
	v->known = 1;
	v->text = (struct crfd_bytes){s->text.v + 1, s->text.nr - 1};
	return 0;
}

int crfd_lock_get(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	int nr = 0;

	(void)c;
	return take(s, each(r, say_lock, &s->text, &nr), v);
}

int crfd_lock_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	int nr = 0, rc = each(r, json_lock, out, &nr);

	(void)s;
	return rc < 0 ? rc : crfd_text_put(out, nr ? "]" : "null");
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
	int rc;

	(void)s;
	if (!read_owner(r, &o))
		return crfd_text_put(out, "null");
	rc = o.pid ? crfd_text_printf(out, "{\"pid\": %d, \"type\": \"", o.pid) : crfd_text_put(out, "{\"pid\": null, \"type\": \"");
	if (rc >= 0)
		rc = crfd_text_name(out, owners, CRFD_LEN(owners), o.type);
	return rc < 0 ? rc : crfd_text_printf(out, "\", \"uid\": %u, \"euid\": %u, \"signal\": %u}", o.uid, o.euid, o.signum);
}
