/* SPDX-License-Identifier: MIT OR GPL-2.0 */
/* Files within which other files may lie: a unix socket, where they wait to be received, and an io_uring. */
#ifndef CRFD_HOLDER_H
#define CRFD_HOLDER_H

#include "kernel.bpf.h"
#include "kinds.bpf.h"
#include "read.bpf.h"

#define IO_URING TEXT8('[', 'i', 'o', '_', 'u', 'r', 'i', 'n')

#if WALK_CAST
static __always_inline int is_socket(struct inode *inode)
{
	return (inode->i_mode & S_IFMT) == S_IFSOCK;
}

/* Returns the sock of a socket's file, NULL for another file. */
static __always_inline struct sock *sock_of(struct file *file)
{
	__u64 socket = number_of(file->private_data);

	if (!is_socket(file->f_inode) || !socket)
		return 0;
	return AS(sock, number_of(AS(socket, socket)->sk));
}

static __always_inline int is_ring(struct file *file)
{
	return file->f_inode->i_sb->s_magic == ANON_INODE_FS_MAGIC &&
	       word_at(number_of(file->f_path.dentry->d_name.name)) == IO_URING;
}

/* Returns 1 where a unix socket may have files in its queue, as every connection has that waits to be accepted. */
static __always_inline int has_files(struct sock *sk)
{
	if (sk->__sk_common.skc_family != AF_UNIX)
		return 0;
	if (sk->__sk_common.skc_state == TCP_LISTEN)
		return sk->sk_receive_queue.qlen != 0;
	return AS(unix_sock, sk)->scm_stat.nr_fds.counter != 0;
}
#endif

#endif
