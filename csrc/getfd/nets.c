/* SPDX-License-Identifier: MIT */
/* Sockets of one network namespace have one cookie, so that few of them are asked for the namespace itself. */
#include "getfd/getfd.h"

#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NETNS_COOKIE = 71 /* SO_NETNS_COOKIE, Linux 5.14; older headers do not have it */ };

static int get_cookie(int s, uint64_t *out)
{
	socklen_t n = sizeof(*out);

	return getsockopt(s, SOL_SOCKET, NETNS_COOKIE, out, &n);
}

/* net/socket.c, 4.9: only to whoever may administer the namespace. */
static uint64_t ask_netns(int s)
{
	int ns = ioctl(s, CRFD_SIOCGSKNS);
	struct stat st;
	uint64_t ino = 0;

	if (ns < 0)
		return 0;
	if (fstat(ns, &st) == 0)
		ino = st.st_ino;
	close(ns);
	return ino;
}

/* Asks for our own namespace, which everyone may see. */
static uint64_t own_netns(uint64_t cookie)
{
	int s = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t own, ino = 0;
	struct stat st;

	if (s < 0)
		return 0;
	if (get_cookie(s, &own) == 0 && own == cookie && stat("/proc/thread-self/ns/net", &st) == 0)
		ino = st.st_ino;
	close(s);
	return ino;
}

uint64_t crfd_getfd_nets_find(struct crfd_getfd_nets *nets, int s)
{
	uint64_t cookie, ino;

	if (get_cookie(s, &cookie) < 0)
		return ask_netns(s);
	for (uint32_t i = 0; i < nets->nr; i++)
		if (nets->v[i].cookie == cookie)
			return nets->v[i].ino;
	ino = ask_netns(s);
	if (!ino)
		ino = own_netns(cookie);
	nets->v[nets->next].cookie = cookie;
	nets->v[nets->next].ino = ino;
	nets->next = (nets->next + 1) % CRFD_GETFD_NETS;
	if (nets->nr < CRFD_GETFD_NETS)
		nets->nr++;
	return ino;
}
