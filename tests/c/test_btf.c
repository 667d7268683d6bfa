/* SPDX-License-Identifier: MIT */
/* Layouts read from BTF made here, from the kernel's own, and what becomes of instructions that are relocated. */
#define _GNU_SOURCE
#include <errno.h>
#include <string.h>

#include "bpf/kernel_btf.h"
#include "bpf/relocate.h"
#include "check.h"

/* Strings of the module's go on behind the kernel's. */
static const char strings[] = "\0a\0b\0int\0outer\0inner\0f\0bits", more_strings[] = "\0sub\0x";
enum { A = 1, B = 3, INT = 5, OUTER = 9, INNER = 15, F = 21, BITS = 23, SUB = sizeof(strings) + 1, X = SUB + 4 };

static const uint32_t types[] = {
	INT, 1 << 24, 4, 32, /* 1: int */
	0, 3 << 24, 0, 1, 1, 5, /* 2: int[5] */
	INNER, 4u << 24 | 2, 24, A, 1, 0, B, 2, 32, /* 3: struct inner {int a; int b[5];} */
	0, 5u << 24 | 2, 24, BITS, 1, 0, F, 3, 0, /* 4: union {int bits; struct inner f;} */
	INNER, 8u << 24, 3, /* 5: typedef inner */
	OUTER, 4u << 24 | 3 | 1u << 31, 40, A, 5, 0, 0, 4, 24 * 8, B, 1, 3 << 24 | 24 * 8, /* 6: b is a bit field */
	F, 12u << 24, 0, /* 7: function f */
};
static const uint32_t module_types[] = {SUB, 4u << 24 | 1, 44, X, 6, 32}; /* 8: struct sub {…; struct outer x;} */

static size_t make(uint8_t *out, const uint32_t *t, uint32_t t_len, const char *s, uint32_t s_len)
{
	uint32_t head[] = {0x1eb9f, 24, 0, t_len, t_len, s_len};

	memcpy(out, head, 24);
	memcpy(out + 24, t, t_len);
	memcpy(out + 24 + t_len, s, s_len);
	return 24 + t_len + s_len;
}

static void has(const crfd_btf *btf, uint32_t id, const char *path, uint32_t offset, uint32_t size, int kind)
{
	struct crfd_btf_member m = {0};

	CHECK(crfd_btf_member(btf, id, path, &m) == 0);
	CHECK(m.offset == offset && m.size == size && m.kind == kind);
}

static void lacks(const crfd_btf *btf, uint32_t id, const char *path)
{
	struct crfd_btf_member m;

	CHECK(crfd_btf_member(btf, id, path, &m) == -ENOENT);
}

static void test_members(void)
{
	struct crfd_btf_name names[] = {{.name = "f", .kind = CRFD_BTF_FUNC}, {.name = "inner", .kind = CRFD_BTF_STRUCT},
					{.name = "outer", .kind = CRFD_BTF_STRUCT}, {.name = "sub", .kind = CRFD_BTF_STRUCT}};
	uint8_t kernel[512], part[512];
	size_t n = make(kernel, types, sizeof(types), strings, sizeof(strings));
	size_t part_n = make(part, module_types, sizeof(module_types), more_strings, sizeof(more_strings));
	crfd_btf btf, module;

	CHECK(crfd_btf_init(&btf, kernel, n, NULL, names, 4) == 0);
	CHECK(names[0].nr == 1 && names[0].id[0] == 7 && names[1].nr == 1 && names[1].id[0] == 3);
	CHECK(names[2].nr == 1 && names[2].id[0] == 6 && names[3].nr == 0);
	has(&btf, 3, "", 0, 24, CRFD_BTF_STRUCT);
	has(&btf, 3, "b[2]", 12, 4, CRFD_BTF_INT);
	has(&btf, 3, "b", 4, 20, CRFD_BTF_ARRAY);
	has(&btf, 6, "a.b[4]", 20, 4, CRFD_BTF_INT);
	has(&btf, 6, "f.a", 24, 4, CRFD_BTF_INT); /* through the nameless union */
	has(&btf, 6, "bits", 24, 4, CRFD_BTF_INT);
	lacks(&btf, 6, "b");
	lacks(&btf, 6, "in");
	lacks(&btf, 3, "a.b");
	lacks(&btf, 3, "a[1]");
	lacks(&btf, 99, "a");
	CHECK(crfd_btf_init(&module, part, part_n, &btf, names, 4) == 0);
	CHECK(names[3].nr == 1 && names[3].id[0] == 8);
	has(&module, 8, "x.a.b[1]", 12, 4, CRFD_BTF_INT);
	crfd_btf_release(&module);
	crfd_btf_release(&btf);
	for (size_t cut = 0; cut < n; cut++)
		CHECK(crfd_btf_init(&btf, kernel, cut, NULL, names, 0) == -EPROTO);
}

static void test_patches(void)
{
	static const struct crfd_bpf_relo relos[] = {{0, CRFD_BPF_OFFSET, 0}, {1, CRFD_BPF_OFFSET, 0}, {2, CRFD_BPF_EXISTS, 0},
						     {3, CRFD_BPF_EXISTS, 1}, {4, CRFD_BPF_SIZE, 0}, {6, CRFD_BPF_OFFSET, 1}};
	static const struct crfd_bpf_relo wrong = {0, CRFD_BPF_OFFSET, 0}, outside = {9, CRFD_BPF_OFFSET, 0};
	struct crfd_bpf_found found[2] = {{.there = 1, .member = {.offset = 0x28, .size = 8, .kind = CRFD_BTF_INT}}};
	uint64_t insn[] = {0x61 | 2 << 8 | 1 << 12 | 4ull << 16, /* r2 = *(u32 *)(r1 + 4) */
			   0xb7 | 99ull << 32, 0xb7, 0xb7 | 1ull << 32, 0x18 | 7ull << 32, 0, 0x61};
	static const struct crfd_bpf_relo function = {0, CRFD_BPF_TYPE, 0};
	struct crfd_bpf_found known = {.there = 1, .type = 77};
	uint64_t end = 0x95, call = 0x85 | 2 << 12 | 0xffffffffull << 32;

	CHECK(crfd_bpf_relocate(insn, 7, relos, 6, found) == 0);
	CHECK(insn[0] == (0x79 | 2 << 8 | 1 << 12 | 0x28ull << 16)); /* and is 8 bytes wide now */
	CHECK(insn[1] == (0xb7 | 0x28ull << 32));
	CHECK(insn[2] == (0xb7 | 1ull << 32) && insn[3] == 0xb7);
	CHECK(insn[4] == (0x18 | 8ull << 32) && insn[5] == 0);
	CHECK((insn[6] & 0xff) == 0x85);
	found[0].member.kind = CRFD_BTF_STRUCT; /* of which a part is loaded */
	found[0].member.size = 4;
	CHECK(crfd_bpf_relocate(insn, 7, relos, 1, found) == 0 && insn[0] == (0x79 | 2 << 8 | 1 << 12 | 0x28ull << 16));
	CHECK(crfd_bpf_relocate(&end, 1, &wrong, 1, found) == -EPROTO);
	CHECK(crfd_bpf_relocate(&end, 1, &outside, 1, found) == -EPROTO);
	CHECK(crfd_bpf_relocate(&call, 1, &function, 1, &known) == 0 && call == (0x85 | 2 << 12 | 77ull << 32));
	known.there = 0;
	CHECK(crfd_bpf_relocate(&call, 1, &function, 1, &known) == 0 && call == (0x85 | 0xbad2310ull << 32));
	found[0].member.offset = 1 << 15;
	CHECK(crfd_bpf_relocate(insn, 7, relos, 1, found) == -EPROTO);
}

/* What every kernel's struct list_head looks like. */
static void test_kernel(void)
{
	struct crfd_btf_name name = {.name = "list_head", .kind = CRFD_BTF_STRUCT};
	struct crfd_kernel_btf kernel;
	int rc;

	CHECK(crfd_kernel_btf_open(&kernel, "no-such-module", NULL, NULL, 0) == -ENOENT);
	rc = crfd_kernel_btf_open(&kernel, "vmlinux", NULL, &name, 1);
	if (rc == -ENOENT)
		return;
	CHECK(rc == 0 && name.nr >= 1);
	has(&kernel.btf, name.id[0], "prev", 8, 8, CRFD_BTF_PTR);
	has(&kernel.btf, name.id[0], "", 0, 16, CRFD_BTF_STRUCT);
	crfd_kernel_btf_close(&kernel);
}

int main(void)
{
	test_members();
	test_patches();
	test_kernel();
	return 0;
}
