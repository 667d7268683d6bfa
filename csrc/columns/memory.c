/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "columns/column.h"

#define UFFD_READY (1u << 31) /* fs/userfaultfd.c: the handshake is done */

static int always(const struct crfd_row *r)
{
	(void)r;
	return 1;
}

static const uint8_t *record(const struct crfd_row *r, int rec, size_t size)
{
	return crfd_row_record(r->ext, rec, size, CRFD_ALWAYS, 0, NULL);
}

/* ---- memfd, secretmem ---- */

static int get_memfd_name(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			  struct crfd_value *v)
{
	static const char mark[] = "/memfd:"; /* mm/memfd.c */
	size_t skip = sizeof(mark) - 1;

	(void)c, (void)s;
	if (r->data.fd_type == CRFD_KIND_SECRETMEM || !(r->st.known & CRFD_HAS_PATH))
		return 0;
	skip = r->name.n >= skip && !memcmp(r->name.p, mark, skip) ? skip : 0;
	v->known = 1;
	v->text = (struct crfd_bytes){r->name.p + skip, r->name.n - skip};
	return 0;
}

static int get_secret(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c, (void)s;
	v->known = 1;
	v->number = r->data.fd_type == CRFD_KIND_SECRETMEM;
	return 0;
}

static int say_seals(uint32_t seals, crfd_buf *out)
{
	static const char *const names[] = {"seal", "shrink", "grow", "write", "future_write", "exec"}; /* F_SEAL_* */
	int rc = crfd_text_put(out, " seals="), nr = 0;

	for (size_t i = 0; i < CRFD_LEN(names) && rc >= 0; i++)
		if (seals >> i & 1)
			rc = crfd_text_printf(out, "%s%s", nr++ ? "|" : "", names[i]);
	return rc;
}

static int memfd_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	const uint8_t *p = record(r, CRFD_REC_MEMFD, sizeof(crfd_memfd));
	crfd_memfd m = {0};
	int rc = 0;

	(void)s;
	if (p)
		memcpy(&m, p, sizeof(m));
	if (m.known & CRFD_MEMFD_HAS_SEALS && m.seals)
		rc = say_seals(m.seals, out);
	return rc < 0 || !(r->st.known & CRFD_HAS_SIZE) ? rc : crfd_text_printf(out, " %lluB", (unsigned long long)r->st.size);
}

static const struct crfd_column memfd_columns[] = {
	CRFD_CALL("memfd.name", "name of memfd_create(2)", KIND, TEXT, NONE, 0, get_memfd_name),
	CRFD_MEMBER("memfd.seals", "F_SEAL_* of fcntl(2)", KIND, INT, BITS, 0, RECORD, CRFD_REC_MEMFD, crfd_memfd, seals,
		    offsetof(crfd_memfd, known), CRFD_MEMFD_HAS_SEALS),
	CRFD_CALL("memfd.secret", "whether it is of memfd_secret(2)", KIND, BOOL, NONE, 0, get_secret),
};

const struct crfd_family crfd_family_memfd = {"memfd", {CRFD_KIND_MEMFD, CRFD_KIND_SECRETMEM}, memfd_columns,
					      CRFD_LEN(memfd_columns), always, memfd_say};

/* ---- dmabuf ---- */

static int dmabuf_is_told(const struct crfd_row *r)
{
	return record(r, CRFD_REC_DMABUF, sizeof(crfd_dmabuf)) != NULL;
}

static int say_text(const char *before, const char *text, size_t size, crfd_buf *out)
{
	size_t n = strnlen(text, size);
	int rc = crfd_text_put(out, before);

	return rc < 0 ? rc : crfd_text_escape(out, (const uint8_t *)text, n);
}

static int dmabuf_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_dmabuf d;
	int rc;

	(void)s;
	memcpy(&d, record(r, CRFD_REC_DMABUF, sizeof(d)), sizeof(d));
	rc = crfd_text_printf(out, " %lluB", (unsigned long long)d.size);
	if (rc >= 0)
		rc = say_text(" by=", d.exporter, sizeof(d.exporter), out);
	return rc < 0 || !*d.name ? rc : say_text(" name=", d.name, sizeof(d.name), out);
}

#define DMABUF(name, text, type, unit, member) \
	CRFD_MEMBER("dmabuf." name, text, KIND, type, unit, 0, RECORD, CRFD_REC_DMABUF, crfd_dmabuf, member, CRFD_ALWAYS, 0)

static const struct crfd_column dmabuf_columns[] = {
	DMABUF("size", "bytes of the buffer", INT, BYTES, size),
	DMABUF("count", "references to it", INT, NONE, count),
	DMABUF("exporter", "driver that made it", TEXT, NONE, exporter),
	DMABUF("name", "name it was given", TEXT, NONE, name),
};

const struct crfd_family crfd_family_dmabuf = {"dmabuf", {CRFD_KIND_DMABUF}, dmabuf_columns, CRFD_LEN(dmabuf_columns),
					       dmabuf_is_told, dmabuf_say};

/* ---- userfaultfd ---- */

static int userfaultfd_is_told(const struct crfd_row *r)
{
	return record(r, CRFD_REC_USERFAULTFD, sizeof(crfd_userfaultfd)) != NULL;
}

static int get_features(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			struct crfd_value *v)
{
	const uint8_t *p = record(r, CRFD_REC_USERFAULTFD, sizeof(crfd_userfaultfd));
	crfd_userfaultfd u = {0};

	(void)c, (void)s;
	if (p)
		memcpy(&u, p, sizeof(u));
	v->known = (u.features & UFFD_READY) != 0;
	v->number = u.features & ~UFFD_READY;
	return 0;
}

static int userfaultfd_say(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_userfaultfd u;
	int rc;

	(void)s;
	memcpy(&u, record(r, CRFD_REC_USERFAULTFD, sizeof(u)), sizeof(u));
	rc = crfd_text_printf(out, " pending=%llu total=%llu", (unsigned long long)u.pending, (unsigned long long)u.total);
	if (rc < 0)
		return rc;
	return u.features & UFFD_READY ? crfd_text_printf(out, " features=%#x", u.features & ~UFFD_READY) :
					 crfd_text_put(out, " not set up");
}

#define FAULTS(name, text, unit, member) \
	CRFD_MEMBER("userfaultfd." name, text, KIND, UINT, unit, 0, RECORD, CRFD_REC_USERFAULTFD, crfd_userfaultfd, member, \
		    CRFD_ALWAYS, 0)

static const struct crfd_column userfaultfd_columns[] = {
	FAULTS("pending", "page faults that nobody has read", NONE, pending),
	FAULTS("total", "threads that wait", NONE, total),
	CRFD_CALL("userfaultfd.features", "UFFD_FEATURE_* asked for; none before the handshake", KIND, INT, BITS, 0, get_features),
	FAULTS("offered", "UFFD_FEATURE_* that the kernel has", BITS, offered),
};

const struct crfd_family crfd_family_userfaultfd = {"userfaultfd", {CRFD_KIND_USERFAULTFD}, userfaultfd_columns,
						    CRFD_LEN(userfaultfd_columns), userfaultfd_is_told, userfaultfd_say};
