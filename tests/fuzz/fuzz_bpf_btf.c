/* SPDX-License-Identifier: MIT */
/* Any bytes as BTF, alone and as a module's on top of themselves, and every member of what is found there. */
#include "bpf/btf.h"
#include "fuzz.h"

static void look(const crfd_btf *btf)
{
	static const char *const paths[] = {"", "a", "b[1]", "a.b", "b[2][3].c", "c.c.c.c", "a[", "[1]", ".."};
	struct crfd_btf_member member;

	for (uint32_t id = 0; id < btf->first + btf->nr + 2; id++)
		for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
			REQUIRE(crfd_btf_member(btf, id, paths[i], &member) != 0 || member.kind >= 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct crfd_btf_name names[] = {{.name = "a", .kind = CRFD_BTF_STRUCT}, {.name = "f", .kind = CRFD_BTF_FUNC}};
	crfd_btf btf, module;
	uint8_t *bytes = exact(data, size);

	if (size < 4096 && crfd_btf_init(&btf, bytes, size, NULL, names, 2) == 0) {
		look(&btf);
		if (crfd_btf_init(&module, bytes, size, &btf, names, 2) == 0) {
			look(&module);
			crfd_btf_release(&module);
		}
		crfd_btf_release(&btf);
	}
	free(bytes);
	return 0;
}
