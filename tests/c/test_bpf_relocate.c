/* SPDX-License-Identifier: MIT */
/* BPF instructions (Documentation/bpf/standardization/instruction-set.rst) are relocated, and looked at afterwards. */
#include "bpf/relocate.h"

#include <errno.h>

#include "check.h"

#define LOAD_U32 (0x61 | 2 << 8 | 1 << 12 | 4ull << 16) /* r2 = *(u32 *)(r1 + 4) */
#define LOAD(code, offset) ((code) | 2 << 8 | 1 << 12 | (uint64_t)(offset) << 16)
#define MOVE(value) (0xb7 | (uint64_t)(value) << 32)
#define MOVE_64(value) (0x18 | (uint64_t)(value) << 32) /* and another instruction for the high half */
#define CALL(number) (0x85 | 2 << 12 | (uint64_t)(number) << 32) /* of a function of the kernel's */
#define EXIT 0x95
#define POISON (0x85 | 0xbad2310ull << 32) /* a call of a number that no helper has */

static const struct {
	const char *name;
	uint64_t before[2];
	struct crfd_bpf_relo relo;
	struct crfd_bpf_found found;
	int rc;
	uint64_t after[2];
} rows[] = {
	{"load of a member that is 8 bytes wide here", {LOAD_U32}, {0, CRFD_BPF_OFFSET, 0},
	 {.there = 1, .member = {.offset = 0x28, .size = 8, .kind = CRFD_BTF_INT}}, 0, {LOAD(0x79, 0x28)}},
	{"load of a part of a struct", {LOAD(0x79, 4)}, {0, CRFD_BPF_OFFSET, 0},
	 {.there = 1, .member = {.offset = 0x28, .size = 4, .kind = CRFD_BTF_STRUCT}}, 0, {LOAD(0x79, 0x28)}},
	{"offset as a number", {EXIT, MOVE(99)}, {1, CRFD_BPF_OFFSET, 0},
	 {.there = 1, .member = {.offset = 0x28, .size = 8, .kind = CRFD_BTF_INT}}, 0, {EXIT, MOVE(0x28)}},
	{"exists", {MOVE(0)}, {0, CRFD_BPF_EXISTS, 0}, {.there = 1}, 0, {MOVE(1)}},
	{"does not exist", {MOVE(1)}, {0, CRFD_BPF_EXISTS, 0}, {.there = 0}, 0, {MOVE(0)}},
	{"size, of two instructions", {MOVE_64(7), 0}, {0, CRFD_BPF_SIZE, 0},
	 {.there = 1, .member = {.offset = 0x28, .size = 8, .kind = CRFD_BTF_INT}}, 0, {MOVE_64(8), 0}},
	{"load of what is not there", {LOAD_U32}, {0, CRFD_BPF_OFFSET, 0}, {.there = 0}, 0, {POISON}},
	{"call of a function", {CALL(0xffffffff)}, {0, CRFD_BPF_TYPE, 0}, {.there = 1, .type = 77}, 0, {CALL(77)}},
	{"call of what is not there", {CALL(0xffffffff)}, {0, CRFD_BPF_TYPE, 0}, {.there = 0, .type = 77}, 0, {POISON}},
	{"no instruction that has an offset", {EXIT}, {0, CRFD_BPF_OFFSET, 0},
	 {.there = 1, .member = {.offset = 0x28, .size = 8, .kind = CRFD_BTF_INT}}, -EPROTO, {EXIT}},
	{"behind the program", {EXIT}, {9, CRFD_BPF_OFFSET, 0},
	 {.there = 1, .member = {.offset = 0x28, .size = 8, .kind = CRFD_BTF_INT}}, -EPROTO, {EXIT}},
	{"offset of more than 15 bits", {LOAD_U32}, {0, CRFD_BPF_OFFSET, 0},
	 {.there = 1, .member = {.offset = 1 << 15, .size = 4, .kind = CRFD_BTF_INT}}, -EPROTO, {LOAD_U32}},
};

int main(void)
{
	FOR_ROWS(row, rows) {
		uint64_t insn[] = {row->before[0], row->before[1]};

		CHECK_EQ(crfd_bpf_relocate(insn, COUNT_OF(insn), &row->relo, 1, &row->found), row->rc);
		CHECK_EQ(insn[0], row->after[0]);
		CHECK_EQ(insn[1], row->after[1]);
	}
	return check_status();
}
