/* SPDX-License-Identifier: MIT */
/*
 * A copy is another reference to the same description. Closing it has two effects that dup(2) would have as well, and
 * they are why few kinds are asked:
 *
 * - close(2) calls the file's flush, which asks the server of a network or FUSE file system and may wait for ever. So
 *   no regular file and no directory is copied, but those with a lease on a file system of this machine: a lease signals.
 * - Where the task closes its descriptor in between, ours is the last one, and the release is done by us: that of a
 *   device may wait (a serial line drains its output) or do something. So of devices only terminals without a line are,
 *   and tun devices, whose release does what the task's own would. A socket that was told to linger may hold us for that time.
 *
 * Of our own table no copy is made: to close it would end what ends with the first close of a process, its POSIX locks on
 * the file (fs/locks.c, locks_remove_posix()) and its notification of a message queue (ipc/mqueue.c, mqueue_flush_file()).
 */
#define _GNU_SOURCE /* statx, F_GETOWN_EX */
#include "getfd/getfd.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/ours.h"

/* Older headers do not have these. */
enum { THREAD = O_EXCL /* PIDFD_THREAD, Linux 6.9 */, GETOWNER_UIDS = 17 };

void crfd_getfd_init(struct crfd_getfd *g, int granted, int owners, int flags)
{
	*g = (struct crfd_getfd){.granted = granted, .owners = owners, .sockopts = flags & CRFD_SCAN_SOCKOPTS, .pidfd = -1};
}

static void drop_task(struct crfd_getfd *g)
{
	if (g->pidfd >= 0)
		close(g->pidfd);
	g->pidfd = -1;
}

void crfd_getfd_release(struct crfd_getfd *g)
{
	drop_task(g);
	g->granted = 0;
}

static int open_task(int32_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	if (pidfd < 0 && (errno == EINVAL || errno == ENOENT))
		pidfd = (int)syscall(SYS_pidfd_open, pid, THREAD);
	return pidfd;
}

/*
 * Takes a pidfd of the task itself. Of a thread with a table of its own there is one only since 6.9; its leader's would give
 * another table.
 */
static int take_task(struct crfd_getfd *g, int32_t pid, uint64_t start)
{
	if (g->pid == pid && g->start == start)
		return 0;
	drop_task(g);
	g->pidfd = open_task(pid);
	if (g->pidfd < 0 && crfd_is_ours(-errno))
		return -errno;
	g->pid = pid;
	g->own = pid == getpid();
	g->start = start;
	return 0;
}

/* Returns a copy of the descriptor, -1 where there is none to be had, or -errno of ours. */
static int take(struct crfd_getfd *g, int fd)
{
	int copy;

	if (g->own)
		return fd;
	copy = g->pidfd < 0 ? -1 : (int)syscall(SYS_pidfd_getfd, g->pidfd, fd, 0);
	if (copy >= 0 || g->pidfd < 0)
		return copy;
	if (crfd_is_ours(-errno))
		return -errno;
	if (errno != EBADF)
		drop_task(g); /* refused (ptrace(2), "Ptrace access mode checking"), or the task is gone */
	return -1;
}

/*
 * Compares the copy with what was read: the number may belong to another file by now, and the pid to another task. The kernel's
 * cached attributes are enough, and no server is asked. Returns 1, 0, or -errno of ours.
 */
static int is_same(int copy, const crfd_fd *f, struct statx *st)
{
	if (statx(copy, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_TYPE | STATX_INO | STATX_UID | STATX_GID, st) < 0)
		return crfd_is_ours(-errno) ? -errno : 0;
	return st->stx_ino == f->st.ino && makedev(st->stx_dev_major, st->stx_dev_minor) == f->st.dev &&
	       (uint32_t)(st->stx_mode & S_IFMT) == (f->st.st_mode & S_IFMT);
}

/* Documentation/admin-guide/devices.txt: virtual consoles, and the ends of pseudo terminals. */
static int is_lineless_tty(uint64_t rdev)
{
	unsigned int major = major(rdev);

	return (major == 4 && minor(rdev) < 64) || (major >= 136 && major <= 143) || (major == 5 && minor(rdev) == 2);
}

static int is_asked(const struct crfd_getfd *g, const crfd_fd *f, int local, const struct crfd_detail *d)
{
	const uint32_t needed = CRFD_HAS_FLAGS | CRFD_HAS_INO | CRFD_HAS_DEV | CRFD_HAS_TYPE;

	if ((f->st.known & needed) != needed || f->f_flags & O_PATH)
		return 0;
	switch (d->ops ? d->ops->asks : CRFD_ASKS_NOTHING) {
	case CRFD_ASKS_NOTHING:
		return g->owners && local && crfd_detail_has_lease(d);
	case CRFD_ASKS_OWNER:
		return g->owners && f->f_flags & O_ASYNC;
	case CRFD_ASKS_DEVICE:
		return f->kind == CRFD_KIND_CHR && (d->type == CRFD_REC_TUN || is_lineless_tty(f->st.rdev));
	case CRFD_ASKS_SOCKET:
		if (g->sockopts || crfd_getfd_socket_is_named(d))
			return 1;
		/* fall through */
	default:
		return g->owners || !d->ops->wants || (d->known & d->ops->wants) != d->ops->wants;
	}
}

static void ask_owner(int copy, const crfd_fd *f, struct crfd_detail *d)
{
	struct f_owner_ex owner = {0};
	uint32_t uids[2] = {0, 0};
	int signum, flags;

	if (fcntl(copy, F_GETOWN_EX, &owner) < 0)
		return;
	signum = fcntl(copy, F_GETSIG);
	/* is_same() does not tell the two ends of a pipe apart; an inode of a socket has one description for life */
	flags = f->kind == CRFD_KIND_SOCKET ? (int)f->f_flags : fcntl(copy, F_GETFL);
	if (signum < 0 || flags < 0 || ((uint32_t)flags & O_ACCMODE) != (f->f_flags & O_ACCMODE))
		return;
	d->owner_told = 1;
	if (!owner.pid && !signum)
		return;
	if (fcntl(copy, GETOWNER_UIDS, uids) < 0)
		uids[0] = uids[1] = (uint32_t)-1; /* CONFIG_CHECKPOINT_RESTORE is off */
	d->owner = (crfd_owner){.pid = owner.pid, .type = (uint32_t)owner.type, .uid = uids[0], .euid = uids[1],
				.signum = (uint32_t)signum};
	d->owned = 1;
}

/* 0 or -ENOMEM. */
static int ask_kind(struct crfd_getfd *g, int copy, struct crfd_detail *d)
{
	int rc = 0;

	switch (d->ops ? d->ops->asks : CRFD_ASKS_NOTHING) {
	case CRFD_ASKS_SOCKET:
		rc = crfd_getfd_socket(&g->nets, copy, d);
		if (rc >= 0 && g->sockopts)
			rc = crfd_getfd_sockopts(copy, d);
		break;
	case CRFD_ASKS_DEVICE:
		rc = crfd_getfd_device(copy, d);
		break;
	case CRFD_ASKS_PIPE:
		crfd_getfd_pipe(copy, d);
		break;
	case CRFD_ASKS_MEMORY:
		crfd_getfd_memory(copy, d);
		break;
	case CRFD_ASKS_OBJECT:
		crfd_getfd_object(copy, d);
		break;
	default:
		break;
	}
	return rc < 0 ? rc : 0;
}

int crfd_getfd_ask(struct crfd_getfd *g, int32_t pid, uint64_t start, crfd_fd *f, int local, struct crfd_detail *d)
{
	struct statx st;
	int copy, rc;

	if (!g->granted || !is_asked(g, f, local, d))
		return 0;
	rc = take_task(g, pid, start);
	if (rc < 0)
		return rc;
	copy = take(g, f->fd);
	if (copy < 0)
		return crfd_is_ours(copy) ? copy : 0;
	rc = is_same(copy, f, &st);
	if (rc > 0) {
		f->owned = 1;
		f->st_uid = st.stx_uid;
		f->st_gid = st.stx_gid;
		if (g->owners)
			ask_owner(copy, f, d);
		rc = ask_kind(g, copy, d);
	}
	if (!g->own)
		close(copy);
	return rc < 0 ? rc : 0;
}

int crfd_getfd_net_ns(int32_t pid, int32_t fd)
{
	int pidfd = open_task(pid), copy, ns, err;

	if (pidfd < 0)
		return -errno;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, fd, 0);
	ns = copy < 0 ? -1 : ioctl(copy, CRFD_SIOCGSKNS);
	err = errno;
	if (copy >= 0)
		close(copy);
	close(pidfd);
	return ns < 0 ? -err : ns;
}

int crfd_probe_pidfd_getfd(void)
{
	int rc = 0, copy, pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);

	if (pidfd < 0)
		return -errno;
	copy = (int)syscall(SYS_pidfd_getfd, pidfd, pidfd, 0);
	if (copy < 0)
		rc = -errno;
	else
		close(copy);
	close(pidfd);
	return rc;
}
