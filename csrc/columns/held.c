/* SPDX-License-Identifier: MIT */
#include "columns/held.h"

#include <string.h>

static crfd_held read_held(const struct crfd_row *r)
{
	crfd_held h = {0};

	if (r->holding)
		memcpy(&h, r->holding, sizeof(h));
	return h;
}

int crfd_held_next(struct crfd_records *rest, const struct crfd_row_task *task, struct crfd_row *row)
{
	size_t len;
	const uint8_t *p = crfd_row_record(*rest, CRFD_REC_HELD, sizeof(crfd_held), CRFD_ALWAYS, 0, &len);
	crfd_held h;

	if (!p)
		return 0;
	memcpy(&h, p, sizeof(h));
	*rest = crfd_records_after(*rest, p, len);
	*row = (struct crfd_row){.task = task, .fd = -1, .held = h.held, .is_read = 1, .err = h.err, .st = h.st, .holding = p,
				 .data.fd_type = h.kind, .name = {p + sizeof(h), len - sizeof(h)}};
	return 1;
}

/* Puts the bits as /proc/PID/maps writes them (proc_pid_maps(5)). */
static int put_prot(uint32_t prot, crfd_buf *out)
{
	return crfd_text_printf(out, "%c%c%c%c", prot & CRFD_MAP_READ ? 'r' : '-', prot & CRFD_MAP_WRITE ? 'w' : '-',
				prot & CRFD_MAP_EXEC ? 'x' : '-', prot & CRFD_MAP_SHARED ? 's' : 'p');
}

static int is_mapped(const crfd_held *h)
{
	return h->held == CRFD_HELD_MAP && h->mappings;
}

static int say_map(const crfd_held *h, crfd_buf *out)
{
	int rc = put_prot(h->prot, out);

	return rc < 0 ? rc : crfd_text_printf(out, " %u mapping%s, %lluB", h->mappings, h->mappings == 1 ? "" : "s",
					      (unsigned long long)h->bytes);
}

int crfd_held_map(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_held h = read_held(r);
	int rc;

	(void)c;
	if (!is_mapped(&h))
		return 0;
	rc = say_map(&h, &s->text);
	v->known = 1;
	v->text = (struct crfd_bytes){s->text.v, s->text.nr};
	return rc;
}

int crfd_held_map_json(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	crfd_held h = read_held(r);
	int rc;

	(void)s;
	if (!is_mapped(&h))
		return crfd_text_put(out, "null");
	rc = crfd_text_put(out, "{\"prot\": \"");
	if (rc >= 0)
		rc = put_prot(h.prot, out);
	return rc < 0 ? rc : crfd_text_printf(out, "\", \"mappings\": %u, \"bytes\": %llu}", h.mappings, (unsigned long long)h.bytes);
}

int crfd_held_slot(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_held h = read_held(r);

	(void)c, (void)s;
	return r->holding && h.fd >= 0 && h.slot != CRFD_HELD_ALL ? crfd_value_number(v, h.slot) : 0;
}
