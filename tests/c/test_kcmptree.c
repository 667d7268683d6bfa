/* SPDX-License-Identifier: MIT */
/* The order of kcmp(2) on our own descriptors: equal if and only if dup()ed, shallow, and alive after members vanish. */
#include "identity/identity.h"
#include "identity/kcmptree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kcmp.h>
#include <unistd.h>

#include "check.h"

#define N 400

static int fds[N], dups[N];
static uint32_t member[N];

static uint32_t walk(const struct crfd_kcmptree *t, uint32_t at)
{
	uint32_t l = at ? walk(t, t->v[at].kid[0]) : 0, r = at ? walk(t, t->v[at].kid[1]) : 0;

	CHECK(l <= r + 1 && r <= l + 1);
	CHECK(!at || t->v[at].height == (l > r ? l : r) + 1);
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
		CHECK(add(t, root, fds[i], &member[i]) == 0 && member[i] == (uint32_t)i + 1);
	}
	CHECK(walk(t, *root) <= 12 && count(t, *root) == N); /* 1.44 * log2(400) */
	for (int i = N - 1; i >= 0; i--) {
		uint32_t m;

		CHECK(add(t, root, dups[i], &m) == 0 && m == member[i]);
		CHECK(add(t, root, fds[i], &m) == 0 && m == member[i]);
	}
	CHECK(count(t, *root) == N && t->nr == N + 1);
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
		CHECK(i % 3 ? m > N : m == member[i]);
		met += m > N;
		walk(t, *root);
	}
	CHECK(met == N - (N + 2) / 3);
	/* A member that nobody met on the way to another may be left; whoever is alive is there once. */
	CHECK(count(t, *root) >= N);
	for (int i = 0; i < N; i++) {
		uint32_t m, again;

		CHECK(add(t, root, dups[i], &m) == 0 && add(t, root, dups[i], &again) == 0 && m == again);
	}
}

static void test_self_is_gone(struct crfd_kcmptree *t, uint32_t *root)
{
	size_t before = count(t, *root), nr = t->nr;
	uint32_t m = 77;

	CHECK(add(t, root, 99999, &m) == -EBADF && m == 77);
	CHECK(crfd_kcmptree_add(t, root, 0, INT32_MAX, 0, &m) == -ESRCH && m == 77);
	CHECK(count(t, *root) == before && t->nr == nr);
}

int main(void)
{
	struct crfd_kcmptree t = {.type = KCMP_FILE};
	uint32_t root = 0;

	if (crfd_probe_kcmp() < 0) {
		fprintf(stderr, "test_kcmptree: skipped, kcmp is refused here\n");
		return 0;
	}
	test_equal_means_dup(&t, &root);
	test_members_vanish(&t, &root);
	test_self_is_gone(&t, &root);
	crfd_kcmptree_release(&t);
	return 0;
}
