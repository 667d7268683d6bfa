/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/*
 * What the kinds have that are no plain files, taken as it lies there and understood out of the kernel. Each put_ fills
 * its member of the tail and says WALK_* of it, WALK_PLAIN with it where nothing is left for fdinfo to tell.
 *
 * Pointers from a file's private_data have no type, so everything behind them is a READ(), which may fail and then gives 0.
 */
#ifndef CRFD_KINDS_H
#define CRFD_KINDS_H

#include "file.bpf.h"
#include "kernel.bpf.h"
#include "out.bpf.h"
#include "read.bpf.h"
#include "walk.h"

#define PIPE_SLOTS 16 /* what a pipe has unless it was told otherwise */
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10
#define AF_NETLINK 16
#define TCP_LISTEN 10

__u64 tail_len; /* how much follows the path */

static __always_inline void put_inet(struct sock *sk, struct walk_sock *r)
{
	struct inet_sock *inet = AS(inet_sock, sk);

	r->peer_port = READ(sk, __sk_common.skc_dport);
	r->port = READ(inet, inet_sport);
	if (r->family == AF_INET6) {
		r->dev_if = READ(sk, __sk_common.skc_bound_dev_if);
		bpf_core_read(r->address, sizeof(r->address), &sk->__sk_common.skc_v6_rcv_saddr);
		bpf_core_read(r->peer_address, sizeof(r->peer_address), &sk->__sk_common.skc_v6_daddr);
		return;
	}
	r->address[0] = READ(sk, __sk_common.skc_rcv_saddr);
	if (!r->address[0])
		r->address[0] = READ(inet, inet_saddr);
	r->peer_address[0] = READ(sk, __sk_common.skc_daddr);
}

static __always_inline __u16 put_unix_name(struct unix_sock *sk, char *name)
{
	struct unix_address *address = READ(sk, addr);
	__u32 len;

	if (!address)
		return 0;
	len = READ(address, len);
	if (len > WALK_NAME_MAX)
		return 0;
	bpf_probe_read_kernel(name, WALK_NAME_MAX, (char *)address + bpf_core_field_offset(struct unix_address, name));
	return len;
}

static __always_inline __u64 inode_of(struct sock *sk)
{
	struct sock___numbered *numbered = (void *)sk;
	struct socket *socket;
	struct file *file;
	struct inode *inode;

	if (bpf_core_field_exists(numbered->sk_ino))
		return READ(numbered, sk_ino);
	socket = READ(sk, sk_socket);
	file = READ(socket, file);
	inode = READ(file, f_inode);
	return READ(inode, i_ino);
}

static __always_inline void put_listener(struct unix_sock *peer, struct walk_sock *r)
{
	struct unix_sock___listened *listened = (void *)peer;
	struct sock *listener = 0;

	if (bpf_core_field_exists(listened->listener))
		listener = READ(listened, listener);
	if (!listener)
		return;
	r->peer_ino = inode_of(listener);
	r->bits |= r->peer_ino ? WALK_SOCK_LISTENER : 0;
}

/* A listener has in flight what was sent to the sockets that wait in its queue: that is left to fdinfo. */
static __always_inline int put_unix(struct sock *sk, struct walk_unix_sock *tail)
{
	struct walk_sock *r = &tail->sock;
	struct unix_sock *u = AS(unix_sock, sk);
	struct unix_sock___counted *counted = (void *)u;
	struct sock *peer = READ(u, peer);

	r->name_len = put_unix_name(u, tail->name);
	if (peer) {
		r->bits |= WALK_SOCK_PEER;
		r->peer_ino = inode_of(peer);
		if (!r->peer_ino)
			put_listener(AS(unix_sock, peer), r);
		r->peer_name_len = put_unix_name(AS(unix_sock, peer), tail->peer_name);
	}
	if (bpf_core_field_exists(counted->inq_len)) {
		r->bits |= WALK_SOCK_BYTES;
		r->bytes = READ(counted, inq_len);
	}
	if (r->state == TCP_LISTEN && r->queued)
		return 0;
	r->bits |= WALK_SOCK_IN_FLIGHT;
	r->in_flight = READ(u, scm_stat.nr_fds.counter);
	return WALK_PLAIN;
}

/* Lines of their own in fdinfo: only unix sockets have any (net/unix/af_unix.c, unix_show_fdinfo). */
static __always_inline int put_sock(__u64 data, __u64 own_net, struct walk_unix_sock *tail)
{
	struct walk_sock *r = &tail->sock;
	struct socket *socket = AS(socket, data);
	struct sock *sk = READ(socket, sk);
	int plain = WALK_PLAIN;

	if (!sk)
		return WALK_PLAIN;
	tail_len = sizeof(*r);
	__builtin_memset(r, 0, sizeof(*r));
	r->family = READ(sk, __sk_common.skc_family);
	r->state = READ(sk, __sk_common.skc_state);
	r->type = READ(sk, sk_type);
	r->protocol = READ(sk, sk_protocol);
	r->queued = READ(sk, sk_receive_queue.qlen);
	r->read_memory = READ(sk, sk_backlog.rmem_alloc.counter);
	r->write_memory = READ(sk, sk_wmem_alloc.refs.counter);
	r->write_queued = READ(sk, sk_wmem_queued);
	r->pending = READ(sk, sk_ack_backlog);
	r->backlog = READ(sk, sk_max_ack_backlog);
	if (number_of(READ(sk, __sk_common.skc_net.net)) == own_net)
		r->bits = WALK_SOCK_OWN_NET;
	r->bits |= (READ(sk, sk_shutdown) & 3) * WALK_SOCK_NO_READING;
	if (r->family == AF_UNIX)
		plain = put_unix(sk, tail);
	else if (r->family == AF_INET || r->family == AF_INET6)
		put_inet(sk, r);
	if (!r->name_len && !r->peer_name_len)
		return WALK_SOCK | plain;
	tail_len = sizeof(*tail);
	if (!r->name_len)
		__builtin_memset(tail->name, 0, sizeof(tail->name));
	if (!r->peer_name_len)
		__builtin_memset(tail->peer_name, 0, sizeof(tail->peer_name));
	return WALK_SOCK | plain;
}

/* Counts as fs/pipe.c, pipe_ioctl() and pipe_fcntl(), but without the mutex: a writer may hold that for ever. */
static __always_inline int put_pipe(__u64 data, struct walk_pipe *r)
{
	struct pipe_inode_info *pipe = AS(pipe_inode_info, data);
	__u32 tail = READ(pipe, tail), slots = READ(pipe, head) - tail, mask = READ(pipe, ring_size) - 1;
	__u64 bufs = number_of(READ(pipe, bufs));

	tail_len = sizeof(*r);
	r->pages = READ(pipe, max_usage);
	r->readers = READ(pipe, readers);
	r->writers = READ(pipe, writers);
	r->waiting = slots > PIPE_SLOTS ? WALK_PIPE_MANY : 0;
	for (__u32 i = 0; i < PIPE_SLOTS && i < slots && slots <= PIPE_SLOTS; i++) {
		__u64 buf = bufs + (tail + i & mask) * bpf_core_type_size(struct pipe_buffer);

		r->waiting += READ(AS(pipe_buffer, buf), len);
	}
	return WALK_PIPE;
}

static __always_inline int put_eventfd(__u64 data, struct walk_eventfd *r)
{
	struct eventfd_ctx *ctx = AS(eventfd_ctx, data);

	tail_len = sizeof(*r);
	r->count = READ(ctx, count);
	r->flags = READ(ctx, flags);
	r->id = READ(ctx, id);
	return WALK_EVENTFD | WALK_PLAIN;
}

static __always_inline void put_target(struct epitem *item, struct walk_target *r)
{
	struct file *file = READ(item, ffd.file);
	struct inode *inode = READ(file, f_inode);
	struct super_block *sb = READ(inode, i_sb);

	r->fd = READ(item, ffd.fd);
	r->events = READ(item, event.events);
	r->data = READ(item, event.data);
	r->pos = READ(file, f_pos);
	r->ino = READ(inode, i_ino);
	r->dev = READ(sb, s_dev);
}

/* A tree of one is what most have; what is larger is left to fdinfo. */
static __always_inline int put_epoll(__u64 data, struct walk_epoll *r)
{
	struct eventpoll *ep = AS(eventpoll, data);
	__u64 node = number_of(READ(ep, rbr.rb_root.rb_node));
	struct epitem *item = AS(epitem, node - bpf_core_field_offset(struct epitem, rbn));

	if (node && (READ(item, rbn.rb_left) || READ(item, rbn.rb_right)))
		return 0;
	r->nr = node != 0;
	if (node)
		put_target(item, &r->target[0]);
	tail_len = sizeof(*r);
	return WALK_EPOLL | WALK_PLAIN;
}

static __always_inline int put_seals(__u64 inode, struct walk_memfd *r)
{
	struct shmem_inode_info *info = AS(shmem_inode_info, inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode));

	tail_len = sizeof(*r);
	r->pad = 0;
	r->seals = READ(info, seals);
	return WALK_SEALS;
}

#define TEXT8(a, b, c, d, e, f, g, h)                                                                                  \
	((__u64)(a) | (__u64)(b) << 8 | (__u64)(c) << 16 | (__u64)(d) << 24 | (__u64)(e) << 32 | (__u64)(f) << 40 |    \
	 (__u64)(g) << 48 | (__u64)(h) << 56)

/* "[eventfd]", "[eventpoll]" */
static __always_inline int put_anon(__u64 data, const __u64 *word, union walk_tail *tail)
{
	if (word[0] == TEXT8('[', 'e', 'v', 'e', 'n', 't', 'f', 'd') && word[1] << 48 == TEXT8(0, 0, 0, 0, 0, 0, ']', 0))
		return put_eventfd(data, &tail->eventfd);
	if (word[0] == TEXT8('[', 'e', 'v', 'e', 'n', 't', 'p', 'o') && word[1] << 32 == TEXT8(0, 0, 0, 0, 'l', 'l', ']', 0))
		return put_epoll(data, &tail->epoll);
	return 0;
}

/*
 * For the record at byte at of the memory, to byte tail_at of it. Not static, and so verified once, by itself: inline it
 * would be as often as there are ways to get to where it is called, and loading take twice as long.
 */
__noinline int put_kind(__u64 data, __u64 inode, __u64 own_net, __u64 at, __u64 tail_at)
{
	const struct walk_fd *r = out_at(at);
	union walk_tail *tail = out_at(tail_at);

	tail_len = 0;
	if (!r || !tail)
		return 0;
	if (r->magic == TMPFS_MAGIC && r->bits & WALK_UNNAMED)
		return put_seals(inode, &tail->memfd);
	if (!data)
		return 0;
	if (r->magic == ANON_INODE_FS_MAGIC)
		return put_anon(data, (const __u64 *)(r + 1), tail);
	if (r->magic == SOCKFS_MAGIC)
		return put_sock(data, own_net, &tail->unix_sock);
	if ((r->mode & S_IFMT) == S_IFIFO)
		return put_pipe(data, &tail->pipe);
	return 0;
}

/* Bits of what follows the path; and whether fdinfo has something to add. */
static __always_inline int put_more(struct file *file, __u64 own_net, __u64 at, __u64 tail_at)
{
	int bits = put_kind(number_of(file->private_data), number_of(file->f_inode), own_net, at, tail_at);

	if (!file->f_op->show_fdinfo)
		bits |= WALK_PLAIN;
	return is_locked(file->f_inode) ? (bits & ~WALK_PLAIN) | WALK_LOCKED : bits;
}

#endif
