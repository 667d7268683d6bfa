/* SPDX-License-Identifier: MIT */
/*
 * The layout of BTF: a header, the types one after the other (the first is number 1), the strings. That of a module goes on
 * where the kernel's ends: with its numbers, and with its string offsets.
 */
#include "bpf/btf.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define MAGIC 0xeb9f
#define DEPTH 32 /* of what is followed: types that go in a circle must end */
#define MEMBERS 4096

/* struct btf_header, btf_type, btf_array and btf_member of linux/btf.h, which is younger than some build hosts. */
struct header {
	uint16_t magic;
	uint8_t version, flags;
	uint32_t hdr_len, type_off, type_len, str_off, str_len;
};

struct type {
	uint32_t name, info, size; /* or the type that it refers to */
};

struct array {
	uint32_t type, index_type, nelems;
};

struct member {
	uint32_t name, type, offset; /* bits; with the kind flag the upper 8 are the width of a bit field */
};

enum kind {
	INT = 1, PTR, ARRAY, STRUCT, UNION, ENUM, FWD, TYPEDEF, VOLATILE, CONST, RESTRICT, FUNC, FUNC_PROTO, VAR, DATASEC,
	FLOAT, DECL_TAG, TYPE_TAG, ENUM64, KINDS
};

/* A type is followed by so many bytes, and by so many for each of its vlen. */
static const struct {
	uint8_t fixed, each;
} tail[KINDS] = {
	[INT] = {4, 0}, [ARRAY] = {12, 0}, [STRUCT] = {0, 12}, [UNION] = {0, 12}, [ENUM] = {0, 8}, [FUNC_PROTO] = {0, 8},
	[VAR] = {4, 0}, [DATASEC] = {0, 12}, [DECL_TAG] = {4, 0}, [ENUM64] = {0, 12},
};

static uint32_t kind_of(const struct type *t)
{
	return t->info >> 24 & 31;
}

static uint32_t vlen_of(const struct type *t)
{
	return t->info & 0xffff;
}

static int flagged(const struct type *t)
{
	return t->info >> 31;
}

static const char *string_at(const crfd_btf *btf, uint32_t offset)
{
	if (btf->base && offset < btf->base->strings_len)
		return btf->base->strings + offset;
	if (btf->base)
		offset -= btf->base->strings_len;
	return offset < btf->strings_len ? btf->strings + offset : "";
}

/* Names are found by their first byte: those of byte c are from begin[c] to begin[c + 1]; kind has a bit for each kind. */
struct names {
	struct crfd_btf_name *v;
	size_t begin[257];
	uint32_t kinds[256];
};

static void names_init(struct names *names, struct crfd_btf_name *v, size_t n)
{
	*names = (struct names){.v = v};
	for (size_t i = 0; i < n; i++) {
		names->begin[(uint8_t)*v[i].name + 1] = i + 1;
		names->kinds[(uint8_t)*v[i].name] |= 1u << v[i].kind;
	}
	for (int c = 1; c <= 256; c++)
		if (!names->begin[c])
			names->begin[c] = names->begin[c - 1];
}

static void names_see(struct names *names, const char *name, uint32_t kind, uint32_t id)
{
	if (!(names->kinds[(uint8_t)*name] >> kind & 1))
		return;
	for (size_t i = names->begin[(uint8_t)*name]; i < names->begin[(uint8_t)*name + 1]; i++) {
		struct crfd_btf_name *wanted = &names->v[i];

		if (kind == (uint32_t)wanted->kind && wanted->nr < CRFD_BTF_SAME && !strcmp(name, wanted->name))
			wanted->id[wanted->nr++] = id;
	}
}

/* Finds where each type begins; all of what follows it lies inside then. */
static int index_types(crfd_btf *btf, struct names *names)
{
	uint32_t pos = 0;

	while (pos < btf->types_len) {
		struct type t;
		size_t len = sizeof(t);
		uint32_t kind;

		if (btf->types_len - pos < len)
			return -EPROTO;
		memcpy(&t, btf->types + pos, sizeof(t));
		kind = kind_of(&t);
		if (!kind || kind >= KINDS)
			return -EPROTO;
		len += tail[kind].fixed + (size_t)tail[kind].each * vlen_of(&t);
		if (btf->types_len - pos < len)
			return -EPROTO;
		if (btf->nr == btf->alloc && crfd_grow(&btf->at, &btf->alloc, btf->nr + 1, sizeof(*btf->at)) < 0)
			return -ENOMEM;
		if (kind == STRUCT || kind == FUNC)
			names_see(names, string_at(btf, t.name), kind, btf->first + (uint32_t)btf->nr);
		btf->at[btf->nr++] = pos;
		pos += (uint32_t)len;
	}
	return 0;
}

int crfd_btf_init(crfd_btf *btf, const void *bytes, size_t n, const crfd_btf *base, struct crfd_btf_name *v, size_t nr)
{
	struct names names;
	struct header h;
	int rc;

	*btf = (crfd_btf){.base = base, .first = base ? base->first + (uint32_t)base->nr : 1};
	if (n < sizeof(h))
		return -EPROTO;
	memcpy(&h, bytes, sizeof(h));
	if (h.magic != MAGIC || h.version != 1 || h.hdr_len < sizeof(h) || h.hdr_len > n)
		return -EPROTO;
	n -= h.hdr_len;
	if (h.type_off % 4 || h.type_off > n || h.type_len > n - h.type_off || h.str_off > n || h.str_len > n - h.str_off)
		return -EPROTO;
	btf->types = (const uint8_t *)bytes + h.hdr_len + h.type_off;
	btf->types_len = h.type_len;
	btf->strings = (const char *)bytes + h.hdr_len + h.str_off;
	btf->strings_len = h.str_len;
	if (!h.str_len || btf->strings[h.str_len - 1])
		return -EPROTO;
	names_init(&names, v, nr);
	rc = crfd_grow(&btf->at, &btf->alloc, h.type_len / 24 + 1, sizeof(*btf->at)); /* most types are longer */
	if (rc >= 0)
		rc = index_types(btf, &names);
	if (rc < 0)
		crfd_btf_release(btf);
	return rc < 0 ? rc : 0;
}

void crfd_btf_release(crfd_btf *btf)
{
	free(btf->at);
	*btf = (crfd_btf){0};
}

/* Returns a type and what follows it; NULL: void, or no such type. */
static const uint8_t *type_at(const crfd_btf *btf, uint32_t id, struct type *t)
{
	const uint8_t *p;

	if (btf->base && id < btf->first)
		return type_at(btf->base, id, t);
	if (id < btf->first || id - btf->first >= btf->nr)
		return NULL;
	p = btf->types + btf->at[id - btf->first];
	memcpy(t, p, sizeof(*t));
	return p + sizeof(*t);
}

/* Returns a type with typedefs and qualifiers taken off. */
static const uint8_t *bare_type_at(const crfd_btf *btf, uint32_t id, struct type *t)
{
	for (int i = 0; i < DEPTH; i++) {
		const uint8_t *p = type_at(btf, id, t);
		uint32_t kind = p ? kind_of(t) : 0;

		if (kind != TYPEDEF && kind != VOLATILE && kind != CONST && kind != RESTRICT && kind != TYPE_TAG)
			return p;
		id = t->size;
	}
	return NULL;
}

static uint32_t size_of(const crfd_btf *btf, uint32_t id)
{
	uint32_t times = 1;

	for (int i = 0; i < DEPTH; i++) {
		struct array a;
		struct type t;
		const uint8_t *p = bare_type_at(btf, id, &t);

		if (!p)
			return 0;
		if (kind_of(&t) != ARRAY)
			return kind_of(&t) == PTR ? 8 * times : kind_of(&t) == FUNC_PROTO ? 0 : t.size * times;
		memcpy(&a, p, sizeof(a));
		times *= a.nelems;
		id = a.type;
	}
	return 0;
}

/* Steps to the element type of an array, at an index that the path has next: "[3]". */
static int step_into_array(const crfd_btf *btf, const char **path, uint32_t *id, uint32_t *offset)
{
	unsigned long index = strtoul(*path + 1, NULL, 10);
	struct array a;
	struct type t;
	const uint8_t *p = bare_type_at(btf, *id, &t);

	if (!p || kind_of(&t) != ARRAY)
		return -ENOENT;
	memcpy(&a, p, sizeof(a));
	*path += strcspn(*path, "]");
	*path += **path == ']';
	*id = a.type;
	*offset += (uint32_t)index * size_of(btf, a.type);
	return 0;
}

/* A search is for a member, and has so many looks left: nameless members could hold each other without end. */
struct search {
	const crfd_btf *btf;
	const char *name;
	size_t len;
	uint32_t left;
};

/* Steps to a member of the struct, or of a nameless member of it. */
static int step_into_struct(struct search *s, uint32_t *id, uint32_t *offset)
{
	struct type t;
	const uint8_t *p = bare_type_at(s->btf, *id, &t);

	if (!p || (kind_of(&t) != STRUCT && kind_of(&t) != UNION))
		return -ENOENT;
	for (uint32_t i = 0; i < vlen_of(&t) && s->left; i++, p += sizeof(struct member)) {
		struct member m;
		const char *found;
		uint32_t at, inner;

		s->left--;
		memcpy(&m, p, sizeof(m));
		found = string_at(s->btf, m.name);
		at = *offset + (flagged(&t) ? m.offset & 0xffffff : m.offset) / 8;
		inner = m.type;
		if (*found && (strncmp(found, s->name, s->len) || found[s->len]))
			continue;
		if (*found && flagged(&t) && m.offset >> 24)
			return -ENOENT;
		if (!*found && step_into_struct(s, &inner, &at) < 0)
			continue;
		*id = inner;
		*offset = at;
		return 0;
	}
	return -ENOENT;
}

static int class_of(const crfd_btf *btf, uint32_t id)
{
	struct type t;
	uint32_t kind = bare_type_at(btf, id, &t) ? kind_of(&t) : 0;

	return kind == ENUM || kind == ENUM64 ? CRFD_BTF_INT : kind == UNION ? CRFD_BTF_STRUCT : (int)kind;
}

int crfd_btf_member(const crfd_btf *btf, uint32_t id, const char *path, struct crfd_btf_member *out)
{
	uint32_t offset = 0;
	int rc = 0;

	while (*path && rc == 0) {
		size_t len = strcspn(path, ".[");

		if (*path == '[') {
			rc = step_into_array(btf, &path, &id, &offset);
		} else {
			struct search search = {.btf = btf, .name = path, .len = len, .left = MEMBERS};

			rc = step_into_struct(&search, &id, &offset);
			path += len;
		}
		path += *path == '.';
	}
	if (rc == 0)
		*out = (struct crfd_btf_member){.offset = offset, .size = size_of(btf, id), .kind = class_of(btf, id)};
	return rc;
}
