/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include "identity/kcmptree.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buf.h"

enum { LESS = 1, GREATER = 2 }; /* what kcmp(2) answers */

struct search {
	struct crfd_kcmptree *t;
	struct crfd_kcmptree_node *self;
	uint32_t number; /* of self in, of the member out */
	int again; /* a member was taken out: only one in a descent, so that no height changes by more than one */
	int rc;
};

static int kcmp(int type, const struct crfd_kcmptree_node *a, const struct crfd_kcmptree_node *b)
{
	long rc = syscall(SYS_kcmp, a->pid, b->pid, type, (unsigned long)a->fd, (unsigned long)b->fd);

	return rc < 0 ? -errno : rc > GREATER ? -EINVAL : (int)rc;
}

static uint32_t height(const struct crfd_kcmptree_node *v, uint32_t at)
{
	return at ? v[at].height : 0;
}

static void measure(struct crfd_kcmptree_node *v, uint32_t at)
{
	uint32_t l = height(v, v[at].kid[0]), r = height(v, v[at].kid[1]);

	v[at].height = (l > r ? l : r) + 1;
}

/* Lifts the kid of that side into the place of at. */
static uint32_t rotate(struct crfd_kcmptree_node *v, uint32_t at, int side)
{
	uint32_t up = v[at].kid[side];

	v[at].kid[side] = v[up].kid[!side];
	v[up].kid[!side] = at;
	measure(v, at);
	measure(v, up);
	return up;
}

static uint32_t balance(struct crfd_kcmptree_node *v, uint32_t at)
{
	uint32_t l = height(v, v[at].kid[0]), r = height(v, v[at].kid[1]), deep;
	int side = r > l;

	if (l <= r + 1 && r <= l + 1) {
		measure(v, at);
		return at;
	}
	deep = v[at].kid[side];
	if (height(v, v[deep].kid[!side]) > height(v, v[deep].kid[side]))
		v[at].kid[side] = rotate(v, deep, !side);
	return rotate(v, at, side);
}

static uint32_t take_least(struct crfd_kcmptree_node *v, uint32_t at, uint32_t *least)
{
	if (!v[at].kid[0]) {
		*least = at;
		return v[at].kid[1];
	}
	v[at].kid[0] = take_least(v, v[at].kid[0], least);
	return balance(v, at);
}

/* Takes a node out, and returns the one that stands in its place. */
static uint32_t take_out(struct crfd_kcmptree_node *v, uint32_t at)
{
	uint32_t l = v[at].kid[0], r = v[at].kid[1], least;

	if (!r)
		return l;
	r = take_least(v, r, &least);
	v[least].kid[0] = l;
	v[least].kid[1] = r;
	return balance(v, least);
}

/* Errors after which a look at self alone tells whose they are. */
static int is_gone(int rc)
{
	return rc == -ESRCH || rc == -EBADF;
}

static uint32_t insert(struct search *s, uint32_t at)
{
	struct crfd_kcmptree_node *v = s->t->v;
	int order, side;

	if (!at)
		return s->number;
	order = kcmp(s->t->type, s->self, &v[at]);
	if (is_gone(order) && kcmp(s->t->type, s->self, s->self) == 0) {
		s->again = 1;
		return take_out(v, at);
	}
	if (order < 0)
		s->rc = order;
	if (order == 0)
		s->number = at;
	if (order <= 0)
		return at;
	side = order == GREATER;
	v[at].kid[side] = insert(s, v[at].kid[side]);
	return balance(v, at);
}

int crfd_kcmptree_add(struct crfd_kcmptree *t, uint32_t *root, uint32_t hash, int32_t pid, int32_t fd, uint32_t *member)
{
	struct search s = {.t = t};
	size_t nr = t->nr ? t->nr : 1;
	int rc;

	if (nr >= UINT32_MAX)
		return -EOVERFLOW;
	rc = crfd_grow(&t->v, &t->alloc, nr + 1, sizeof(*t->v));
	if (rc < 0)
		return rc;
	t->nr = nr + 1;
	s.number = (uint32_t)nr;
	s.self = &t->v[nr];
	*s.self = (struct crfd_kcmptree_node){.pid = pid, .fd = fd, .hash = hash, .height = 1};
	do {
		s.again = 0;
		*root = insert(&s, *root);
	} while (s.again);
	if (s.rc < 0 || s.number != nr)
		t->nr = nr;
	if (s.rc < 0)
		return s.rc;
	*member = s.number;
	return 0;
}

void crfd_kcmptree_release(struct crfd_kcmptree *t)
{
	free(t->v);
	t->v = NULL;
	t->nr = t->alloc = 0;
}
