/* SPDX-License-Identifier: MIT */
/*
 * Batches to bytes: the records about the image. Each byte is summed once: a section's CRC while it is written, the
 * image's by combining the sections'.
 */
#include "image/encode.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/crc32c.h"
#include "base/clock.h"
#include "format/record.h"

crfd_encoder *crfd_encoder_new(int rfc)
{
	crfd_encoder *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	e->rfc = rfc;
	e->tables = crfd_objrefs_new();
	if (!e->tables) {
		free(e);
		return NULL;
	}
	return e;
}

void crfd_encoder_free(crfd_encoder *e)
{
	if (!e)
		return;
	crfd_objrefs_free(e->tables);
	crfd_buf_release(&e->index);
	crfd_buf_release(&e->held);
	free(e);
}

void crfd_encoder_stats(const crfd_encoder *e, crfd_image_stats *out)
{
	*out = e->stats;
}

void crfd_encoder_sum(crfd_encoder *e, const crfd_buf *out, size_t nr)
{
	e->crc = crfd_crc32c(e->crc, out->v + nr, out->nr - nr);
	e->offset += out->nr - nr;
	e->stats.bytes = e->offset;
}

int crfd_encode_head(crfd_encoder *e, int backend, int image_flags, crfd_buf *out)
{
	crfd_head head = {.magic = CRFD_HEAD_MAGIC, .rev = CRFD_REV, .flags = CRFD_HEAD_CHECKPOINT};
	crfd_image_info info = {.revision = 1, .backend = (uint16_t)backend, .flags = (uint16_t)image_flags};
	unsigned int major = 0, minor = 0, patch = 0;
	size_t nr = out->nr;
	struct utsname u;
	int rc;

	if (uname(&u) < 0)
		return -errno;
	(void)sscanf(u.release, "%u.%u.%u", &major, &minor, &patch);
	head.major = (uint16_t)major;
	head.minor = (uint16_t)minor;
	head.patch = (uint16_t)patch;
	head.time = (uint64_t)time(NULL);
	memcpy(head.release, u.release, strnlen(u.release, sizeof(head.release) - 1));
	memcpy(head.version, u.version, strnlen(u.version, sizeof(head.version) - 1));
	memcpy(head.machine, u.machine, strnlen(u.machine, sizeof(head.machine) - 1));
	if (!e->rfc)
		head.flags |= CRFD_HEAD_EXTENDED;
	rc = crfd_buf_rec(out, CRFD_REC_HEAD, 0, &head, sizeof(head));
	if (rc < 0)
		return rc;
	if (!e->rfc) {
		info.clk_tck = (uint32_t)sysconf(_SC_CLK_TCK);
		info.boot_time = crfd_boot_time();
		rc = crfd_buf_rec(out, CRFD_REC_IMAGE_INFO, 0, &info, sizeof(info));
		if (rc < 0)
			return rc;
	}
	crfd_encoder_sum(e, out, nr);
	return 0;
}

static int put_about_image(crfd_encoder *e, int type, const void *v, size_t n, size_t entry, crfd_buf *out)
{
	size_t nr = out->nr;
	int rc = e->rfc ? 0 : crfd_buf_recs(out, type, 0, v, n * entry, entry);

	if (rc >= 0)
		crfd_encoder_sum(e, out, nr);
	return rc;
}

int crfd_encode_still(crfd_encoder *e, const crfd_still *still, size_t n, crfd_buf *out)
{
	return put_about_image(e, CRFD_REC_STILL, still, n, sizeof(*still), out);
}

int crfd_encode_lock_waits(crfd_encoder *e, const crfd_lock_wait *waits, size_t n, crfd_buf *out)
{
	return put_about_image(e, CRFD_REC_LOCK_WAIT, waits, n, sizeof(*waits), out);
}

int crfd_encode_held_objrefs(crfd_encoder *e, const crfd_objrefs *t, crfd_buf *out)
{
	crfd_buf found = {0};
	int rc = 0;

	for (size_t i = 0; i < e->held.nr && rc >= 0; i += sizeof(crfd_batch_held)) {
		crfd_held_objref one;
		crfd_batch_held h;

		memcpy(&h, e->held.v + i, sizeof(h));
		one = (crfd_held_objref){.pid = h.pid, .fd = h.fd, .slot = h.slot, .objref = crfd_objrefs_get(t, h.ident)};
		if (one.objref)
			rc = crfd_buf_put(&found, &one, sizeof(one));
	}
	if (rc >= 0 && found.nr)
		rc = put_about_image(e, CRFD_REC_HELD_OBJREF, found.v, found.nr / sizeof(crfd_held_objref),
				     sizeof(crfd_held_objref), out);
	crfd_buf_release(&found);
	return rc;
}

static int put_sums(crfd_encoder *e, crfd_buf *out)
{
	crfd_image_sum sum = {.index_offset = e->offset, .nfds = e->stats.nfds, .ntasks = e->stats.ntasks,
			      .nobjrefs = e->stats.nobjrefs, .index_crc = crfd_crc32c(0, e->index.v, e->index.nr)};
	crfd_rec h = {.type = CRFD_REC_IMAGE_SUM, .len = sizeof(sum)};
	size_t nr = out->nr;
	int rc = crfd_buf_recs(out, CRFD_REC_INDEX, 0, e->index.v, e->index.nr, sizeof(crfd_index_entry));

	if (rc < 0)
		return rc;
	crfd_encoder_sum(e, out, nr);
	sum.crc = crfd_crc32c(e->crc, (const uint8_t *)&h, sizeof(h));
	sum.crc = crfd_crc32c(sum.crc, (const uint8_t *)&sum, offsetof(crfd_image_sum, crc));
	return crfd_buf_rec(out, h.type, 0, &sum, sizeof(sum));
}

int crfd_encode_tail(crfd_encoder *e, crfd_buf *out)
{
	crfd_tail tail = {.magic = CRFD_TAIL_MAGIC};
	size_t nr = out->nr;
	int rc = e->rfc ? 0 : put_sums(e, out);

	if (rc >= 0)
		rc = crfd_buf_rec(out, CRFD_REC_TAIL, 0, &tail, sizeof(tail));
	if (rc >= 0)
		e->stats.bytes = e->offset + out->nr - nr;
	return rc;
}
