/* SPDX-License-Identifier: MIT */
#include "arrow/words.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "columns/text.h"

int crfd_words_begin(struct crfd_words *w)
{
	int32_t zero = 0;

	*w = (struct crfd_words){.last_number = -1};
	return crfd_buf_put(&w->offset, &zero, sizeof(zero));
}

void crfd_words_release(struct crfd_words *w)
{
	crfd_buf_release(&w->text);
	crfd_buf_release(&w->offset);
	crfd_buf_release(&w->last);
	free(w->slot);
	*w = (struct crfd_words){0};
}

/* FNV-1a: the texts are short and nobody's choice matters beyond one batch. */
static size_t hash(const uint8_t *p, size_t n)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < n; i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return (size_t)(h ^ h >> 32);
}

static struct crfd_bytes word_at(const struct crfd_words *w, uint32_t number)
{
	const int32_t *offset = (const int32_t *)w->offset.v;

	return (struct crfd_bytes){w->text.v + offset[number], (size_t)(offset[number + 1] - offset[number])};
}

/* The slot that has the text, or the free one that it belongs into. */
static uint32_t *find(const struct crfd_words *w, const uint8_t *p, size_t n)
{
	for (size_t i = hash(p, n);; i++) {
		uint32_t *slot = &w->slot[i & (w->nslots - 1)];
		struct crfd_bytes have;

		if (!*slot)
			return slot;
		have = word_at(w, *slot - 1);
		if (have.n == n && !memcmp(have.p, p, n))
			return slot;
	}
}

/* At most half of the slots are taken. */
static int grow(struct crfd_words *w)
{
	size_t n = w->nslots ? 2 * w->nslots : 64;
	uint32_t *slot;

	if ((size_t)w->nr * 2 < w->nslots)
		return 0;
	slot = calloc(n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	free(w->slot);
	w->slot = slot;
	w->nslots = n;
	for (uint32_t i = 0; i < (uint32_t)w->nr; i++) {
		struct crfd_bytes b = word_at(w, i);

		*find(w, b.p, b.n) = i + 1;
	}
	return 0;
}

/* The text lies behind all others already: it stays where it is new. */
static int64_t number_of_last(struct crfd_words *w, size_t from)
{
	int32_t end = (int32_t)w->text.nr;
	uint32_t *slot;
	int rc = grow(w);

	if (rc < 0)
		return rc;
	slot = find(w, w->text.v + from, w->text.nr - from);
	if (*slot) {
		w->text.nr = from;
		return (int64_t)*slot - 1;
	}
	rc = crfd_buf_put(&w->offset, &end, sizeof(end));
	if (rc < 0)
		return rc;
	*slot = (uint32_t)++w->nr;
	return w->nr - 1;
}

int64_t crfd_words_number(struct crfd_words *w, struct crfd_bytes b)
{
	size_t from = w->text.nr;
	int64_t number;
	int rc;

	if (w->last_number >= 0 && w->last.nr == b.n && (!b.n || !memcmp(w->last.v, b.p, b.n)))
		return w->last_number;
	rc = crfd_text_utf8(&w->text, b.p, b.n);
	number = rc < 0 ? rc : crfd_buf_reserve(&w->text, 1); /* an address even for no text at all */
	if (number >= 0)
		number = number_of_last(w, from);
	if (number < 0) {
		w->text.nr = from;
		return number;
	}
	crfd_buf_clear(&w->last);
	rc = crfd_buf_put(&w->last, b.p, b.n);
	w->last_number = rc < 0 ? -1 : (int32_t)number;
	return rc < 0 ? rc : number;
}
