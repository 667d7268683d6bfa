/* SPDX-License-Identifier: MIT */
#include "kinds/detail.h"

#include <string.h>

#include "base/buf.h"
#include "format/record.h"

void crfd_detail_begin(struct crfd_detail *d, int kind)
{
	const struct crfd_kind_ops *last = d->ops;

	memset(d, 0, offsetof(struct crfd_detail, locks));
	crfd_buf_clear(&d->locks);
	crfd_buf_clear(&d->entries);
	crfd_buf_clear(&d->more);
	d->name.len = d->peer.len = 0;
	d->ops = last && last->kind == kind ? last : crfd_kind_find(kind); /* most are like the one before */
	if (d->ops) {
		d->type = d->ops->type;
		d->size = d->ops->size;
	}
}

void crfd_detail_release(struct crfd_detail *d)
{
	crfd_buf_release(&d->locks);
	crfd_buf_release(&d->entries);
	crfd_buf_release(&d->more);
}

static int take_line(struct crfd_detail *d, const struct crfd_line *l)
{
	const struct crfd_kind_ops *ops = d->ops;
	int rc;

	if (crfd_line_is(l, "lock"))
		return crfd_detail_lock(d, l);
	if (!ops)
		return 0;
	if (ops->id_key && !d->id && crfd_line_is(l, ops->id_key)) {
		d->id = l->p;
		d->id_len = (size_t)(l->end - l->p);
	}
	rc = crfd_line_number(d, l);
	return !rc && ops->line ? ops->line(d, l) : rc;
}

int crfd_detail_fdinfo(struct crfd_detail *d, const char *text, size_t n, size_t rest)
{
	const char *p = text + rest;
	struct crfd_line l;

	d->text = text;
	d->text_len = n;
	while (crfd_line_next(&p, text + n, &l)) {
		int rc = take_line(d, &l);

		if (rc < 0)
			return rc;
		d->part |= !rc;
	}
	d->told = 1;
	return 0;
}

/* Returns 1 where enough is known for a record of the kind, or -ENOMEM. */
static int complete(struct crfd_detail *d)
{
	if (!d->ops || d->broken || !d->known || (d->known & d->ops->needs) != d->ops->needs)
		return 0;
	return d->ops->end ? d->ops->end(d) : 1;
}

/* An array without an entry says that there is none. */
static int put_entries(const struct crfd_detail *d, crfd_buf *out)
{
	const struct crfd_kind_ops *ops = d->ops;

	if (!ops || !ops->entries)
		return 0;
	if (!d->entries.nr && !ops->type && d->told && !d->known)
		return crfd_buf_rec(out, ops->entries, 0, NULL, 0);
	return crfd_buf_recs(out, ops->entries, 0, d->entries.v, d->entries.nr, ops->entry);
}

static int put_text(const struct crfd_detail *d, int has_record, crfd_buf *out)
{
	enum crfd_text text = d->ops ? d->ops->text : CRFD_TEXT_KEPT;

	if (!d->part && text != CRFD_TEXT_KEPT && (text != CRFD_TEXT_TELLS || has_record))
		return 0;
	return crfd_buf_recs(out, CRFD_REC_FDINFO, 0, d->text, d->text_len, 1);
}

int crfd_detail_put(struct crfd_detail *d, crfd_buf *out)
{
	int has_record = complete(d), rc = has_record < 0 ? has_record : 0;

	if (rc >= 0 && d->locks.nr)
		rc = crfd_buf_recs(out, CRFD_REC_LOCK, 0, d->locks.v, d->locks.nr, sizeof(crfd_lock));
	if (rc >= 0 && has_record && d->type)
		rc = crfd_buf_rec(out, d->type, 0, &d->rec, d->size);
	if (rc >= 0)
		rc = put_entries(d, out);
	if (rc >= 0 && d->more.nr && !d->broken)
		rc = crfd_buf_put(out, d->more.v, d->more.nr);
	if (rc >= 0 && d->name.len)
		rc = crfd_buf_rec(out, CRFD_REC_SOCK_NAME, 0, d->name.v, d->name.len);
	if (rc >= 0 && d->peer.len)
		rc = crfd_buf_rec(out, CRFD_REC_SOCK_PEER, 0, d->peer.v, d->peer.len);
	if (rc >= 0)
		rc = put_text(d, has_record, out);
	if (rc >= 0 && d->owned)
		rc = crfd_buf_rec(out, CRFD_REC_OWNER, 0, &d->owner, sizeof(d->owner));
	return rc;
}
