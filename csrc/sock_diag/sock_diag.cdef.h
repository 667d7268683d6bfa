/* SPDX-License-Identifier: MIT */
/* sock_diag(7) tells this of the unix sockets of a network namespace. */

typedef struct {
	uint32_t ino;
	uint32_t known; /* CRFD_SOCK_HAS_STATE, _PEER or _LISTENER, those of shutdown(2); of a listener _QUEUES and _BACKLOG */
	uint32_t state; /* as in SOCKET */
	uint32_t peer_ino; /* 0: none; or of the listener */
	uint32_t waiting, backlog; /* of a listener: connections to accept, and how many may wait */
} crfd_unix_sock;

/* A connection that waits for accept(2). */
typedef struct {
	uint32_t ino; /* of who has connected */
	uint32_t listener_ino;
} crfd_unix_wait;

typedef struct {
	crfd_unix_sock *v;
	size_t nr, alloc;
	crfd_unix_wait *wait;
	size_t nwaits, wait_alloc;
} crfd_unix_socks;

void crfd_unix_socks_release(crfd_unix_socks *s);
/*
 * Adds the n bytes of a netlink datagram that answers a dump of unix sockets. 1 when it ended the dump, and s is sorted by
 * inode then; 0 when more follows; or -errno: the kernel's, or -EBADMSG for bytes that are no such answer.
 */
int crfd_unix_socks_add(crfd_unix_socks *s, const uint8_t *answer, size_t n);

/* A task that has unix sockets of a network namespace whose peers are not known. */
typedef struct {
	uint64_t net_ns;
	uint32_t pid;
	int32_t fd; /* of one of them */
} crfd_peer_lack;

/* Lists those of b, at most cap of them, each once and by task; returns their number. */
size_t crfd_batch_lack_peers(const crfd_batch *b, crfd_peer_lack *out, size_t cap);
/* Gives the unix sockets of b that are in net_ns what s (sorted) knows of them; returns how many are newer than s. */
size_t crfd_batch_fill_peers(crfd_batch *b, uint64_t net_ns, const crfd_unix_socks *s);
