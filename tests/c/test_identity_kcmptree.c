/* SPDX-License-Identifier: MIT */
/* The order of kcmp(2) on our own descriptors: equal if and only if dup()ed, shallow, and alive after members vanish. */
#include "identity/identity.h"
#include "identity/kcmptree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <stdio.h>
#include <unistd.h>

#include "check.h"

#define N 400

static int fds[N], dups[N];
static uint32_t member[N];

static uint32_t walk(const struct crfd_kcmptree *t, uint32_t at)
{
	uint32_t l = at ? walk(t, t->v[at].kid[0]) : 0, r = at ? walk(t, t->v[at].kid[1]) : 0;

	CHECK_RANGE(l, r > 0 ? r - 1 : 0, r + 1);
	CHECK_EQ(at ? t->v[at].height : 0, at ? (l > r ? l : r) + 1 : 0);
	return at ? t->v[at].height : 0;
}

static size_t count(const struct crfd_kcmptree *t, uint32_t at)
{
	return at ? 1 + count(t, t->v[at].kid[0]) + count(t, t->v[at].kid[1]) : 0;
}

static int add(struct crfd_kcmptree *t, uint32_t *root, int fd, uint32_t *out)
{
	return crfd_kcmptree_add(t, root, 0, getpid(), fd, out);
}

static void test_equal_means_dup(struct crfd_kcmptree *t, uint32_t *root)
{
	for (int i = 0; i < N; i++) {
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
		dups[i] = dup(fds[i]);
		CHECK(fds[i] >= 0 && dups[i] >= 0);
		CHECK_EQ(add(t, root, fds[i], &member[i]), 0);
		CHECK_EQ(member[i], i + 1);
	}
	CHECK_RANGE(walk(t, *root), 9, 12); /* 1.44 * log2(400) */
	CHECK_EQ(count(t, *root), N);
	for (int i = N - 1; i >= 0; i--) {
		uint32_t m = 0;

		CHECK_EQ(add(t, root, dups[i], &m), 0);
		CHECK_EQ(m, member[i]);
		CHECK_EQ(add(t, root, fds[i], &m), 0);
		CHECK_EQ(m, member[i]);
	}
	CHECK_EQ(count(t, *root), N);
	CHECK_EQ(t->nr, N + 1);
}

static void test_members_vanish(struct crfd_kcmptree *t, uint32_t *root)
{
	int met = 0;

	for (int i = 0; i < N; i++)
		if (i % 3)
			close(fds[i]);
	for (int i = 0; i < N; i++) {
		uint32_t m;

		CHECK(add(t, root, dups[i], &m) == 0);
		if (i % 3)
			CHECK_RANGE(m, N + 1, UINT32_MAX);
		else
			CHECK_EQ(m, member[i]);
		met += m > N;
		walk(t, *root);
	}
	CHECK_EQ(met, N - (N + 2) / 3);
	/* A member that nobody met on the way to another may be left; whoever is alive is there once. */
	CHECK_RANGE(count(t, *root), N, t->nr);
	for (int i = 0; i < N; i++) {
		uint32_t m, again;

		CHECK(add(t, root, dups[i], &m) == 0 && add(t, root, dups[i], &again) == 0);
		CHECK_EQ(again, m);
	}
}

static void test_self_is_gone(struct crfd_kcmptree *t, uint32_t *root)
{
	const struct {
		const char *name;
		int32_t pid;
		int fd, rc;
	} rows[] = {
		{"no such descriptor", getpid(), INT32_MAX, -EBADF},
		{"no such process", INT32_MAX, 0, -ESRCH},
	};
	size_t before = count(t, *root), nr = t->nr;

	FOR_ROWS(row, rows) {
		uint32_t untouched = 77;

		CHECK_EQ(crfd_kcmptree_add(t, root, 0, row->pid, row->fd, &untouched), row->rc);
		CHECK_EQ(untouched, 77);
		CHECK_EQ(count(t, *root), before);
		CHECK_EQ(t->nr, nr);
	}
}

int main(void)
{
	struct crfd_kcmptree t = {.type = KCMP_FILE};
	uint32_t root = 0;

	if (crfd_probe_kcmp() < 0) {
		fprintf(stderr, "skipped, kcmp is refused here\n");
		return 0;
	}
	test_equal_means_dup(&t, &root);
	test_members_vanish(&t, &root);
	test_self_is_gone(&t, &root);
	crfd_kcmptree_release(&t);
	return check_status();
}
