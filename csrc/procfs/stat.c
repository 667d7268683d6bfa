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

static int set_state(const char *p, size_t n, crfd_task_rec *rec)
{
	for (size_t i = 0; i < sizeof(states) / sizeof(*states); i++) {
		if (states[i].letter == *p) {
			rec->state = states[i].state;
			rec->exit_state = states[i].exit_state;
		}
	}
	return n == 1 ? 0 : -EINVAL;
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

/* Fields have the numbers of proc_pid_stat(5). */
enum { F_STATE = 3, F_PPID = 4, F_SID = 6, F_TTY = 7, F_FLAGS = 9, F_START = 22, F_SIGNAL = 38, F_CODE = 52 };

static int set_field(int field, const char *p, size_t n, struct crfd_procstat *s)
{
	switch (field) {
	case F_STATE:
		return set_state(p, n, &s->rec);
	case F_PPID:
		return crfd_number_u32(p, n, &s->ppid);
	case F_SID:
		return set_s32(p, n, &s->sid); /* -1 once it exited */
	case F_TTY:
		return set_s32(p, n, &s->tty);
	case F_FLAGS:
		return crfd_number_u32(p, n, &s->flags);
	case F_START:
		return crfd_number(p, n, 10, UINT64_MAX, &s->start_time);
	case F_SIGNAL:
		return set_s32(p, n, &s->rec.exit_signal); /* -1 for a thread */
	case F_CODE:
		return set_s32(p, n, &s->rec.exit_code);
	default:
		return 0;
	}
}

int crfd_procstat_parse(const char *text, size_t n, struct crfd_procstat *out)
{
	const char *end = n && text[n - 1] == '\n' ? text + n - 1 : text + n;
	const char *open = memchr(text, '(', n), *close = memrchr(text, ')', n); /* comm may have both inside */
	struct crfd_procstat s = {.rec.comm_len = CRFD_COMM_LEN};
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

int crfd_task_is_kernel(uint32_t flags)
{
	return (flags & PF_KTHREAD) != 0;
}

int crfd_task_has_files(const crfd_task_rec *rec, uint32_t flags)
{
	return !rec->exit_state && !crfd_task_is_kernel(flags);
}

int crfd_task_keeps_files(const crfd_task_rec *rec, uint32_t flags)
{
	return crfd_task_has_files(rec, flags) && !(flags & PF_EXITING);
}

/* Reads up to max numbers with blanks between them, and returns how many, or -EINVAL. */
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
		if (crfd_number_u32(from, (size_t)(p - from), &v[nr++]) < 0)
			return -EINVAL;
	}
}

/* A row says how many numbers a line of status must have, how many of them are taken, and where to. */
static const struct {
	const char *key;
	uint8_t must, taken;
	uint16_t at;
} keys[] = {
	{"Tgid", 1, 1, offsetof(crfd_task_info, tgid)}, {"Uid", 4, 2, offsetof(crfd_task_info, uid)},
	{"Gid", 4, 2, offsetof(crfd_task_info, gid)}, {"FDSize", 1, 1, offsetof(crfd_task_info, fd_size)},
	{"Threads", 1, 1, offsetof(crfd_task_info, threads)}, {"NSpid", 1, 1, offsetof(crfd_task_info, ns_pid)},
};

enum { NKEYS = sizeof(keys) / sizeof(*keys), ALL = (1 << NKEYS) - 1, NEEDED = ALL >> 1 };

/* Takes a line, and returns the key's bit, 0 for another line; or -EINVAL. */
static int take_line(const char *line, const char *end, crfd_task_info *out)
{
	const char *colon = memchr(line, ':', (size_t)(end - line));
	size_t len = colon ? (size_t)(colon - line) : 0;
	uint32_t v[4] = {0};

	for (int i = 0; len && i < NKEYS; i++) {
		if (strlen(keys[i].key) != len || memcmp(line, keys[i].key, len))
			continue;
		if (parse_row(colon + 1, end, v, i == NKEYS - 1 ? 1 : 4) < keys[i].must)
			return -EINVAL;
		memcpy((char *)out + keys[i].at, v, keys[i].taken * sizeof(*v));
		return 1 << i;
	}
	return 0;
}

int crfd_procstatus_parse(const char *text, size_t n, crfd_task_info *out)
{
	const char *end = text + n, *line = text;
	crfd_task_info info = *out;
	int seen = 0;

	info.ns_pid = 0;
	while (line < end && seen != ALL) {
		const char *eol = memchr(line, '\n', (size_t)(end - line)), *stop = eol ? eol : end;
		int key = take_line(line, stop, &info);

		if (key < 0)
			return key;
		seen |= key;
		line = stop + (eol != NULL);
	}
	if ((seen & NEEDED) != NEEDED)
		return -EINVAL;
	info.known |= CRFD_TASK_HAS_STATUS;
	*out = info;
	return 0;
}

/* Takes the number or "unlimited" at *p, which moves behind it. */
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
