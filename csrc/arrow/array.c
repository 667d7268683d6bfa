/* SPDX-License-Identifier: MIT */
#include "arrow/array.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

/* An array owns the memory of its buffers, and its children. */
struct owned {
	const void *buffer[4];
	void *memory[5];
	struct ArrowArray *child, **children;
	struct ArrowArray dictionary;
};

static const uint8_t nothing[8]; /* where a buffer of no bytes is */

static void release(struct ArrowArray *a)
{
	struct owned *own = a->private_data;

	for (int64_t i = 0; i < a->n_children; i++)
		if (a->children[i]->release)
			a->children[i]->release(a->children[i]);
	if (a->dictionary && a->dictionary->release)
		a->dictionary->release(a->dictionary);
	for (size_t i = 0; i < CRFD_LEN(own->memory); i++)
		free(own->memory[i]);
	free(own->child);
	free(own->children);
	free(own);
	a->release = NULL;
}

static int begin(struct ArrowArray *a, int64_t length, int64_t nulls, int64_t nbuffers)
{
	struct owned *own = calloc(1, sizeof(*own));

	if (!own)
		return -ENOMEM;
	*a = (struct ArrowArray){.length = length, .null_count = nulls, .n_buffers = nbuffers, .buffers = own->buffer,
				 .release = release, .private_data = own};
	return 0;
}

/* The array takes the memory of a buffer. */
static void take(struct ArrowArray *a, int number, crfd_buf *b)
{
	struct owned *own = a->private_data;

	own->memory[number] = b->v;
	own->buffer[number] = b->v ? b->v : nothing;
	*b = (crfd_buf){0};
}

int crfd_array_begin(struct crfd_array *a, const struct crfd_field *f, size_t expected)
{
	*a = (struct crfd_array){.field = f, .expected = expected};
	return f->type == CRFD_ARROW_WORD ? crfd_words_begin(&a->words) : 0;
}

void crfd_array_release(struct crfd_array *a)
{
	crfd_buf_release(&a->known);
	crfd_buf_release(&a->value);
	crfd_buf_release(&a->text);
	crfd_words_release(&a->words);
}

static int finish_words(struct crfd_words *w, struct ArrowArray *a)
{
	struct owned *own = a->private_data;
	int rc = begin(&own->dictionary, w->nr, 0, 3);

	if (rc < 0)
		return rc;
	a->dictionary = &own->dictionary;
	take(a->dictionary, 1, &w->offset);
	take(a->dictionary, 2, &w->text);
	return 0;
}

/* Puts a view: its length, and up to 12 bytes, or the first 4, the number of the buffer and where they are in it. */
static void put_view(uint8_t *out, const uint8_t *text, int32_t from, int32_t n)
{
	memset(out, 0, 16);
	memcpy(out, &n, sizeof(n));
	memcpy(out + 4, text + from, (size_t)(n > 12 ? 4 : n));
	if (n > 12)
		memcpy(out + 12, &from, sizeof(from));
}

/* Turns offsets into views, which all lie in the one buffer of text; the length of that comes behind it. */
static int finish_views(struct crfd_array *a, struct ArrowArray *out)
{
	const int32_t *offset = (const int32_t *)a->value.v;
	struct owned *own = out->private_data;
	int64_t *length = malloc(sizeof(*length));
	crfd_buf view = {0};
	int rc = length ? crfd_buf_reserve(&view, 16 * a->nr) : -ENOMEM;

	if (rc < 0) {
		free(length);
		return rc;
	}
	for (size_t i = 0; i < a->nr; i++)
		put_view(view.v + 16 * i, a->text.v ? a->text.v : nothing, offset[i], offset[i + 1] - offset[i]);
	*length = (int64_t)a->text.nr;
	own->memory[3] = length;
	own->buffer[3] = length;
	take(out, 1, &view);
	take(out, 2, &a->text);
	return 0;
}

/* Gives a column of nulls alone its zeros: pages that nobody touches take no memory. */
static int finish_nulls(struct crfd_array *a)
{
	if (a->room)
		return 0;
	a->known.v = calloc(a->nr / 8 + 1, 1);
	a->value.v = calloc(a->nr + 1, sizeof(int64_t));
	return a->known.v && a->value.v ? 0 : -ENOMEM;
}

int crfd_array_finish(struct crfd_array *a, struct ArrowArray *out)
{
	int is_text = a->field->type == CRFD_ARROW_TEXT || a->field->type == CRFD_ARROW_BYTES;
	struct ArrowArray done;
	int rc = begin(&done, (int64_t)a->nr, (int64_t)a->nulls, !is_text ? 2 : a->field->is_view ? 4 : 3);

	if (rc < 0)
		return rc;
	rc = finish_nulls(a);
	if (rc >= 0 && is_text && a->field->is_view)
		rc = finish_views(a, &done);
	if (rc >= 0 && a->field->type == CRFD_ARROW_WORD)
		rc = finish_words(&a->words, &done);
	if (rc < 0) {
		release(&done);
		return rc;
	}
	if (a->nulls)
		take(&done, 0, &a->known);
	if (!is_text || !a->field->is_view)
		take(&done, 1, &a->value);
	if (is_text && !a->field->is_view)
		take(&done, 2, &a->text);
	crfd_array_release(a);
	*out = done;
	return 0;
}

int crfd_batch_finish(struct ArrowArray *column, size_t n, int64_t length, struct ArrowArray *out)
{
	struct ArrowArray done;
	struct owned *own;
	int rc = begin(&done, length, 0, 1);

	if (rc < 0)
		return rc;
	own = done.private_data;
	own->child = calloc(n ? n : 1, sizeof(*own->child));
	own->children = calloc(n ? n : 1, sizeof(*own->children));
	if (!own->child || !own->children) {
		release(&done);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		own->child[i] = column[i];
		own->children[i] = &own->child[i];
		column[i].release = NULL;
	}
	done.children = own->children;
	done.n_children = (int64_t)n;
	*out = done;
	return 0;
}
