/* SPDX-License-Identifier: MIT */
/* A kind (the first byte) and a text of fdinfo: whatever records they make, an image with them must be right. */
#include "base/buf.h"
#include "batch/batch.h"
#include "format/record.h"
#include "fuzz.h"
#include "image/image.h"
#include "kinds/detail.h"
#include "kinds/fdinfo.h"

/* FDINFO is all of the text or not there, and always there for a kind that is not decoded. */
static void look_at_raw(const crfd_buf *ext, int kind, const char *text, size_t n)
{
	const struct crfd_kind_ops *ops = crfd_kind_find(kind);
	struct crfd_cursor c = {.p = ext->v, .end = ext->v ? ext->v + ext->nr : NULL}; /* NULL + 0 is not defined in C */
	size_t raw = 0;

	while (crfd_cursor_next(&c)) {
		if (c.h.type == CRFD_REC_FDINFO) {
			REQUIRE(raw + (size_t)c.h.len <= n && !memcmp(c.payload, text + raw, (size_t)c.h.len));
			raw += (size_t)c.h.len;
		}
	}
	REQUIRE(c.p == c.end && (raw == n || (raw == 0 && ops && ops->text != CRFD_TEXT_KEPT)));
}

static void look_at_image(crfd_batch *b)
{
	crfd_encoder *e = crfd_encoder_new(0);
	crfd_parser *p = crfd_parser_new();
	uint32_t objref = 1;
	uint8_t fresh = 1;
	crfd_buf image = {0};
	crfd_fault fault;
	size_t used;

	REQUIRE(e && p);
	REQUIRE(crfd_encode_head(e, CRFD_BACKEND_PROC, 0, &image) == 0);
	REQUIRE(crfd_encode_batch(e, b, &objref, &fresh, SIZE_MAX, &image) == 0);
	REQUIRE(crfd_encode_tail(e, &image) == 0);
	REQUIRE(crfd_parser_feed(p, image.v, image.nr, 1, NULL, 0, &used, &fault) > 0 && used == image.nr);
	crfd_buf_release(&image);
	crfd_parser_free(p);
	crfd_encoder_free(e);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	crfd_batch *b = crfd_batch_new();
	crfd_task *t = b ? crfd_batch_task(b) : NULL;
	crfd_fd *f = t ? crfd_batch_fds(b, 1) : NULL;
	int kind = size ? data[0] : 0;
	size_t n = size ? size - 1 : 0;
	char *text = exact(data + (size != 0), n);
	struct crfd_fdinfo info = {0};
	struct crfd_detail d = {0};
	crfd_buf ext = {0};

	(void)crfd_fdinfo_parse(text, n, &info);
	crfd_detail_begin(&d, kind);
	REQUIRE(f && crfd_detail_fdinfo(&d, text, n, info.rest) == 0 && crfd_detail_put(&d, &ext) == 0);
	REQUIRE(!d.id || (d.id >= text && d.id + d.id_len <= text + n && !memchr(d.id, '\n', d.id_len)));
	look_at_raw(&ext, kind, text, n);
	t->info.pid = 1;
	t->rec.comm_len = CRFD_COMM_LEN;
	*f = (crfd_fd){.kind = kind == CRFD_KIND_SOCKET ? CRFD_KIND_SOCKET : CRFD_KIND_FILE};
	b->socket[0] = d.rec.socket;
	f->name = (crfd_span){.len = 1};
	f->ext = (crfd_span){.off = 1, .len = (uint32_t)ext.nr};
	REQUIRE(crfd_buf_put(&b->text, "f", 1) == 0 && crfd_buf_put(&b->text, ext.v, ext.nr) == 0);
	look_at_image(b);
	crfd_detail_release(&d);
	crfd_buf_release(&ext);
	free(text);
	crfd_batch_free(b);
	return 0;
}
