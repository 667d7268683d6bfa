/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * Files that lie within another one: sent to a unix socket and not received yet, also where the connection waits to be accepted, or
 * registered in an io_uring.
 *
 *   slot → file → sock → queue[0]: message → message → …          of a listener: connections
 *                                    |          sk → queue[1]: message → …
 *                                    list: file, file, …
 *
 * Nothing is locked. So a record is proved as those of record.bpf.h are, and besides: what led to the file is read once more behind
 * it, from the file back to the slot, and must lead there still. A message is in its queue where its neighbours say so, and it
 * stands behind the one that it stood behind, or first. Whoever receives a file takes the list off its message before anything else
 * (net/core/scm.c, scm_detach_fds(); net/unix/af_unix.c, unix_detach_fds()).
 */
#ifndef CRFD_INSIDE_H
#define CRFD_INSIDE_H

#include "tables.bpf.h"

#define STEPS_A_RUN 65536 /* as SLOTS_A_RUN */
#define FILES_MAX (1 << 20) /* of one place: nobody who sends on and on keeps us */
#define SCM_MAX_FD 253 /* net/scm.h */
#define FILE_BITS 7 /* of file_ptr: io_uring has flags there */

struct queue {
	__u64 head, prev, message;
};

struct {
	__u64 place; /* the socket's or ring's file, 0: none is being read */
	__u64 ring; /* 0: it is a socket */
	struct queue queue[2];
	__u64 list; /* of files: of a message, or of the ring */
	__u64 sought; /* a message, 0: found */
	__u32 level; /* queue[level] is read */
	__u32 listens;
	__u32 at, nr; /* in the list */
	__u32 told; /* files of the place */
	__u32 over, pad;
	__u64 task; /* number of the task among those that were looked at */
} inside;

#define SEEN_BITS 10

/* Sockets and rings that a task has at a lower number already. One may be forgotten for another. */
struct {
	__u64 place, task;
} seen[1 << SEEN_BITS];

#if WALK_CAST
static __always_inline __u64 list_of(__u64 message)
{
	__u64 cb = message + bpf_core_field_offset(struct sk_buff, cb);
	struct scm_fp_list *list = AS(unix_skb_parms, cb)->fp;

	return list && list->max == SCM_MAX_FD ? number_of(list) : 0;
}

static __always_inline __u64 receive_queue(struct sock *sk)
{
	return number_of(sk) + bpf_core_field_offset(struct sock, sk_receive_queue);
}

static __always_inline __u64 next_of(__u64 message)
{
	return number_of(AS(sk_buff, message)->next);
}

static __always_inline __u64 prev_of(__u64 message)
{
	return number_of(AS(sk_buff, message)->prev);
}

static __always_inline int is_queued(const struct queue *q)
{
	__u64 prev = prev_of(q->message), next = next_of(q->message);

	return next && (prev == q->prev || prev == q->head) && next_of(prev) == q->message && prev_of(next) == q->message;
}

/* The table of a ring's files. */
static __always_inline __u64 ring_list(__u64 ring)
{
	struct io_ring_ctx *ctx = AS(io_ring_ctx, ring);
	struct io_ring_ctx___flat *flat = (void *)ctx;

	if (bpf_core_field_exists(ctx->file_table.data.nodes))
		return number_of(ctx->file_table.data.nodes);
	return bpf_core_field_exists(flat->file_table.files) ? number_of(flat->file_table.files) : 0;
}

static __always_inline __u32 ring_nr(__u64 ring)
{
	struct io_ring_ctx *ctx = AS(io_ring_ctx, ring);
	struct io_ring_ctx___flat *flat = (void *)ctx;

	if (bpf_core_field_exists(ctx->file_table.data.nodes))
		return ctx->file_table.data.nr;
	return bpf_core_field_exists(flat->nr_user_files) ? flat->nr_user_files : 0;
}

static __always_inline __u64 ring_file(void)
{
	struct io_ring_ctx *ctx = 0;
	__u64 node;

	if (bpf_core_field_exists(ctx->file_table.data.nodes)) {
		node = word_at(inside.list + (__u64)inside.at * 8);
		return node ? AS(io_rsrc_node, node)->file_ptr & ~FILE_BITS : 0;
	}
	return AS(io_fixed_file, inside.list + inside.at * bpf_core_type_size(struct io_fixed_file))->file_ptr & ~FILE_BITS;
}

static __always_inline __u64 file_inside(void)
{
	if (inside.ring)
		return ring_file();
	return word_at(inside.list + bpf_core_field_offset(struct scm_fp_list, fp) + (__u64)inside.at * 8);
}

/* Returns 1 where what led to the list leads there still. */
static __always_inline int is_inside(void)
{
	if (inside.ring)
		return ring_list(inside.ring) == inside.list && word_at(pass.slots + (__u64)pass.next * 8) == inside.place;
	return list_of(inside.queue[inside.level & 1].message) == inside.list && is_queued(&inside.queue[inside.level & 1]) &&
	       (!inside.level || is_queued(&inside.queue[0])) && word_at(pass.slots + (__u64)pass.next * 8) == inside.place;
}

static __always_inline void begin_queue(__u32 level, struct sock *sk)
{
	struct queue *q = &inside.queue[level & 1];

	inside.level = level;
	q->head = q->prev = receive_queue(sk);
	q->message = next_of(q->head);
}

/* Finds what the message at the front has: files, or a connection with a queue of its own. */
static __always_inline void enter(void)
{
	struct queue *q = &inside.queue[inside.level & 1];

	inside.at = inside.nr = 0;
	inside.list = 0;
	if (!q->message || q->message == q->head)
		return;
	if (inside.listens && !inside.level) {
		begin_queue(1, AS(sk_buff, q->message)->sk);
		q = &inside.queue[1];
		if (!q->message || q->message == q->head)
			return;
	}
	inside.list = list_of(q->message);
	inside.nr = inside.list ? AS(scm_fp_list, inside.list)->count : 0;
	inside.nr = inside.nr <= SCM_MAX_FD ? inside.nr : 0;
}

static long step_seek(__u64 i, void *unused)
{
	struct queue *q = &inside.queue[inside.level & 1];

	(void)i;
	(void)unused;
	if (q->message == inside.sought)
		inside.sought = 0;
	if (!inside.sought || !q->message || q->message == q->head)
		return 1;
	q->prev = q->message;
	q->message = next_of(q->message);
	return 0;
}

static __always_inline void leave(void)
{
	inside.place = 0;
	pass.next++;
}

/* Finds the message once more from the front: 1; 0: it has been received, as all before it were, and the first is the next. */
static __always_inline int seek(__u32 level)
{
	struct queue *q = &inside.queue[level & 1];

	inside.level = level;
	inside.sought = q->message;
	q->prev = q->head;
	q->message = next_of(q->head);
	bpf_loop(STEPS_A_RUN, step_seek, (void *)0, 0);
	if (!inside.sought)
		return 1;
	if (q->message && q->message != q->head) { /* it is too long to be sought in */
		q->message = 0;
		inside.told = FILES_MAX;
	} else {
		q->prev = q->head;
		q->message = next_of(q->head);
	}
	return 0;
}

/* Goes on where it was, after others may have changed the queues; a message whose list is another one is read from its front. */
static __always_inline void go_on(void)
{
	__u64 list = inside.list;
	__u32 level = inside.level;
	int same;

	if (inside.ring) {
		inside.list = ring_list(inside.ring);
		inside.nr = ring_nr(inside.ring);
		return;
	}
	same = seek(0);
	if (same && level)
		same = seek(1);
	if (!same)
		enter();
	else if (list_of(inside.queue[inside.level & 1].message) != list)
		inside.at = inside.nr = 0;
}

static __always_inline int is_seen(__u64 place)
{
	__u64 i = place * 0x9e3779b97f4a7c15 >> (64 - SEEN_BITS);

	if (seen[i].place == place && seen[i].task == inside.task)
		return 1;
	seen[i].place = place;
	seen[i].task = inside.task;
	return 0;
}

/* Takes the file in a slot for one that has others in it, if it has. */
static __always_inline void open_place(__u64 address)
{
	struct file *file = AS(file, address);
	__u64 data = number_of(file->private_data);
	struct sock *sk = sock_of(file);

	inside.told = inside.at = inside.nr = inside.level = inside.ring = 0;
	if (is_ring(file) && !is_seen(address)) {
		inside.ring = data;
		inside.list = ring_list(data);
		inside.nr = ring_nr(data);
		inside.place = address;
		return;
	}
	if (!sk || !has_files(sk) || is_seen(address))
		return;
	inside.listens = sk->__sk_common.skc_state == TCP_LISTEN;
	inside.place = address;
	begin_queue(0, sk);
	enter();
}

/* Leaves a place of which the rest cannot be told, and says so. */
static __always_inline void give_up(void)
{
	struct walk_fd *r = out_at(walk_ask.used);

	if (!r)
		return;
	__builtin_memset(r, 0, sizeof(*r));
	r->tid = pass.tid;
	r->fd = pass.next;
	r->start = pass.start;
	r->bits = inside.ring ? WALK_IN_RING : 0;
	r->len = sizeof(*r);
	walk_ask.used += sizeof(*r);
	pass.tries = 0;
	leave();
}

static __always_inline void try_again(void)
{
	if (++pass.tries <= TRIES)
		go_on();
	else
		give_up();
}

/* Leaves a message behind. */
static __always_inline void pass_message(void)
{
	struct queue *q = &inside.queue[inside.level & 1];

	if (inside.level && (!q->message || q->message == q->head)) {
		inside.level = 0;
		q = &inside.queue[0];
	}
	if (inside.ring || !q->message || q->message == q->head) {
		leave();
		return;
	}
	if (!is_queued(q)) {
		try_again();
		return;
	}
	pass.tries = 0;
	q->prev = q->message;
	q->message = next_of(q->message);
	enter();
}

/* Not static: verified once. The record of the file at that address, at byte at of the memory: its length, 0: it is not one. */
__noinline int put_inside(__u64 address, __u64 at)
{
	struct file *file = AS(file, address);
	struct walk_fd *r = out_at(at);
	struct life life;
	__u64 began = bpf_ktime_get_ns();

	if (!r)
		return 0;
	read_life(file, &life);
	BARRIER();
	put_facts(address, at);
	r->tid = pass.tid;
	r->fd = pass.next;
	r->version = inside.ring ? inside.at : inside.told;
	r->start = pass.start;
	r->bits |= inside.ring ? WALK_IN_RING : 0;
	put_text(address, at);
	r->len = sizeof(*r) + (r->path > 0 ? (r->path + 7) & ~7 : 0);
	BARRIER();
	if (!is_same(file, &life) || file_inside() != address || !is_inside() || !is_own_table() ||
	    bpf_ktime_get_ns() - began > RECORD_NS)
		return 0;
	return r->len;
}

static long step_inside(__u64 i, void *unused)
{
	__u64 address;
	int len;

	(void)i;
	(void)unused;
	if (walk_ask.used > WALK_ROOM || (inside.over = !inside.place && pass.next >= pass.max))
		return 1;
	if (!inside.place) {
		address = word_at(pass.slots + (__u64)pass.next * 8);
		if (address)
			open_place(address);
		pass.next += !inside.place;
		return 0;
	}
	if (inside.told >= FILES_MAX) {
		give_up();
		return 0;
	}
	if (inside.at >= inside.nr) {
		pass_message();
		return 0;
	}
	address = file_inside();
	len = address ? put_inside(address, walk_ask.used) : 0;
	if (address && !len) {
		reads++; /* the directory that it left behind is none */
		try_again();
		return 0;
	}
	walk_ask.used += len;
	inside.told += !!address;
	inside.at++;
	pass.tries = 0;
	return 0;
}

/* A task that was asked for, or what is left of it: 0 where it has to be given once more. */
static __always_inline int look_inside(struct task_struct *task)
{
	pass.task = number_of(task);
	pass.start = task->start_boottime;
	if (!take_table(task))
		return 0;
	if (walk_ask.at_tid != pass.tid || walk_ask.at_start != pass.start) {
		walk_ask.at_tid = pass.tid;
		walk_ask.at_start = pass.start;
		pass.next = pass.tries = pass.unable = 0;
		inside.place = 0;
		inside.task++;
	} else if (inside.place && word_at(pass.slots + (__u64)pass.next * 8) == inside.place) {
		go_on();
	} else {
		inside.place = 0;
	}
	inside.over = 0;
	bpf_loop(STEPS_A_RUN, step_inside, (void *)0, 0);
	if (!inside.over || !put_end(1))
		return 0;
	walk_ask.at_tid = 0;
	return 1;
}
#endif

#endif
