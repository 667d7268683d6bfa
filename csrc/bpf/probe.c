/* SPDX-License-Identifier: MIT */
/* The programs are tried to see if the BPF backend works here, and only a failure is looked into. */
#include "bpf/load.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "bpf/kernel_btf.h"
#include "bpf/probe.h"

#define CAP_SYS_ADMIN 21 /* capabilities(7) */
#define CAP_PERFMON 38
#define CAP_BPF 39

static const char *const doing[] = {
	[CRFD_BPF_OK] = "allocating memory",
	[CRFD_BPF_MAP] = "creating a map",
	[CRFD_BPF_TYPES] = "loading the programs' types",
	[CRFD_BPF_LAYOUT] = "reading the kernel's BTF",
	[CRFD_BPF_LOAD] = "loading the iterator programs",
	[CRFD_BPF_LINK] = "starting an iterator",
	[CRFD_BPF_READ] = "reading an iterator",
};

/* Reads the start of a file, ended by a NUL; empty when it cannot be read. */
static void slurp(const char *path, char *buf, size_t n)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd < 0 ? -1 : read(fd, buf, n - 1);

	buf[got < 0 ? 0 : got] = 0;
	if (fd >= 0)
		close(fd);
}

static unsigned long long status_value(const char *status, const char *key, int base)
{
	const char *at = strstr(status, key);

	return at ? strtoull(at + strlen(key), NULL, base) : 0;
}

static int may_load(void)
{
	unsigned long long caps, both = 1ull << CAP_BPF | 1ull << CAP_PERFMON;
	char status[8192];

	slurp("/proc/self/status", status, sizeof(status));
	caps = status_value(status, "\nCapEff:", 16);
	return (caps & both) == both || caps >> CAP_SYS_ADMIN & 1;
}

/* Says what stands in the way of a refused call, from the most likely. */
static const char *why_refused(void)
{
	char status[8192], lockdown[128], uid_map[128];
	unsigned long long length = 0;

	slurp("/proc/self/status", status, sizeof(status));
	slurp("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	slurp("/proc/self/uid_map", uid_map, sizeof(uid_map));
	(void)sscanf(uid_map, "%*u %*u %llu", &length);
	if (!may_load())
		return "CAP_BPF and CAP_PERFMON, or CAP_SYS_ADMIN, are missing: run as root or grant them";
	if (*uid_map && length != 4294967295)
		return "the capabilities are those of a user namespace: run in the initial one";
	if (status_value(status, "\nSeccomp:", 10) == 2)
		return "a seccomp filter is in force: allow bpf(2) in it";
	if (strstr(lockdown, "[confidentiality]"))
		return "the kernel is locked down for confidentiality: boot with lockdown=integrity or none";
	return "a security module forbids it: look for bpf in the audit log";
}

static int older_than(unsigned int major, unsigned int minor, struct utsname *u)
{
	unsigned int has_major = 0, has_minor = 0;

	return uname(u) == 0 && sscanf(u->release, "%u.%u", &has_major, &has_minor) == 2 &&
	       (has_major < major || (has_major == major && has_minor < minor));
}

static void explain(enum crfd_bpf_step step, int err, char *why, size_t n)
{
	struct utsname u = {.release = "?"};
	char lockdown[128];

	slurp("/sys/kernel/security/lockdown", lockdown, sizeof(lockdown));
	if (err == ENOSYS)
		snprintf(why, n, "there is no bpf(2): a kernel without CONFIG_BPF_SYSCALL, or a seccomp filter");
	else if (err == ENOMEM || err == EMFILE || err == ENFILE)
		snprintf(why, n, "%s: %s", doing[step], strerror(err));
	/* Before 5.11 EPERM is also what a limit of locked memory gives. */
	else if (may_load() && older_than(5, 14, &u))
		snprintf(why, n, "%s: %s: Linux %s is too old, 5.14 is needed", doing[step], strerror(err), u.release);
	/* CAP_BPF alone gets as far as EINVAL for a helper that it may not use; EACCES of the loading is the verifier's. */
	else if (err == EPERM || (err == EACCES && step != CRFD_BPF_LOAD) || (err == EINVAL && !may_load()))
		snprintf(why, n, "%s: %s: %s", doing[step], strerror(err), why_refused());
	else if (access(CRFD_KERNEL_BTF "vmlinux", F_OK) < 0)
		snprintf(why, n, "the kernel has no BTF (" CRFD_KERNEL_BTF "vmlinux): it needs CONFIG_DEBUG_INFO_BTF, and "
				 "/sys has to be mounted");
	else if (strstr(lockdown, "[confidentiality]"))
		snprintf(why, n, "%s: %s: %s", doing[step], strerror(err), why_refused());
	else
		snprintf(why, n, "%s: %s: Linux %s does not take them: please report this", doing[step], strerror(err),
			 u.release);
}

static int run_tables(crfd_bpf *bpf, int iter)
{
	struct walk_ask *ask = crfd_bpf_ask(bpf);
	int rc;

	crfd_bpf_hold(bpf);
	memset(ask, 0, sizeof(*ask));
	memset(ask->tid, 0xff, sizeof(ask->tid));
	ask->tid[0] = (uint32_t)getpid();
	ask->nr = 1;
	rc = crfd_bpf_run(bpf, iter);
	if (rc >= 0 && !ask->used)
		rc = -ENODATA;
	ask->used = 0;
	crfd_bpf_let_go(bpf);
	return rc < 0 ? rc : 0;
}

static int read_files(crfd_bpf *bpf, int iter)
{
	size_t n = crfd_bpf_piece();
	void *buf = malloc(n);
	ssize_t got;

	if (!buf)
		return -ENOMEM;
	got = crfd_bpf_read(bpf, iter, buf, n);
	free(buf);
	return got > 0 ? 0 : got < 0 ? (int)got : -ENODATA;
}

/* The iterator is itself an open descriptor of this process, so there is something to read. */
static int try_on_self(crfd_bpf *bpf, enum crfd_bpf_step *step)
{
	struct crfd_bpf_scope self = {.tid = getpid()};
	int tables = crfd_bpf_selects(bpf) && crfd_bpf_ask(bpf), iter, rc;

	*step = CRFD_BPF_LINK;
	iter = crfd_bpf_iter(bpf, tables ? CRFD_BPF_TABLES : CRFD_BPF_FDS, self);
	if (iter < 0)
		return iter;
	*step = CRFD_BPF_READ;
	rc = tables ? run_tables(bpf, iter) : read_files(bpf, iter);
	close(iter);
	return rc;
}

int crfd_bpf_probe(char *why, size_t n)
{
	enum crfd_bpf_step step;
	crfd_bpf *bpf;
	int rc = crfd_bpf_get(0, 0, &bpf, &step);

	if (n)
		*why = 0;
	if (rc >= 0) {
		rc = try_on_self(bpf, &step);
		crfd_bpf_put(bpf);
	}
	if (rc < 0)
		explain(step, -rc, why, n);
	return rc;
}
