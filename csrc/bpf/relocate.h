/* SPDX-License-Identifier: MIT */
/*
 * Puts into a program what was not known when it was compiled: where the members of the kernel's structs lie. These are
 * CO-RE relocations (Documentation/bpf/llvm_reloc.rst). The kernel would do them as well, but it searches all of its types
 * anew for each struct, which was half the time of loading. Pure.
 */
#ifndef CRFD_BPF_RELOCATE_H
#define CRFD_BPF_RELOCATE_H

#include "bpf/btf.h"

/* A member of a struct, or with an empty path the struct, or a function. */
struct crfd_bpf_access {
	uint8_t type; /* which of the names */
	uint8_t kind; /* CRFD_BTF_* that it has to be, to be this one */
	const char *path;
};

/* enum bpf_core_relo_kind, linux/bpf.h; TYPE is also a call of a function's. */
enum { CRFD_BPF_OFFSET = 0, CRFD_BPF_EXISTS = 2, CRFD_BPF_TYPE = 7, CRFD_BPF_SIZE = 9 };

struct crfd_bpf_relo {
	uint16_t insn; /* by number; a 64-bit load of a constant is two */
	uint8_t kind; /* CRFD_BPF_* */
	uint8_t access;
};

struct crfd_bpf_found {
	int there;
	uint32_t type; /* the number of the struct or function */
	struct crfd_btf_member member;
};

/* Looks in the types that were found in btf by the names; the first that has it counts. Leaves *out where none does. */
void crfd_bpf_access_find(const crfd_btf *btf, const struct crfd_btf_name *names, const struct crfd_bpf_access *access,
			  struct crfd_bpf_found *out);
/*
 * Patches n instructions. Where something is not there, an instruction that no kernel takes: the program has to have
 * asked first whether it exists. 0, or -EPROTO where an instruction is none that can be patched.
 */
int crfd_bpf_relocate(uint64_t *insn, size_t n, const struct crfd_bpf_relo *relo, size_t nr,
		      const struct crfd_bpf_found *found);

#endif
