/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* memrchr, memmem */
#include "procfs/stat.h"

#include <errno.h>
#include <string.h>

#include "base/number.h"

#define PF_KTHREAD 0x00200000 /* include/linux/sched.h */

/* include/linux/sched.h, TASK_* and EXIT_*. The letter hides TASK_WAKEKILL and its like. */
static const struct {
	char letter;
	uint32_t state, exit_state;
} states[] = {
	{'R', 0, 0}, {'S', 1, 0}, {'D', 2, 0}, {'T', 4, 0}, {'t', 8, 0}, {'I', 0x402, 0}, {'P', 0x40, 0},
	{'X', 0x80, 0x10}, {'x', 0x80, 0x10}, {'Z', 0x80, 0x20},
};

/* The field numbers of proc_pid_stat(5). */
enum { F_STATE = 3, F_PPID = 4, F_SID = 6, F_TTY = 7, F_FLAGS = 9, F_THREADS = 20, F_START = 22, F_SIGNAL = 38, F_CODE = 52 };

static int set_u32(const char *p, size_t n, uint32_t *out)
{
	uint64_t v;
	int rc = crfd_number(p, n, 10, UINT32_MAX, &v);

	if (rc == 0)
		*out = (uint32_t)v;
	return rc;
}

static int set_s32(const char *p, size_t n, uint32_t *out)
{
	int64_t v;
	int rc = crfd_number_signed(p, n, &v);

	if (rc < 0 || v < INT32_MIN || v > INT32_MAX)
		return -EINVAL;
	*out = (uint32_t)(int32_t)v;
	return 0;
}

static int set_field(int field, const char *p, size_t n, struct crfd_procstat *s)
{
	switch (field) {
	case F_STATE:
		s->state = *p;
		return n == 1 ? 0 : -EINVAL;
	case F_PPID:
		return set_u32(p, n, &s->ppid);
	case F_SID:
		return set_s32(p, n, &s->sid); /* -1 once it exited */
	case F_TTY:
		return set_s32(p, n, &s->tty);
	case F_FLAGS:
		return set_u32(p, n, &s->flags);
	case F_THREADS:
		return set_u32(p, n, &s->threads);
	case F_START:
		return crfd_number(p, n, 10, UINT64_MAX, &s->start_time);
	case F_SIGNAL:
		return set_s32(p, n, &s->exit_signal); /* -1 for a thread */
	case F_CODE:
		return set_s32(p, n, &s->exit_code);
	default:
		return 0;
	}
}

int crfd_procstat_parse(const char *text, size_t n, struct crfd_procstat *out)
{
	const char *end = n && text[n - 1] == '\n' ? text + n - 1 : text + n;
	const char *open = memchr(text, '(', n), *close = memrchr(text, ')', n); /* comm may have both inside */
	struct crfd_procstat s = {0};
	const char *p;
	size_t len;
	int field = F_STATE;

	if (!open || !close || close < open)
		return -EINVAL;
	len = (size_t)(close - open - 1);
	memcpy(s.comm, open + 1, len < sizeof(s.comm) ? len : sizeof(s.comm) - 1);
	for (p = close + 1; p < end && *p == ' '; field++) {
		const char *from = p + 1, *gap = memchr(from, ' ', (size_t)(end - from));

		p = gap ? gap : end;
		if (p == from || set_field(field, from, (size_t)(p - from), &s) < 0)
			return -EINVAL;
	}
	if (field <= F_CODE || p != end)
		return -EINVAL;
	*out = s;
	return 0;
}

int crfd_procstat_exited(const struct crfd_procstat *s)
{
	return s->state == 'Z' || s->state == 'X' || s->state == 'x';
}

int crfd_procstat_kthread(const struct crfd_procstat *s)
{
	return (s->flags & PF_KTHREAD) != 0;
}

void crfd_procstat_rec(const struct crfd_procstat *s, crfd_task_rec *out)
{
	*out = (crfd_task_rec){.exit_code = s->exit_code, .exit_signal = s->exit_signal, .comm_len = CRFD_COMM_LEN};
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (states[i].letter == s->state) {
			out->state = states[i].state;
			out->exit_state = states[i].exit_state;
		}
	}
}

/* Up to max numbers with blanks between them; how many, or -EINVAL. */
static int parse_row(const char *p, const char *end, uint32_t *v, int max)
{
	int nr = 0;

	for (;;) {
		const char *from;

		while (p < end && (*p == ' ' || *p == '\t'))
			p++;
		if (p == end)
			return nr;
		for (from = p; p < end && *p != ' ' && *p != '\t';)
			p++;
		if (nr == max)
			nr--; /* the last one is what counts of a longer row */
		if (set_u32(from, (size_t)(p - from), &v[nr++]) < 0)
			return -EINVAL;
	}
}

enum { S_TGID = 1, S_UID = 2, S_GID = 4, S_FDSIZE = 8, S_THREADS = 16, S_ALL = 31, S_NSPID = 32 };

static int key_of(const char *line, size_t n)
{
	static const struct {
		const char *key;
		int bit;
	} keys[] = {{"Tgid", S_TGID}, {"Uid", S_UID}, {"Gid", S_GID}, {"FDSize", S_FDSIZE}, {"Threads", S_THREADS},
		    {"NSpid", S_NSPID}};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		if (strlen(keys[i].key) == n && !memcmp(line, keys[i].key, n))
			return keys[i].bit;
	return 0;
}

static int set_status(int key, const char *p, const char *end, struct crfd_procstatus *s)
{
	uint32_t v[4] = {0};
	int nr = parse_row(p, end, v, key == S_NSPID ? 1 : 4);

	if (nr < (key == S_UID || key == S_GID ? 4 : 1))
		return -EINVAL;
	switch (key) {
	case S_TGID:
		s->tgid = v[0];
		break;
	case S_UID:
		s->uid = v[0];
		s->euid = v[1];
		break;
	case S_GID:
		s->gid = v[0];
		s->egid = v[1];
		break;
	case S_FDSIZE:
		s->fd_size = v[0];
		break;
	case S_THREADS:
		s->threads = v[0];
		break;
	default:
		s->ns_pid = v[0];
	}
	return 0;
}

int crfd_procstatus_parse(const char *text, size_t n, struct crfd_procstatus *out)
{
	struct crfd_procstatus s = {0};
	const char *end = text + n, *line = text;
	int seen = 0;

	while (line < end && (seen & (S_ALL | S_NSPID)) != (S_ALL | S_NSPID)) {
		const char *eol = memchr(line, '\n', (size_t)(end - line)), *stop = eol ? eol : end;
		const char *colon = memchr(line, ':', (size_t)(stop - line));
		int key = colon ? key_of(line, (size_t)(colon - line)) : 0;

		if (key && set_status(key, colon + 1, stop, &s) < 0)
			return -EINVAL;
		seen |= key;
		line = stop + (eol != NULL);
	}
	if ((seen & S_ALL) != S_ALL)
		return -EINVAL;
	*out = s;
	return 0;
}

/* The number or "unlimited" at *p, which moves behind it. */
static int parse_limit(const char **p, const char *end, uint64_t *out)
{
	static const char none[] = "unlimited";
	const char *from;

	while (*p < end && **p == ' ')
		(*p)++;
	for (from = *p; *p < end && **p != ' ';)
		(*p)++;
	if ((size_t)(*p - from) == sizeof(none) - 1 && !memcmp(from, none, sizeof(none) - 1)) {
		*out = UINT64_MAX;
		return 0;
	}
	return crfd_number(from, (size_t)(*p - from), 10, UINT64_MAX, out);
}

int crfd_proclimits_parse(const char *text, size_t n, uint64_t *soft, uint64_t *hard)
{
	static const char key[] = "\nMax open files ";
	const char *line = memmem(text, n, key, sizeof(key) - 1), *end = text + n, *p;
	uint64_t v[2];

	if (!line)
		return -EINVAL;
	p = line + sizeof(key) - 1;
	if (parse_limit(&p, end, &v[0]) < 0 || parse_limit(&p, end, &v[1]) < 0)
		return -EINVAL;
	*soft = v[0];
	*hard = v[1];
	return 0;
}

int crfd_procns_parse(const char *text, size_t n, uint64_t *ino)
{
	const char *open = memchr(text, '[', n);

	if (!open || text[n - 1] != ']')
		return -EINVAL;
	return crfd_number(open + 1, (size_t)(text + n - 1 - (open + 1)), 10, UINT64_MAX, ino);
}
