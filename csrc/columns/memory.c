/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "columns/column.h"

#define UFFD_READY (1u << 31) /* fs/userfaultfd.c: the handshake is done */

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
	return crfd_value_text(v, r->name.p + skip, r->name.n - skip);
}

static int get_secret(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c, (void)s;
	return crfd_value_number(v, r->data.fd_type == CRFD_KIND_SECRETMEM);
}

static int memfd_say(const struct crfd_row *r, crfd_buf *out)
{
	static const char *const seals[] = {"seal", "shrink", "grow", "write", "future_write", "exec"}; /* F_SEAL_* */
	crfd_memfd m;
	int nr = 0;

	crfd_row_read(r, CRFD_REC_MEMFD, &m, sizeof(m));
	if (m.known & CRFD_MEMFD_HAS_SEALS && m.seals)
		crfd_text_put(out, " seals=");
	for (size_t i = 0; i < CRFD_LEN(seals) && m.known & CRFD_MEMFD_HAS_SEALS; i++)
		if (m.seals >> i & 1)
			crfd_text_printf(out, "%s%s", nr++ ? "|" : "", seals[i]);
	if (r->st.known & CRFD_HAS_SIZE)
		crfd_text_printf(out, " %lluB", (unsigned long long)r->st.size);
	return out->failed;
}

static const struct crfd_column memfd_columns[] = {
	CRFD_CALL("memfd.name", "name of memfd_create(2)", KIND, TEXT, NONE, 0, get_memfd_name,
		  CRFD_READING(.family = &crfd_family_memfd)),
	CRFD_MEMBER("memfd.seals", "F_SEAL_* of fcntl(2)", KIND, INT, BITS, 0, RECORD, CRFD_REC_MEMFD, crfd_memfd, seals,
		    offsetof(crfd_memfd, known), CRFD_MEMFD_HAS_SEALS),
	CRFD_CALL("memfd.secret", "whether it is of memfd_secret(2)", KIND, BOOL, NONE, 0, get_secret,
		  CRFD_READING(.family = &crfd_family_memfd)),
};

const struct crfd_family crfd_family_memfd = {
	"memfd", {CRFD_KIND_MEMFD, CRFD_KIND_SECRETMEM}, {0}, memfd_columns, CRFD_LEN(memfd_columns), .say = memfd_say,
};

/* ---- dmabuf ---- */

#define DMABUF(name, text, type, unit, member) \
	CRFD_MEMBER("dmabuf." name, text, KIND, type, unit, 0, RECORD, CRFD_REC_DMABUF, crfd_dmabuf, member, CRFD_ALWAYS, 0)

static const struct crfd_column dmabuf_columns[] = {
	DMABUF("size", "bytes of the buffer", INT, BYTES, size),
	DMABUF("count", "references to it", INT, NONE, count),
	DMABUF("exporter", "driver that made it", TEXT, NONE, exporter),
	DMABUF("name", "name it was given", TEXT, NONE, name),
};

const struct crfd_family crfd_family_dmabuf = {
	"dmabuf", {CRFD_KIND_DMABUF}, {CRFD_REC_DMABUF}, dmabuf_columns, CRFD_LEN(dmabuf_columns),
	.phrase = " {size}B by={exporter}<{name?} name={name}>",
};

/* ---- userfaultfd ---- */

#define FAULTS(name, text, unit, member) \
	CRFD_MEMBER("userfaultfd." name, text, KIND, UINT, unit, 0, RECORD, CRFD_REC_USERFAULTFD, crfd_userfaultfd, member, \
		    CRFD_ALWAYS, 0)

static const struct crfd_column userfaultfd_columns[] = {
	FAULTS("pending", "page faults that nobody has read", NONE, pending),
	FAULTS("total", "threads that wait", NONE, total),
	CRFD_MEMBER("userfaultfd.features", "UFFD_FEATURE_* asked for; none before the handshake", KIND, INT, BITS, 0, RECORD,
		    CRFD_REC_USERFAULTFD, crfd_userfaultfd, features, offsetof(crfd_userfaultfd, features), UFFD_READY,
		    CRFD_READING(.mask = ~UFFD_READY)),
	FAULTS("offered", "UFFD_FEATURE_* that the kernel has", BITS, offered),
};

const struct crfd_family crfd_family_userfaultfd = {
	"userfaultfd", {CRFD_KIND_USERFAULTFD}, {CRFD_REC_USERFAULTFD}, userfaultfd_columns,
	CRFD_LEN(userfaultfd_columns), .phrase = " pending={pending} total={total}< features={features}| not set up>",
};
