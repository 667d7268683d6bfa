/* SPDX-License-Identifier: MIT */
/* Finds where the members of the kernel's structs lie, from its BTF (Documentation/bpf/btf.rst). Pure and bounds-checked. */
#ifndef CRFD_BTF_H
#define CRFD_BTF_H

#include <stddef.h>
#include <stdint.h>

#define CRFD_BTF_SAME 4 /* types of one name that are looked at */

/* BTF_KIND_*; an enum counts as an int, a union as a struct. */
enum { CRFD_BTF_INT = 1, CRFD_BTF_PTR = 2, CRFD_BTF_ARRAY = 3, CRFD_BTF_STRUCT = 4, CRFD_BTF_FUNC = 12 };

typedef struct crfd_btf {
	const uint8_t *types;
	const char *strings; /* end in a NUL */
	uint32_t types_len, strings_len;
	uint32_t *at; /* where each type begins, from type `first` on */
	size_t nr, alloc;
	uint32_t first; /* 1, or the one after the last of base */
	const struct crfd_btf *base; /* of a module's BTF: the kernel's; else NULL */
} crfd_btf;

struct crfd_btf_name {
	const char *name;
	int kind;
	uint32_t nr, id[CRFD_BTF_SAME];
};

struct crfd_btf_member {
	uint32_t offset, size; /* bytes */
	int kind; /* CRFD_BTF_*, or another that the kernel has */
};

/*
 * Views the n bytes, which must stay, and adds what types it finds to each of nr names, which are sorted by name. 0, -ENOMEM,
 * or -EPROTO where they are no BTF that is understood.
 */
int crfd_btf_init(crfd_btf *btf, const void *bytes, size_t n, const crfd_btf *base, struct crfd_btf_name *names, size_t nr);
void crfd_btf_release(crfd_btf *btf);
/*
 * Finds the member of a struct by its path, "pids[1]" or "f_path.dentry"; members of nameless members count as the struct's
 * own. An empty path is the struct itself. 0, or -ENOENT where there is none of that name or it is a bit field.
 */
int crfd_btf_member(const crfd_btf *btf, uint32_t id, const char *path, struct crfd_btf_member *out);

#endif
