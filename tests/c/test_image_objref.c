/* SPDX-License-Identifier: MIT */
/* Objrefs: 1, 2, 3 … by first appearance, all of a batch or none. */
#include "image/image.h"

#include <errno.h>

#include "check.h"
#include "oom.h"

#define N 5000

static uint64_t key[N];
static uint32_t objref[N];
static uint8_t fresh[N];

/* Keys 0, 64, 128 … collide in any table that uses the low bits as they come; key 0 stands for none. */
static void test_numbering(void)
{
	crfd_objrefs *t = crfd_objrefs_new();

	CHECK(t);
	CHECK_EQ(crfd_objrefs_len(t), 0);
	CHECK_EQ(crfd_objrefs_get(t, 0), 0);
	for (size_t i = 0; i < N; i++)
		key[i] = i / 2 * 64;
	CHECK(crfd_objrefs_add(t, key, N, objref, fresh) == 0);
	for (size_t i = 0; i < N; i++) {
		CHECK_EQ(objref[i], i / 2);
		CHECK_EQ(fresh[i], i >= 2 && i % 2 == 0);
		CHECK_EQ(crfd_objrefs_get(t, key[i]), objref[i]);
	}
	CHECK_EQ(crfd_objrefs_len(t), N / 2 - 1);
	CHECK_EQ(crfd_objrefs_get(t, 63), 0);
	crfd_objrefs_free(t);
}

static void test_all_or_nothing(void)
{
	static const uint64_t first[] = {7, 8, 7};
	long refused = 1;

	for (size_t i = 0; i < N; i++)
		key[i] = i + 1;
	for (long n = 1; refused; n++) {
		crfd_objrefs *t = crfd_objrefs_new();
		int rc;

		CHECK(crfd_objrefs_add(t, first, 3, objref, fresh) == 0);
		oom_arm(n, 0);
		rc = crfd_objrefs_add(t, key, N, objref, fresh);
		refused = oom_disarm();
		CHECK_EQ(rc, refused ? -ENOMEM : 0);
		CHECK_EQ(crfd_objrefs_len(t), refused ? 2 : N);
		CHECK_EQ(crfd_objrefs_get(t, 7), 1);
		CHECK_EQ(crfd_objrefs_get(t, 8), 2);
		CHECK_EQ(crfd_objrefs_add(t, key, N, objref, fresh), 0);
		CHECK_EQ(crfd_objrefs_len(t), N);
		CHECK_EQ(objref[0], 3); /* key 1, the first that is new */
		CHECK_EQ(objref[6], 1); /* key 7 */
		crfd_objrefs_free(t);
	}
}

static void test_limits(void)
{
	static const struct {
		const char *name;
		size_t n;
		int rc;
	} rows[] = {
		{"2^32 - 1 keys", UINT32_MAX, -EOVERFLOW},
		{"2^64 - 1 keys", SIZE_MAX, -EOVERFLOW},
		{"no key", 0, 0},
	};
	crfd_objrefs *t = crfd_objrefs_new();

	CHECK(t);
	FOR_ROWS(row, rows) {
		CHECK_EQ(crfd_objrefs_add(t, NULL, row->n, NULL, NULL), row->rc);
		CHECK_EQ(crfd_objrefs_len(t), 0);
	}
	crfd_objrefs_free(t);
}

static void test_new_without_memory(void)
{
	long refused = 1;

	for (long n = 1; refused; n++) {
		crfd_objrefs *t;

		oom_arm(n, 0);
		t = crfd_objrefs_new();
		refused = oom_disarm();
		CHECK_EQ(!t, refused != 0);
		crfd_objrefs_free(t);
	}
}

int main(void)
{
	test_numbering();
	test_all_or_nothing();
	test_limits();
	test_new_without_memory();
	return check_status();
}
