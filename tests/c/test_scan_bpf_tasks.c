/* SPDX-License-Identifier: MIT */
/* Who shares a table, by lists of tasks that are given here: the kernel's take a while, and an address may be the next one's. */
#include "scan_bpf/records.h"

#include <string.h>

#include "base/buf.h"
#include "check.h"

static int list_tasks(crfd_bpf *bpf, struct crfd_bpf_scope scope, struct crfd_bpf_records *out);
static int names_tasks(const crfd_bpf *bpf);

#define crfd_bpf_records_read list_tasks
#define crfd_bpf_selects names_tasks
#include "scan_bpf/tasks.c"

#define TASKS 4
#define MANY 5000

struct task {
	uint32_t tid;
	uint64_t start, files;
};

static const struct task *first, *later; /* what is listed at first, and from then on */
static size_t tasks, lists; /* in each list; how many were asked for */
static int selects;

static int names_tasks(const crfd_bpf *bpf)
{
	(void)bpf;
	return selects;
}

static int list_tasks(crfd_bpf *bpf, struct crfd_bpf_scope scope, struct crfd_bpf_records *out)
{
	const struct task *t = lists++ ? later : first;

	(void)bpf;
	for (size_t i = 0; i < tasks; i++) {
		if (!t[i].tid || (selects && scope.tid && t[i].tid != (uint32_t)scope.tid))
			continue;
		CHECK(crfd_grow(&out->v, &out->alloc, out->nr + 1, sizeof(*out->v)) == 0);
		out->v[out->nr++] = (struct walk_task){.tid = t[i].tid, .tgid = t[i].tid, .start = t[i].start,
						       .files = t[i].files};
	}
	return 0;
}

static struct crfd_bpf_units found(int naming)
{
	struct crfd_bpf_units u = {0};
	int32_t pids[MANY];

	for (size_t i = 0; i < tasks; i++)
		pids[i] = (int32_t)first[i].tid;
	lists = 0;
	selects = naming;
	CHECK_EQ(crfd_bpf_units_find(&u, NULL, pids, tasks, 1), 0);
	CHECK(u.nr == tasks);
	return u;
}

static void test_an_address_that_another_has_by_now(void)
{
	static const struct {
		const char *name;
		struct task first[TASKS], later[TASKS];
		uint64_t table[TASKS];
		int empty[TASKS];
	} rows[] = {
		{"two that share", {{1, 1, 8}, {2, 1, 8}, {3, 1, 9}}, {{1, 1, 8}, {2, 1, 8}, {3, 1, 9}}, {1, 1}, {0, 1}},
		{"one that ended", {{1, 1, 8}, {2, 2, 8}}, {{0}, {2, 2, 8}}, {0}, {0}},
		{"one whose number another has", {{1, 1, 8}, {2, 2, 8}}, {{1, 3, 8}, {2, 2, 8}}, {0}, {0}},
		{"one that has another table", {{1, 1, 8}, {2, 2, 8}}, {{1, 1, 7}, {2, 2, 8}}, {0}, {0}},
		{"one that is ending", {{1, 1, 8}, {2, 2, 8}}, {{1, 1, 0}, {2, 2, 8}}, {0}, {0}},
		{"both ended", {{1, 1, 8}, {2, 2, 8}}, {{0}}, {0}, {0}},
		{"one that ended before two that share", {{1, 1, 8}, {2, 2, 8}, {3, 2, 8}}, {{0}, {2, 2, 8}, {3, 2, 8}},
		 {0, 2, 2}, {0, 0, 1}},
		{"one that ended between", {{1, 2, 8}, {2, 1, 8}, {3, 2, 8}}, {{1, 2, 8}, {0}, {3, 2, 8}}, {1, 0, 1}, {0, 0, 1}},
		{"two pairs", {{1, 1, 8}, {2, 1, 9}, {3, 1, 8}, {4, 1, 9}}, {{1, 1, 8}, {2, 1, 9}, {3, 1, 8}, {4, 1, 9}},
		 {1, 2, 1, 2}, {0, 0, 1, 1}},
	};

	FOR_ROWS(row, rows) {
		first = row->first;
		later = row->later;
		for (tasks = 0; tasks < TASKS && first[tasks].tid;)
			tasks++;
		for (int naming = 0; naming < 2; naming++) {
			struct crfd_bpf_units u = found(naming);

			for (size_t i = 0; i < u.nr; i++) {
				CHECK_EQ(u.v[i].table, row->table[i]);
				CHECK_EQ(u.v[i].empty, row->empty[i]);
			}
			crfd_bpf_units_release(&u);
		}
	}
}

static void test_a_kernel_that_lists_all_is_asked_twice(void)
{
	static struct task many[MANY];
	struct crfd_bpf_units u;

	for (uint32_t i = 0; i < MANY; i++)
		many[i] = (struct task){.tid = i + 1, .start = 1, .files = 8};
	first = later = many;
	tasks = MANY;
	u = found(0);
	CHECK_EQ(lists, 2);
	CHECK_EQ(u.v[MANY - 1].table, 1);
	crfd_bpf_units_release(&u);
}

int main(void)
{
	test_an_address_that_another_has_by_now();
	test_a_kernel_that_lists_all_is_asked_twice();
	return check_status();
}
