/* SPDX-License-Identifier: MIT */
/*
 * Keys numbered 1, 2, 3 … by first appearance.
 *
 *   slot  [ 0 | t:3 | 0 | t:1 | t:2 | 0 | … ]   open addressing, a power of two, at most half full; 0 = empty
 *                |        |     |
 *   key   [ k1 | k2 | k3 | … ]                  in order of appearance, so objref i is key[i - 1]
 *
 * A slot is four bytes and a new key touches only its slot and the end of key[], so a million descriptions take 16 MB
 * and a growth rereads key[] in order. The bits that a number leaves of its slot hold a tag, more of the key's hash: a slot
 * in the way is told from the right one without a look at its key, which is seldom in the processor's cache.
 */
#define _GNU_SOURCE /* MADV_HUGEPAGE */
#include "image/image.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/buf.h"

#define HUGE_PAGE ((size_t)2 << 20)
#define AHEAD 8 /* slots fetched before they are needed: the table is larger than the cache */

struct crfd_objrefs {
	uint32_t *slot;
	uint64_t *key;
	size_t nr, alloc;
	unsigned int bits; /* 1 << bits slots */
};

/* The finalizer of splitmix64: every input bit reaches the high bits that choose the slot, and the low ones of the tag. */
static inline uint64_t hash_of(uint64_t key)
{
	key = (key ^ key >> 30) * 0xbf58476d1ce4e5b9u;
	key = (key ^ key >> 27) * 0x94d049bb133111ebu;
	return key ^ key >> 31;
}

static inline size_t slot_of(uint64_t hash, unsigned int bits)
{
	return hash >> (64 - bits);
}

/* Returns how many bits of a slot are the number, which is at most half of the number of slots. */
static inline uint32_t number_bits(unsigned int bits)
{
	return bits < 32 ? ((uint32_t)1 << bits) - 1 : UINT32_MAX;
}

static inline uint32_t tag_of(uint64_t hash, unsigned int bits)
{
	return bits < 32 ? (uint32_t)hash << bits : 0;
}

/* Finds the slot that holds key, or the empty one where it belongs. */
static size_t find(const crfd_objrefs *t, uint64_t key, uint64_t hash)
{
	size_t mask = ((size_t)1 << t->bits) - 1, i = slot_of(hash, t->bits);
	uint32_t number = number_bits(t->bits), tag = tag_of(hash, t->bits);

	while (t->slot[i] && ((t->slot[i] & ~number) != tag || t->key[(t->slot[i] & number) - 1] != key))
		i = (i + 1) & mask;
	return i;
}

/*
 * Makes empty slots. A large table is used in no order: on pages of 2 MB it costs a page fault in 512, and fewer misses of the
 * TLB. It is zeroed by writing, for a page that is read before it is written is faulted in twice.
 */
static uint32_t *new_slots(size_t n)
{
	size_t bytes = n * sizeof(uint32_t);
	void *slot;

	if (bytes < HUGE_PAGE)
		return calloc(n, sizeof(uint32_t));
	slot = aligned_alloc(HUGE_PAGE, bytes);
	if (!slot)
		return NULL;
	(void)madvise(slot, bytes, MADV_HUGEPAGE); /* or else pages of the usual size */
	return memset(slot, 0, bytes);
}

static int rehash(crfd_objrefs *t, unsigned int bits)
{
	size_t mask = ((size_t)1 << bits) - 1;
	uint32_t *slot = new_slots(mask + 1);

	if (!slot)
		return -ENOMEM;
	for (size_t n = 0; n < t->nr; n++) {
		uint64_t hash = hash_of(t->key[n]);
		size_t i = slot_of(hash, bits);

		while (slot[i])
			i = (i + 1) & mask;
		slot[i] = (uint32_t)(n + 1) | tag_of(hash, bits);
	}
	free(t->slot);
	t->slot = slot;
	t->bits = bits;
	return 0;
}

static int reserve(crfd_objrefs *t, size_t n)
{
	unsigned int bits = t->bits;
	int rc;

	if (n > UINT32_MAX - 1 - t->nr)
		return -EOVERFLOW;
	rc = crfd_grow(&t->key, &t->alloc, t->nr + n, sizeof(*t->key));
	if (rc < 0)
		return rc;
	while ((size_t)1 << bits < 2 * (t->nr + n))
		bits++;
	return bits == t->bits ? 0 : rehash(t, bits);
}

crfd_objrefs *crfd_objrefs_new(void)
{
	crfd_objrefs *t = calloc(1, sizeof(*t));

	if (t && rehash(t, 6) < 0) {
		free(t);
		return NULL;
	}
	return t;
}

void crfd_objrefs_free(crfd_objrefs *t)
{
	if (!t)
		return;
	free(t->slot);
	free(t->key);
	free(t);
}

int crfd_objrefs_add(crfd_objrefs *t, const uint64_t *key, size_t n, uint32_t *objref, uint8_t *fresh)
{
	int rc = reserve(t, n);

	if (rc < 0)
		return rc;
	for (size_t k = 0; k < n; k++) {
		uint64_t hash = hash_of(key[k]);
		size_t i;

		if (k + AHEAD < n)
			__builtin_prefetch(&t->slot[slot_of(hash_of(key[k + AHEAD]), t->bits)], 1);
		fresh[k] = 0;
		objref[k] = 0;
		if (!key[k])
			continue;
		i = find(t, key[k], hash);
		if (!t->slot[i]) {
			t->key[t->nr++] = key[k];
			t->slot[i] = (uint32_t)t->nr | tag_of(hash, t->bits);
			fresh[k] = 1;
		}
		objref[k] = t->slot[i] & number_bits(t->bits);
	}
	return 0;
}

uint32_t crfd_objrefs_get(const crfd_objrefs *t, uint64_t key)
{
	return key ? t->slot[find(t, key, hash_of(key))] & number_bits(t->bits) : 0;
}

size_t crfd_objrefs_len(const crfd_objrefs *t)
{
	return t->nr;
}
