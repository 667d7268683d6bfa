/* SPDX-License-Identifier: MIT */
/* Records as bytes: a payload longer than one holds is split, one that finds no memory leaves nothing behind. */
#include "format/record.h"

#include <errno.h>
#include <string.h>

#include "check.h"
#include "oom.h"

static void test_records_are_split(void)
{
	static uint8_t payload[2 * CRFD_REC_MAX + 5];
	size_t lens[] = {CRFD_REC_MAX, CRFD_REC_MAX, 5}, at = 0, from = 0;
	crfd_buf b = {0};

	for (size_t i = 0; i < sizeof(payload); i++)
		payload[i] = (uint8_t)(i % 251);
	CHECK_EQ(crfd_buf_recs(&b, CRFD_REC_FDINFO, 9, payload, 0, 1), 0);
	CHECK_EQ(b.nr, 0);
	CHECK(crfd_buf_recs(&b, CRFD_REC_FDINFO, 9, payload, sizeof(payload), 1) == 0);
	for (size_t i = 0; i < COUNT_OF(lens); i++) {
		crfd_rec h;

		CHECK(at + sizeof(h) + lens[i] <= b.nr);
		memcpy(&h, b.v + at, sizeof(h));
		CHECK_EQ(h.type, CRFD_REC_FDINFO);
		CHECK_EQ(h.parent, 9);
		CHECK_BYTES(b.v + at + sizeof(h), (size_t)h.len, payload + from, lens[i]);
		at += sizeof(h) + lens[i];
		from += lens[i];
	}
	CHECK_EQ(at, b.nr);
	crfd_buf_release(&b);
}

static void test_no_memory(void)
{
	uint8_t piece[100] = {7};
	crfd_buf b = {0};
	size_t nr;

	CHECK(crfd_buf_rec(&b, CRFD_REC_STRING, 0, piece, sizeof(piece)) == 0);
	nr = b.nr;
	while (b.alloc - b.nr >= sizeof(piece) + sizeof(crfd_rec))
		CHECK(crfd_buf_put(&b, piece, 1) == 0 && ++nr == b.nr);
	oom_arm(1, 1);
	CHECK_EQ(crfd_buf_rec(&b, CRFD_REC_STRING, 0, piece, sizeof(piece)), -ENOMEM);
	CHECK_EQ(oom_disarm(), 1);
	CHECK_EQ(b.nr, nr);
	crfd_buf_release(&b);
}

int main(void)
{
	test_records_are_split();
	test_no_memory();
	return check_status();
}
