/* SPDX-License-Identifier: MIT */
#include "bpf/relocate.h"

#include <errno.h>

/* An instruction, from its low bits: code 8, two registers 8, offset 16, constant 32 (linux/bpf.h, struct bpf_insn). */
#define CLASS(insn) ((insn) & 7)
#define CODE(insn) ((insn) & 0xff)
#define OFFSET_MASK 0x00000000ffff0000u
#define CONSTANT_MASK 0xffffffff00000000u

enum { LD = 0, LDX = 1, ST = 2, STX = 3, ALU = 4, JMP = 5, ALU64 = 7 };
#define LD_IMM64 0x18
#define CALL 0x85
#define POISON (CALL | 0xbad2310ull << 32) /* a call of no helper, the same as libbpf's */

void crfd_bpf_access_find(const crfd_btf *btf, const struct crfd_btf_name *names, const struct crfd_bpf_access *access,
			  struct crfd_bpf_found *out)
{
	const struct crfd_btf_name *name = &names[access->type];
	struct crfd_btf_member member;

	for (uint32_t i = 0; i < name->nr && !out->there; i++)
		if (crfd_btf_member(btf, name->id[i], access->path, &member) == 0 && member.kind == access->kind)
			*out = (struct crfd_bpf_found){.there = 1, .type = name->id[i], .member = member};
}

static uint32_t value_of(int kind, const struct crfd_bpf_found *found)
{
	switch (kind) {
	case CRFD_BPF_OFFSET:
		return found->member.offset;
	case CRFD_BPF_EXISTS:
		return (uint32_t)found->there;
	case CRFD_BPF_TYPE:
		return found->type;
	default:
		return found->member.size;
	}
}

/* A number that has become wider or narrower is loaded as it is: those that may have are unsigned. */
static uint64_t resize(uint64_t insn, const struct crfd_btf_member *member)
{
	static const uint8_t code[] = {[1] = 0x10, [2] = 0x08, [4] = 0x00, [8] = 0x18}; /* BPF_SIZE() */
	uint32_t size = member->kind == CRFD_BTF_INT ? member->size : 0;

	if (size == 1 || size == 2 || size == 4 || size == 8)
		insn = (insn & ~0x18ull) | code[size];
	return insn;
}

static int patch(uint64_t *insn, size_t left, int kind, const struct crfd_bpf_found *found)
{
	uint32_t value = value_of(kind, found);

	if (!found->there && kind != CRFD_BPF_EXISTS) {
		if (left > 1 && CODE(*insn) == LD_IMM64)
			insn[1] = POISON;
		*insn = POISON;
		return 0;
	}
	switch (CLASS(*insn)) {
	case LDX:
	case ST:
	case STX:
		if (value > INT16_MAX)
			return -EPROTO;
		if (CLASS(*insn) == LDX)
			*insn = resize(*insn, &found->member);
		*insn = (*insn & ~(uint64_t)OFFSET_MASK) | (uint64_t)value << 16;
		return 0;
	case ALU:
	case ALU64:
		*insn = (*insn & ~CONSTANT_MASK) | (uint64_t)value << 32;
		return 0;
	case JMP:
		if (CODE(*insn) != CALL)
			return -EPROTO;
		*insn = (*insn & ~CONSTANT_MASK) | (uint64_t)value << 32;
		return 0;
	default:
		if (CODE(*insn) != LD_IMM64 || left < 2)
			return -EPROTO;
		*insn = (*insn & ~CONSTANT_MASK) | (uint64_t)value << 32;
		insn[1] &= ~CONSTANT_MASK;
		return 0;
	}
}

int crfd_bpf_relocate(uint64_t *insn, size_t n, const struct crfd_bpf_relo *relo, size_t nr,
		      const struct crfd_bpf_found *found)
{
	int rc = 0;

	for (size_t i = 0; i < nr && rc == 0; i++)
		rc = relo[i].insn < n ? patch(insn + relo[i].insn, n - relo[i].insn, relo[i].kind,
					      &found[relo[i].access]) :
					-EPROTO;
	return rc;
}
