/* SPDX-License-Identifier: MIT */
#include "columns/finds.h"

#include <errno.h>
#include <stdlib.h>

static uint64_t mix(uint64_t h, uint64_t word)
{
	h = (h ^ word) * 0x9e3779b97f4a7c15;
	return h ^ h >> 32;
}

static int is_same(const struct crfd_find *a, const struct crfd_find *b)
{
	return a->from == b->from && a->what == b->what && a->more[0] == b->more[0] && a->more[1] == b->more[1];
}

/* Returns the slot of a key, or the free one that it belongs into. */
static struct crfd_find *slot_of(const struct crfd_finds *f, const struct crfd_find *key)
{
	uint64_t h = mix(mix((uintptr_t)key->from, key->what), (uint64_t)key->more[0] << 32 | key->more[1]);

	for (;; h++) {
		struct crfd_find *slot = &f->slot[h & (f->nslots - 1)];

		if (!slot->from || is_same(slot, key))
			return slot;
	}
}

const struct crfd_find *crfd_finds_get(const struct crfd_finds *f, const struct crfd_find *key)
{
	const struct crfd_find *slot = f->nslots ? slot_of(f, key) : NULL;

	return slot && slot->from ? slot : NULL;
}

/* Makes twice the slots, at most half of which are taken. */
static int grow(struct crfd_finds *f)
{
	struct crfd_finds bigger = {.nr = f->nr, .nslots = f->nslots ? 2 * f->nslots : 64};

	bigger.slot = calloc(bigger.nslots, sizeof(*bigger.slot));
	if (!bigger.slot)
		return -ENOMEM;
	for (size_t i = 0; i < f->nslots; i++)
		if (f->slot[i].from)
			*slot_of(&bigger, &f->slot[i]) = f->slot[i];
	free(f->slot);
	*f = bigger;
	return 0;
}

int crfd_finds_put(struct crfd_finds *f, const struct crfd_find *find)
{
	struct crfd_find *slot;

	if (2 * f->nr >= f->nslots && grow(f) < 0)
		return -ENOMEM;
	slot = slot_of(f, find);
	if (slot->from)
		return 0;
	*slot = *find;
	f->nr++;
	return 0;
}

void crfd_finds_release(struct crfd_finds *f)
{
	free(f->slot);
}
