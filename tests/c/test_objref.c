/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "image/image.h"

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

	CHECK(t && crfd_objrefs_len(t) == 0 && crfd_objrefs_get(t, 0) == 0);
	for (size_t i = 0; i < N; i++)
		key[i] = i / 2 * 64;
	CHECK(crfd_objrefs_add(t, key, N, objref, fresh) == 0);
	for (size_t i = 0; i < N; i++) {
		CHECK(objref[i] == i / 2);
		CHECK(fresh[i] == (i >= 2 && i % 2 == 0));
		CHECK(crfd_objrefs_get(t, key[i]) == objref[i]);
	}
	CHECK(crfd_objrefs_len(t) == N / 2 - 1);
	CHECK(crfd_objrefs_get(t, 63) == 0);
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
		CHECK(rc == (refused ? -ENOMEM : 0));
		CHECK(crfd_objrefs_len(t) == (refused ? 2 : N));
		CHECK(crfd_objrefs_get(t, 7) == 1 && crfd_objrefs_get(t, 8) == 2);
		CHECK(crfd_objrefs_add(t, key, N, objref, fresh) == 0);
		CHECK(crfd_objrefs_len(t) == N && objref[0] == 3 && objref[6] == 1);
		crfd_objrefs_free(t);
	}
}

static void test_limits(void)
{
	crfd_objrefs *t = crfd_objrefs_new();

	CHECK(crfd_objrefs_add(t, NULL, UINT32_MAX, NULL, NULL) == -EOVERFLOW);
	CHECK(crfd_objrefs_add(t, NULL, SIZE_MAX, NULL, NULL) == -EOVERFLOW);
	CHECK(crfd_objrefs_add(t, NULL, 0, NULL, NULL) == 0);
	CHECK(crfd_objrefs_len(t) == 0);
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
		CHECK(!t == !!refused);
		crfd_objrefs_free(t);
	}
}

int main(void)
{
	test_numbering();
	test_all_or_nothing();
	test_limits();
	test_new_without_memory();
	return 0;
}
