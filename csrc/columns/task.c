/* SPDX-License-Identifier: MIT */
#include "columns/task.h"

#include <pwd.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"

static struct crfd_bytes task_text(const struct crfd_row *r, int rec)
{
	size_t n = 0;
	const uint8_t *p = crfd_row_record(r->task->ext, rec, 1, CRFD_ALWAYS, 0, &n);

	return (struct crfd_bytes){p, n};
}

/* Gives the arguments, which NULs end, with blanks between. */
int crfd_task_cmdline(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
		       struct crfd_value *v)
{
	struct crfd_bytes text = task_text(r, CRFD_REC_TASK_CMDLINE);
	int rc;

	(void)c;
	while (text.n && !text.p[text.n - 1])
		text.n--;
	if (!text.p)
		return 0;
	rc = crfd_buf_put(&s->text, text.p, text.n);
	for (size_t i = 0; i < s->text.nr; i++)
		if (!s->text.v[i])
			s->text.v[i] = ' ';
	return crfd_value_scratch(s, rc, v);
}

/* Finds the path in the unified hierarchy, "0::PATH" (cgroups(7)), or else that of the first line. */
static struct crfd_bytes cgroup_path(const struct crfd_row *r)
{
	struct crfd_bytes text = task_text(r, CRFD_REC_TASK_CGROUP), found = {0};

	if (!text.p)
		return found;
	for (const uint8_t *p = text.p, *end = text.p + text.n, *eol; p < end; p = eol + 1) {
		const uint8_t *colon;

		eol = memchr(p, '\n', (size_t)(end - p));
		eol = eol ? eol : end;
		colon = memchr(p, ':', (size_t)(eol - p));
		colon = colon ? memchr(colon + 1, ':', (size_t)(eol - colon - 1)) : NULL;
		if (colon && (!found.p || *p == '0'))
			found = (struct crfd_bytes){colon + 1, (size_t)(eol - colon - 1)};
	}
	return found;
}

int crfd_task_cgroup(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	struct crfd_bytes path = cgroup_path(r);

	(void)c, (void)s;
	return path.p ? crfd_value_text(v, path.p, path.n) : 0;
}

static size_t hex_run(const uint8_t *p, size_t n)
{
	size_t i = 0;

	while (i < n && ((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
		i++;
	return i;
}

/* Engines put the id, 64 digits in base 16, into the path: /docker/ID, docker-ID.scope, cri-containerd-ID.scope. */
int crfd_task_container(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			 struct crfd_value *v)
{
	struct crfd_bytes path = cgroup_path(r);

	(void)c, (void)s;
	for (size_t i = 0; i + 64 <= path.n; i++) {
		size_t n = hex_run(path.p + i, path.n - i);

		if (n == 64 && i && (path.p[i - 1] == '/' || path.p[i - 1] == '-'))
			return crfd_value_text(v, path.p + i, 12); /* as the engines show it */
		i += n;
	}
	return 0;
}

/* Asks getpwuid_r(3) once for as long as the uid stays. */
int crfd_task_user(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const crfd_task_info *info = &r->task->info;
	char room[1024];
	struct passwd pw, *found = NULL;
	int rc = 0;

	(void)c;
	if (!(info->known & CRFD_TASK_HAS_STATUS))
		return 0;
	if (!s->has_uid || s->uid != info->uid) {
		crfd_buf_clear(&s->user);
		if (getpwuid_r(info->uid, &pw, room, sizeof(room), &found) == 0 && found)
			rc = crfd_text_put(&s->user, pw.pw_name);
		else
			rc = crfd_text_number(&s->user, info->uid);
		s->uid = info->uid;
		s->has_uid = rc >= 0;
	}
	return rc < 0 ? rc : crfd_value_text(v, s->user.v, s->user.nr);
}

/* Gives the time as RFC 3339 writes it, to the second, and its number. */
int crfd_task_started(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	time_t when = (time_t)r->task->started;
	char text[32];
	struct tm utc;
	int rc;

	(void)c;
	if (!when || !gmtime_r(&when, &utc) || !strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &utc))
		return 0;
	rc = crfd_text_put(&s->text, text);
	v->number = (uint64_t)when;
	return crfd_value_scratch(s, rc, v);
}
