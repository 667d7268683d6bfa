/* SPDX-License-Identifier: MIT */
#include <errno.h>

#include "base/buf.h"
#include "identity/identity.h"
#include "scan_proc/look.h"

/* Gathers what the description says beside its fdinfo's first lines, puts it behind its name, and makes the key. */
static int keep(struct crfd_proc_look *k, crfd_socket *socket, uint64_t *key)
{
	crfd_buf *text = k->r->text, *info = &k->r->info;
	struct crfd_detail *d = &k->r->detail;
	crfd_fd *f = k->f;
	size_t from = text->nr;
	int local = 0, rc = k->len ? crfd_buf_put(text, k->r->name, k->len) : crfd_buf_put(text, "?", 1);

	if (rc < 0)
		return rc;
	f->name = (crfd_span){.off = from, .len = (uint32_t)(text->nr - from)};
	if (info->nr > INT32_MAX)
		return -EOVERFLOW;
	from = text->nr;
	crfd_detail_begin(d, f->kind);
	if (f->kind > CRFD_KIND_SYMLINK || k->info.rest < info->nr)
		rc = crfd_detail_fdinfo(d, (const char *)info->v, info->nr, k->info.rest);
	if (rc < 0)
		return rc;
	if (f->kind <= CRFD_KIND_DIR && crfd_detail_has_lease(d) && f->st.known & CRFD_HAS_MNT_ID)
		local = crfd_mount_is_local(&k->r->deleted, k->p->dir, f->st.mnt_id);
	if (local < 0)
		return local;
	rc = crfd_getfd_ask(&k->r->getfd, k->p->pid, k->p->stat.start_time, f, local, d);
	if (d->owner_told)
		f->st.known |= CRFD_HAS_SIGNALS;
	if (rc >= 0)
		rc = crfd_names_find(&k->r->names, k->p->pid, f, d);
	if (rc >= 0)
		rc = crfd_detail_put(d, text);
	if (rc < 0)
		return rc;
	if (f->kind == CRFD_KIND_SOCKET)
		*socket = d->rec.socket;
	f->ext = (crfd_span){.off = from, .len = (uint32_t)(text->nr - from)};
	*key = crfd_identity_key(k->r->inferred, k->p->pid, f, &k->info, d->id, d->id_len, k->r->name, k->len);
	return 0;
}

int crfd_proc_fd_read(struct crfd_proc_reader *r, const struct crfd_proc_task *p, crfd_batch *b, uint64_t at)
{
	crfd_fd *f = &b->fd[at];
	struct crfd_proc_look k = {.r = r, .p = p, .f = f};
	int rc;

	if (crfd_proc_long_recall(r, p, b, at))
		return 0;
	b->ident[at] = 0;
	rc = crfd_proc_look(&k);
	if (rc < 0 || f->fd < 0 || f->failed)
		return rc;
	rc = keep(&k, &b->socket[at], &b->ident[at]);
	if (rc >= 0)
		crfd_proc_long_note(r, p, at, f);
	return rc;
}
