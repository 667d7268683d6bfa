/* SPDX-License-Identifier: MIT */
#include "procfs/mount_table.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/ours.h"
#include "format/record.h"
#include "procfs/mountinfo.h"
#include "procfs/read.h"
#include "procfs/task_records.h"

void crfd_mount_table_release(struct crfd_mount_table *m)
{
	free(m->v);
	free(m->wanted);
	crfd_buf_release(&m->recs);
	crfd_buf_release(&m->scratch);
}

/* Finds what is known of a mount, also that a namespace does not list it. */
static const struct crfd_mount_told *find(const struct crfd_mount_table *m, int32_t mnt_id, uint64_t ns)
{
	for (size_t i = m->nr; i--;)
		if (m->v[i].mnt_id == mnt_id && (m->v[i].rec.len || m->v[i].ns == ns))
			return &m->v[i];
	return NULL;
}

static int want(struct crfd_mount_table *m, int32_t mnt_id)
{
	int rc;

	for (size_t i = m->nwanted; i--;)
		if (m->wanted[i] == mnt_id)
			return 0;
	rc = crfd_grow(&m->wanted, &m->wanted_alloc, m->nwanted + 1, sizeof(*m->wanted));
	if (rc == 0)
		m->wanted[m->nwanted++] = mnt_id;
	return rc;
}

/* The kernel's own mounts, of pipes and their like, are listed nowhere: what is on them has no path. */
static int want_all(struct crfd_mount_table *m, const crfd_batch *b, const crfd_task *t)
{
	const uint32_t need = CRFD_HAS_MNT_ID | CRFD_HAS_PATH;
	int rc = 0;

	m->nwanted = 0;
	for (uint64_t i = t->first; i < t->first + t->nfds && rc >= 0; i++) {
		const crfd_fd *f = &b->fd[i];
		int named = !f->failed && (f->st.known & need) == need && b->text.v[f->name.off] == '/';

		if (named && f->kind != CRFD_KIND_MEMFD && f->kind != CRFD_KIND_SECRETMEM && f->kind != CRFD_KIND_DMABUF)
			rc = want(m, f->st.mnt_id);
	}
	return rc;
}

/* The record is type and source, each with a NUL, behind the fixed fields. A line too long for one is no mount of ours. */
static int put_record(struct crfd_mount_table *m, const struct crfd_mount *found, crfd_span *out)
{
	crfd_task_mount r = {.mnt_id = found->id, .dev = found->dev};
	size_t len = sizeof(r) + found->type_len + 1 + found->source_len + 1;
	crfd_rec h = {.type = CRFD_REC_TASK_MOUNT, .len = (int16_t)len};

	if (len > CRFD_REC_MAX)
		return 0;
	*out = (crfd_span){.off = m->recs.nr, .len = (uint32_t)(sizeof(h) + len)};
	crfd_buf_put(&m->recs, &h, sizeof(h));
	crfd_buf_put(&m->recs, &r, sizeof(r));
	crfd_buf_put(&m->recs, found->type, found->type_len);
	crfd_buf_put(&m->recs, "", 1);
	crfd_mountinfo_unescape(found->source, found->source_len, &m->recs);
	if (crfd_buf_put(&m->recs, "", 1) < 0)
		return m->recs.failed;
	out->len = (uint32_t)(m->recs.nr - out->off);
	h.len = (int16_t)(out->len - sizeof(h));
	memcpy(m->recs.v + out->off, &h, sizeof(h));
	return 0;
}

static int learn(struct crfd_mount_table *m, int32_t mnt_id, uint64_t ns)
{
	struct crfd_mount_told told = {.mnt_id = mnt_id, .ns = ns};
	struct crfd_mount found;
	int rc = crfd_grow(&m->v, &m->alloc, m->nr + 1, sizeof(*m->v));

	if (rc == 0 && crfd_mountinfo_find((const char *)m->scratch.v, m->scratch.nr, mnt_id, &found))
		rc = put_record(m, &found, &told.rec);
	if (rc == 0)
		m->v[m->nr++] = told;
	return rc;
}

static int put_one(struct crfd_mount_table *m, int32_t mnt_id, uint64_t ns, uint32_t pid, int *read, crfd_buf *out)
{
	const struct crfd_mount_told *told = find(m, mnt_id, ns);
	int rc = 0;

	if (!told && !*read) {
		rc = crfd_proc_read(AT_FDCWD, crfd_proc_path((int32_t)pid, "mountinfo", -1).v, 1, &m->scratch);
		*read = rc < 0 ? -1 : 1;
		if (crfd_is_ours(rc))
			return rc;
	}
	if (!told && *read > 0) {
		rc = learn(m, mnt_id, ns);
		told = rc < 0 ? NULL : &m->v[m->nr - 1];
	}
	if (rc >= 0 && told && told->rec.len)
		rc = crfd_buf_put(out, m->recs.v + told->rec.off, told->rec.len);
	return crfd_is_ours(rc) ? rc : 0;
}

int crfd_task_mounts(struct crfd_mount_table *m, crfd_batch *b, crfd_task *t)
{
	uint64_t ns = crfd_task_mnt_ns(b, t);
	int rc = want_all(m, b, t), read = 0;

	if (!t->ext.len)
		t->ext.off = b->text.nr;
	for (size_t i = 0; i < m->nwanted && rc >= 0; i++)
		rc = put_one(m, m->wanted[i], ns, t->info.pid, &read, &b->text);
	return rc < 0 ? rc : crfd_task_extend(&b->text, &t->ext);
}
