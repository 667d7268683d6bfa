/* SPDX-License-Identifier: MIT */
/*
 * The floor under the BPF backend: its own program, loaded by its own loader, and every byte that it writes read and
 * counted, nothing else. `bare_iter [PID]...`, all processes without one; prints {"fds": N, "seconds": S, ...}.
 *
 *   cd csrc; gcc -O2 -pthread -I. -o bare_iter ../benchmarks/bare_iter.c $(find base bpf -name '*.c' ! -name '*.bpf.c')
 */
#include <linux/types.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bpf/load.h"
#include "bpf/probe.h"
#include "bpf/walk.h"

struct count {
	size_t fds, bytes;
};

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int drain(crfd_bpf *bpf, int32_t pid, char *buf, size_t n, struct count *c)
{
	int iter = crfd_bpf_iter(bpf, CRFD_BPF_FDS, (struct crfd_bpf_scope){.pid = pid});
	ssize_t got = iter;

	while (got >= 0 && (got = crfd_bpf_read(bpf, iter, buf, n)) > 0) {
		c->bytes += (size_t)got;
		for (const char *p = buf; p < buf + got; p += ((const struct walk_fd *)p)->len)
			c->fds++;
	}
	if (iter >= 0)
		close(iter);
	return (int)got;
}

int main(int argc, char **argv)
{
	double start = now(), loaded;
	enum crfd_bpf_step step;
	struct count c = {0};
	size_t n = crfd_bpf_piece();
	char *buf = malloc(n);
	crfd_bpf *bpf;
	int rc = crfd_bpf_get(0, 0, &bpf, &step);

	if (rc < 0 || !buf) {
		fprintf(stderr, "step %d: %s\n", step, strerror(-rc));
		return 1;
	}
	loaded = now();
	if (argc < 2)
		rc = drain(bpf, 0, buf, n, &c);
	for (int i = 1; i < argc && rc >= 0; i++)
		rc = drain(bpf, atoi(argv[i]), buf, n, &c);
	printf("{\"fds\": %zu, \"bytes\": %zu, \"seconds\": %.6f, \"load_seconds\": %.6f}\n", c.fds, c.bytes, now() - loaded,
	       loaded - start);
	crfd_bpf_put(bpf);
	crfd_bpf_unload();
	free(buf);
	return rc < 0;
}
