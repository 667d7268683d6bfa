/* SPDX-License-Identifier: MIT */
#include "arrow/schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define NULLABLE 2 /* ARROW_FLAG_NULLABLE */

/* A schema owns these. */
struct owned {
	char *name;
	uint8_t *metadata;
	struct ArrowSchema *child, **children;
	struct ArrowSchema dictionary;
};

static void release(struct ArrowSchema *s)
{
	struct owned *own = s->private_data;

	for (int64_t i = 0; i < s->n_children; i++)
		if (s->children[i]->release)
			s->children[i]->release(s->children[i]);
	if (s->dictionary && s->dictionary->release)
		s->dictionary->release(s->dictionary);
	free(own->name);
	free(own->metadata);
	free(own->child);
	free(own->children);
	free(own);
	s->release = NULL;
}

/* Begins a schema with room for n children, which count as released as long as nobody fills them. */
static int begin(struct ArrowSchema *s, const char *format, const char *name, size_t n)
{
	struct owned *own = calloc(1, sizeof(*own));

	if (!own)
		return -ENOMEM;
	*s = (struct ArrowSchema){.format = format, .name = "", .flags = NULLABLE, .release = release, .private_data = own};
	own->name = strdup(name);
	own->child = n ? calloc(n, sizeof(*own->child)) : NULL;
	own->children = n ? calloc(n, sizeof(*own->children)) : NULL;
	if (!own->name || (n && (!own->child || !own->children))) {
		release(s);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		own->children[i] = &own->child[i];
	s->name = own->name;
	s->children = own->children;
	s->n_children = (int64_t)n;
	return 0;
}

static int put_text(crfd_buf *out, const char *text)
{
	int32_t n = (int32_t)strlen(text);
	int rc = crfd_buf_put(out, &n, sizeof(n));

	return rc < 0 ? rc : crfd_buf_put(out, text, (size_t)n);
}

/* Encodes pairs of key and value as the specification has it; those without a value are left out. */
static int set_metadata(struct ArrowSchema *s, const char *const (*pair)[2], size_t n)
{
	struct owned *own = s->private_data;
	crfd_buf out = {0};
	int32_t count = 0;
	int rc;

	for (size_t i = 0; i < n; i++)
		count += pair[i][1] != NULL;
	rc = crfd_buf_put(&out, &count, sizeof(count));
	for (size_t i = 0; i < n && rc >= 0; i++) {
		if (!pair[i][1])
			continue;
		rc = put_text(&out, pair[i][0]);
		if (rc >= 0)
			rc = put_text(&out, pair[i][1]);
	}
	if (rc < 0) {
		crfd_buf_release(&out);
		return rc;
	}
	own->metadata = out.v;
	s->metadata = (const char *)out.v;
	return 0;
}

static const char *format_of(const struct crfd_field *f)
{
	switch (f->type) {
	case CRFD_ARROW_INT64:
		return "l";
	case CRFD_ARROW_TIME:
		return "tss:UTC";
	case CRFD_ARROW_BOOL:
		return "b";
	case CRFD_ARROW_TEXT:
		return f->is_view ? "vu" : "u";
	case CRFD_ARROW_BYTES:
		return f->is_view ? "vz" : "z";
	default:
		return "i"; /* of the numbers in the dictionary */
	}
}

static const char *unit_of(const struct crfd_column *c)
{
	static const char *const names[] = {[CRFD_UNIT_BYTES] = "bytes", [CRFD_UNIT_NS] = "ns", [CRFD_UNIT_TICKS] = "ticks",
					    [CRFD_UNIT_DEVICE] = "device", [CRFD_UNIT_BITS] = "bits", [CRFD_UNIT_OCTAL] = "bits"};

	return c->info.unit < CRFD_LEN(names) ? names[c->info.unit] : NULL;
}

/* "comment" is where Spark and Parquet's readers look for a column's meaning. */
static int make_field(const struct crfd_field *f, struct ArrowSchema *s)
{
	const char *const pairs[][2] = {
		{"comment", f->type == CRFD_ARROW_BYTES ? "bytes of the path where they are not UTF-8" : f->column->info.text},
		{"unit", unit_of(f->column)},
	};
	int rc = begin(s, format_of(f), f->info.name, 0);

	if (rc < 0)
		return rc;
	rc = set_metadata(s, pairs, CRFD_LEN(pairs));
	if (rc >= 0 && f->type == CRFD_ARROW_WORD) {
		struct owned *own = s->private_data;

		rc = begin(&own->dictionary, "u", "", 0);
		s->dictionary = rc < 0 ? NULL : &own->dictionary;
	}
	if (rc < 0)
		release(s);
	return rc;
}

int crfd_schema_make(const struct crfd_table *t, const struct crfd_field *f, size_t n, struct ArrowSchema *out)
{
	static const char version[] = {'0' + CRFD_ARROW_VERSION, 0};
	const char *const pairs[][2] = {{"crfd.table", t->info.name}, {"crfd.version", version}};
	struct ArrowSchema s;
	int rc = begin(&s, "+s", "", n);

	if (rc < 0)
		return rc;
	s.flags = 0; /* a record batch itself is never null */
	rc = set_metadata(&s, pairs, CRFD_LEN(pairs));
	for (size_t i = 0; i < n && rc >= 0; i++)
		rc = make_field(&f[i], s.children[i]);
	if (rc < 0)
		release(&s);
	else
		*out = s;
	return rc;
}

int crfd_arrow_schema(size_t table, const uint16_t *field, size_t nfields, struct ArrowSchema *out)
{
	const struct crfd_table *t = crfd_table_at(table);
	struct crfd_field chosen[CRFD_ARROW_FIELDS];
	int rc = t && nfields <= CRFD_ARROW_FIELDS ? crfd_table_choose(t, field, nfields, chosen) : -ERANGE;

	return rc < 0 ? rc : crfd_schema_make(t, chosen, nfields, out);
}

struct ArrowSchema *crfd_arrow_schema_new(void)
{
	return calloc(1, sizeof(struct ArrowSchema));
}

void crfd_arrow_schema_free(struct ArrowSchema *s)
{
	if (s && s->release)
		s->release(s);
	free(s);
}
