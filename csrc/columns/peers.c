/* SPDX-License-Identifier: MIT */
/*
 * Ends by what they are known by, made when the first row is asked for its peer:
 *
 *   a row ── ends of its own ──▶ who holds them        ends that it is connected with ──▶ whoever was noted there
 */
#include "columns/peers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "columns/socket.h"

struct crfd_known_end {
	struct crfd_end end;
	struct crfd_holder holder[2]; /* of different processes: whoever asks may be the one */
};

static size_t pipe_ends(const struct crfd_row *r, int others, struct crfd_end *out)
{
	uint32_t want = CRFD_HAS_DEV | CRFD_HAS_INO;
	size_t n = 0;

	if ((r->st.known & want) != want)
		return 0;
	for (uint32_t one = FMODE_READ; one <= FMODE_WRITE; one++)
		if (r->st.f_mode & one)
			out[n++] = (struct crfd_end){.kind = r->data.fd_type, .dev = r->st.dev, .ino = r->st.ino,
						     .which = others ? FMODE_READ + FMODE_WRITE - one : one};
	return n;
}

/* The ends that a row is, or those that it is connected with; how many. */
static size_t ends_of(const struct crfd_row *r, int others, struct crfd_end *out)
{
	if (!r->is_read || r->held)
		return 0;
	switch (r->data.fd_type) {
	case CRFD_KIND_PIPE:
	case CRFD_KIND_FIFO:
		return pipe_ends(r, others, out);
	case CRFD_KIND_SOCKET:
		return crfd_socket_end(r, others, out);
	default:
		return 0;
	}
}

/* FNV-1a, of eight bytes at a time. */
static size_t hash(const struct crfd_end *end)
{
	uint64_t h = 0xcbf29ce484222325, word;

	for (size_t i = 0; i < sizeof(*end); i += sizeof(word)) {
		memcpy(&word, (const uint8_t *)end + i, sizeof(word));
		h = (h ^ word) * 0x100000001b3;
		h ^= h >> 29;
	}
	return (size_t)h;
}

/* The slot of an end, or the free one that it belongs into. */
static uint32_t *find(const struct crfd_peers *p, const struct crfd_end *end)
{
	for (size_t i = hash(end);; i++) {
		uint32_t *slot = &p->slot[i & (p->nslots - 1)];

		if (!*slot || !memcmp(&p->known[*slot - 1].end, end, sizeof(*end)))
			return slot;
	}
}

/* Room for an end more; at most half of the slots are taken. */
static int grow(struct crfd_peers *p)
{
	size_t n = p->nslots ? 2 * p->nslots : 64;
	int rc = crfd_grow(&p->known, &p->alloc, p->nr + 1, sizeof(*p->known));
	uint32_t *slot;

	if (rc < 0 || p->nr * 2 < p->nslots)
		return rc < 0 ? rc : 0;
	slot = calloc(n, sizeof(*slot));
	if (!slot)
		return -ENOMEM;
	free(p->slot);
	p->slot = slot;
	p->nslots = n;
	for (size_t i = 0; i < p->nr; i++)
		*find(p, &p->known[i].end) = (uint32_t)i + 1;
	return 0;
}

static void add_holder(struct crfd_known_end *known, const struct crfd_row_task *task)
{
	for (size_t i = 0; i < CRFD_LEN(known->holder); i++) {
		struct crfd_holder *h = &known->holder[i];

		if (h->pid == task->info.pid)
			return;
		if (h->pid)
			continue;
		h->pid = task->info.pid;
		memcpy(h->comm, task->comm, sizeof(h->comm));
		return;
	}
}

int crfd_peers_note(struct crfd_peers *p, const struct crfd_row *r)
{
	struct crfd_end end[CRFD_ENDS];
	size_t n = ends_of(r, 0, end);

	for (size_t i = 0; i < n; i++) {
		int rc = grow(p);
		uint32_t *slot;

		if (rc < 0)
			return rc;
		slot = find(p, &end[i]);
		if (!*slot) {
			p->known[p->nr++] = (struct crfd_known_end){.end = end[i]};
			*slot = (uint32_t)p->nr;
		}
		add_holder(&p->known[*slot - 1], r->task);
	}
	return 0;
}

void crfd_peers_release(struct crfd_peers *p)
{
	free(p->known);
	free(p->slot);
}

/* The first holder of an end that is not the row's own process, or that one; NULL: nobody. */
static const struct crfd_holder *holder_of(const struct crfd_peers *p, const struct crfd_end *end, size_t n, uint32_t own)
{
	const struct crfd_holder *found = NULL;

	for (size_t i = 0; i < n && p->nslots; i++) {
		uint32_t slot = *find(p, &end[i]);

		for (size_t k = 0; slot && k < CRFD_LEN(p->known->holder); k++) {
			const struct crfd_holder *h = &p->known[slot - 1].holder[k];

			if (h->pid && h->pid != own)
				return h;
			found = h->pid ? h : found;
		}
	}
	return found;
}

/* *out is NULL where there is none. 0 or -ENOMEM. */
static int find_peer(const struct crfd_row *r, const struct crfd_holder **out)
{
	struct crfd_peers *p = r->peers;
	struct crfd_end end[CRFD_ENDS];
	size_t n = p ? ends_of(r, 1, end) : 0;
	int rc = n && !p->is_filled ? p->fill(p) : 0;

	*out = NULL;
	if (rc < 0 || !n)
		return rc;
	p->is_filled = 1;
	*out = holder_of(p, end, n, r->task->info.pid);
	return 0;
}

int crfd_peer_pid(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const struct crfd_holder *h;
	int rc = find_peer(r, &h);

	(void)c, (void)s;
	return h ? crfd_value_number(v, h->pid) : rc;
}

int crfd_peer_comm(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const struct crfd_holder *h;
	int rc = find_peer(r, &h);

	(void)c, (void)s;
	return h ? crfd_value_text(v, (const uint8_t *)h->comm, strnlen(h->comm, sizeof(h->comm))) : rc;
}
