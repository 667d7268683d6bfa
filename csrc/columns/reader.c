/* SPDX-License-Identifier: MIT */
#include "columns/reader.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "columns/column.h"
#include "columns/finds.h"
#include "format/record.h"

int crfd_reader_next(crfd_reader *r, struct crfd_row *row)
{
	return r->next(r, row);
}

int crfd_reader_task(crfd_reader *r, size_t number)
{
	return r->task(r, number);
}

int crfd_reader_head(crfd_reader *r, size_t number, struct crfd_row_task *task, struct crfd_row *row)
{
	*row = (struct crfd_row){.task = task, .fd = -1};
	return r->head(r, number, task);
}

size_t crfd_reader_ntasks(const crfd_reader *r)
{
	return r->ntasks(r);
}

void crfd_reader_free(crfd_reader *r)
{
	if (r)
		r->free(r);
}

static uint64_t own_net_ns(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) < 0 ? 0 : st.st_ino;
}

struct crfd_origin crfd_origin_here(void)
{
	return (struct crfd_origin){crfd_boot_time(), (uint32_t)sysconf(_SC_CLK_TCK), own_net_ns()};
}

/* One that booted at the second that ours did is ours; the clock may have been set by a second since. */
struct crfd_origin crfd_origin_of(const crfd_image_info *info)
{
	int is_ours = info->boot_time && info->boot_time - crfd_boot_time() + 1 <= 2;

	return (struct crfd_origin){info->boot_time, info->clk_tck, is_ours ? own_net_ns() : 0};
}

void crfd_origin_tell(const struct crfd_origin *o, struct crfd_row_task *task)
{
	task->net_ns = o->net_ns;
	if (o->boot_time && o->clk_tck && task->info.known & CRFD_TASK_HAS_STAT)
		task->started = (int64_t)(o->boot_time + task->info.start_time / o->clk_tck);
}

/* Returns the bytes from the first record of the type on. */
static struct crfd_records from(struct crfd_records ext, int rec)
{
	const uint8_t *p = crfd_row_record(ext, rec, sizeof(int32_t), CRFD_ALWAYS, 0, NULL);

	if (!p)
		return (struct crfd_records){0};
	p -= sizeof(crfd_rec);
	return (struct crfd_records){p, (size_t)(ext.p + ext.n - p), ext.finds};
}

void crfd_fd_records_init(struct crfd_fd_records *f, struct crfd_row_task *task)
{
	task->polls = crfd_row_record(task->ext, CRFD_REC_TASK_POLLS, sizeof(crfd_task_polls), CRFD_ALWAYS, 0, NULL);
	f->errors = from(task->mounts, CRFD_REC_FD_ERROR);
	f->locks = from(task->mounts, CRFD_REC_FD_LOCK);
	f->polled = task->polls ? from(task->ext, CRFD_REC_POLLED) : (struct crfd_records){0};
}

static int32_t fd_of(const struct crfd_records *at)
{
	int32_t fd;

	memcpy(&fd, at->p + sizeof(crfd_rec), sizeof(fd));
	return fd;
}

static struct crfd_records next(const struct crfd_records *at, int rec)
{
	crfd_rec h;

	memcpy(&h, at->p, sizeof(h));
	return from(crfd_records_after(*at, at->p + sizeof(h), (size_t)h.len), rec);
}

/* Passes many records once for all tasks that share the table. */
static void advance_far(struct crfd_records *at, int rec, int32_t fd)
{
	struct crfd_find far = {.from = at->p, .what = CRFD_FIND_FD | (uint32_t)rec, .more = {(uint32_t)fd}};
	const struct crfd_find *before = at->finds ? crfd_finds_get(at->finds, &far) : NULL;
	struct crfd_finds *finds = at->finds;

	if (before) {
		*at = before->p ? crfd_records_after(*at, before->p, 0) : (struct crfd_records){0};
		return;
	}
	while (at->n && fd_of(at) < fd)
		*at = next(at, rec);
	far.p = at->p;
	if (finds)
		crfd_finds_put(finds, &far); /* without memory it is searched for again */
}

/* Passes the records of smaller fds; whether the one at the front is of fd. */
static int advance(struct crfd_records *at, int rec, int32_t fd)
{
	for (int i = 0; i < CRFD_FINDS_NEAR && at->n && fd_of(at) < fd; i++)
		*at = next(at, rec);
	if (at->n && fd_of(at) < fd)
		advance_far(at, rec, fd);
	return at->n && fd_of(at) == fd;
}

void crfd_fd_records_take(struct crfd_fd_records *f, struct crfd_row *row)
{
	crfd_fd_error error;

	if (f->errors.n && advance(&f->errors, CRFD_REC_FD_ERROR, row->fd) && f->errors.n >= sizeof(crfd_rec) + sizeof(error)) {
		memcpy(&error, f->errors.p + sizeof(crfd_rec), sizeof(error));
		row->err = error.err;
		row->step = error.step;
	}
	if (f->locks.n && advance(&f->locks, CRFD_REC_FD_LOCK, row->fd))
		row->locks = f->locks;
	if (advance(&f->polled, CRFD_REC_POLLED, row->fd))
		row->polled = f->polled;
}

static void merge(crfd_socket *to, const crfd_socket *s)
{
	uint32_t gain = s->known & ~to->known;

	if (gain & CRFD_SOCK_HAS_TYPE) {
		to->family = s->family;
		to->type = s->type;
		to->protocol = s->protocol;
	}
	if (gain & CRFD_SOCK_HAS_STATE)
		to->state = s->state;
	if (gain & CRFD_SOCK_HAS_QUEUES) {
		to->recv_queue = s->recv_queue;
		to->send_queue = s->send_queue;
	}
	if (gain & CRFD_SOCK_HAS_BACKLOG)
		to->backlog = s->backlog;
	if (gain & CRFD_SOCK_HAS_IN_FLIGHT)
		to->in_flight = s->in_flight;
	if (gain & (CRFD_SOCK_HAS_PEER | CRFD_SOCK_HAS_LISTENER))
		to->peer_ino = s->peer_ino;
	if (gain & CRFD_SOCK_HAS_NET_NS)
		to->net_ns = s->net_ns;
	to->known |= s->known;
}

void crfd_row_read_socket(struct crfd_row *row)
{
	struct crfd_records rest = row->ext;
	const uint8_t *p;
	crfd_socket one;

	/* Each that is found says something more; what says nothing more may stand there any number of times. */
	while ((p = crfd_row_record(rest, CRFD_REC_SOCKET, sizeof(one), offsetof(crfd_socket, known), ~row->socket.known, NULL))) {
		memcpy(&one, p, sizeof(one));
		merge(&row->socket, &one);
		rest = crfd_records_after(rest, p, sizeof(one));
	}
}
