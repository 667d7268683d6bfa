/* SPDX-License-Identifier: MIT */
#include "arrow/table.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "columns/common.h"
#include "columns/lock.h"
#include "columns/polled.h"

#define FAMILY(name, member) {{name, "a descriptor of these kinds"}, CRFD_ROWS_FAMILY, &crfd_family_##member, NULL, NULL}
#define LIST(name, text, column, entries) {{name, text}, CRFD_ROWS_LIST, NULL, column, entries}

static const struct crfd_table tables[] = {
	{{"descriptors", "a descriptor of a task"}, CRFD_ROWS_FD, NULL, NULL, NULL},
	{{"files", "an open file description, once for all descriptors that share it"}, CRFD_ROWS_FILE, NULL, NULL, NULL},
	{{"tasks", "a process, or a thread with a table of its own"}, CRFD_ROWS_TASK, NULL, NULL, NULL},
	{{"held", "a file that a task holds without a descriptor"}, CRFD_ROWS_HELD, NULL, NULL, NULL},
	FAMILY("sockets", socket), FAMILY("pipes", pipe), FAMILY("eventfds", eventfd), FAMILY("timerfds", timerfd),
	FAMILY("signalfds", signalfd), FAMILY("fanotifies", fanotify), FAMILY("memfds", memfd), FAMILY("dmabufs", dmabuf),
	FAMILY("userfaultfds", userfaultfd), FAMILY("pidfds", pidfd), FAMILY("io_urings", io_uring),
	FAMILY("bpf_objects", bpf), FAMILY("namespaces", namespace), FAMILY("ttys", tty), FAMILY("tuns", tun),
	FAMILY("fuses", fuse), FAMILY("mqueues", mqueue),
	LIST("epoll_targets", "a file that an epoll instance watches, once for all descriptors that share it", "epoll.targets", NULL),
	LIST("inotify_marks", "what an inotify instance watches, once for all descriptors that share it", "inotify.marks", NULL),
	LIST("fanotify_marks", "what a fanotify group watches, once for all descriptors that share it", "fanotify.marks", NULL),
	LIST("locks", "a lock or lease, once for all descriptors of a table that share the open file description", "locks", &crfd_lock_list),
	LIST("pollers", "a thread that waits for a descriptor of its task, where the dump was asked for it", "pollers", &crfd_polled_list),
};

const struct crfd_table *crfd_table_at(size_t number)
{
	return number < CRFD_LEN(tables) ? &tables[number] : NULL;
}

size_t crfd_arrow_tables_len(void)
{
	return CRFD_LEN(tables);
}

const crfd_arrow_table *crfd_arrow_tables_get(size_t number)
{
	return number < CRFD_LEN(tables) ? &tables[number].info : NULL;
}

static int is_one_of(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(name, names[i]))
			return 1;
	return 0;
}

/* Such a column says in words what other columns of the row say. */
static int is_wording(const char *name)
{
	static const char *const names[] = {"num", "name", "flags", "all_flags", "detail"};

	return is_one_of(name, names, CRFD_LEN(names));
}

static int is_of_held(const char *name)
{
	static const char *const names[] = {"held", "map", "in_fd", "slot"};

	return is_one_of(name, names, CRFD_LEN(names));
}

/* A row of a family or of a list has these beside its own columns. */
static int is_key(const char *name)
{
	static const char *const names[] = {"pid", "comm", "fd", "objref", "kind", "shared", "ino"};

	return is_one_of(name, names, CRFD_LEN(names));
}

/* Returns 1 where the table can have one of the columns that every descriptor has. */
static int can_have(const struct crfd_table *t, const crfd_column_info *c)
{
	if (t->rows == CRFD_ROWS_TASK)
		return c->about == CRFD_ABOUT_TASK;
	if (t->rows == CRFD_ROWS_FILE)
		return (c->about >= CRFD_ABOUT_FILE && !is_of_held(c->name)) || !strcmp(c->name, "objref") || !strcmp(c->name, "shared");
	return t->rows == CRFD_ROWS_HELD || !is_of_held(c->name);
}

static int is_given(const struct crfd_table *t, const crfd_column_info *c)
{
	switch (t->rows) {
	case CRFD_ROWS_FAMILY:
		return is_key(c->name) || (c->about == CRFD_ABOUT_KIND && t->family == &crfd_family_socket);
	case CRFD_ROWS_LIST:
		return is_key(c->name);
	case CRFD_ROWS_HELD:
		return c->about == CRFD_ABOUT_FILE ? !is_wording(c->name) : is_of_held(c->name) || is_key(c->name);
	default:
		return !is_wording(c->name);
	}
}

static uint8_t type_of(const crfd_column_info *c)
{
	if (c->type == CRFD_COLUMN_BOOL)
		return CRFD_ARROW_BOOL;
	if (c->type != CRFD_COLUMN_TEXT)
		return CRFD_ARROW_INT64;
	if (c->unit == CRFD_UNIT_TIME)
		return CRFD_ARROW_TIME;
	return c->flags & CRFD_COLUMN_FEW ? CRFD_ARROW_WORD : CRFD_ARROW_TEXT;
}

static void add(struct crfd_field *out, size_t *n, const struct crfd_column *c, const char *before, int is_given)
{
	struct crfd_field *f = &out[*n];

	if (c->info.type == CRFD_COLUMN_LIST || *n == CRFD_ARROW_FIELDS)
		return;
	*f = (struct crfd_field){.column = c, .type = type_of(&c->info), .info.is_given = (uint8_t)is_given};
	snprintf(f->info.name, sizeof(f->info.name), "%s%s%s", before, *before ? "." : "", c->info.name);
	++*n;
	if (strcmp(c->info.name, "path") || *n == CRFD_ARROW_FIELDS)
		return;
	out[*n] = *f;
	out[*n].type = CRFD_ARROW_BYTES;
	strcpy(out[(*n)++].info.name, "path_bytes");
}

const struct crfd_list *crfd_table_list(const struct crfd_table *t)
{
	int number = t->list ? crfd_column_find(t->list, strlen(t->list)) : -ENOENT;

	if (t->entries)
		return t->entries;
	return number < 0 ? NULL : crfd_column_at((size_t)number)->list;
}

/* Lists the columns that the table can have, in room for CRFD_ARROW_FIELDS. */
static size_t list_fields(const struct crfd_table *t, struct crfd_field *out)
{
	const struct crfd_list *list = crfd_table_list(t);
	size_t n = 0;

	for (size_t i = 0; i < crfd_common_len; i++)
		if (can_have(t, &crfd_common[i].info))
			add(out, &n, &crfd_common[i], "", is_given(t, &crfd_common[i].info));
	for (size_t i = 0; t->family && i < t->family->ncolumns; i++)
		add(out, &n, &t->family->column[i], "", 1);
	for (size_t i = 0; list && i < list->nmembers; i++)
		add(out, &n, &list->member[i], t->list, 1);
	return n;
}

int crfd_table_choose(const struct crfd_table *t, const uint16_t *number, size_t n, struct crfd_field *out)
{
	struct crfd_field all[CRFD_ARROW_FIELDS];
	size_t have = list_fields(t, all);

	for (size_t i = 0; i < n; i++) {
		if (number[i] >= have)
			return -ERANGE;
		out[i] = all[number[i]];
	}
	return 0;
}

int crfd_arrow_fields(size_t table, crfd_arrow_field *out)
{
	const struct crfd_table *t = crfd_table_at(table);
	struct crfd_field all[CRFD_ARROW_FIELDS];
	size_t n = t ? list_fields(t, all) : 0;

	for (size_t i = 0; i < n; i++)
		out[i] = all[i].info;
	return t ? (int)n : -ERANGE;
}
