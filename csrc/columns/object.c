/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE
#include <fcntl.h>
#include <string.h>

#include "base/buf.h"
#include "columns/column.h"

/* ---- pidfd ---- */

#define PIDFD(name, text, type, unit, member, ...) \
	CRFD_MEMBER("pidfd." name, text, KIND, type, unit, 0, RECORD, CRFD_REC_PIDFD, crfd_pidfd, member, CRFD_ALWAYS, 0, \
		    __VA_ARGS__)

static const struct crfd_column pidfd_columns[] = {
	PIDFD("pid", "process or thread it stands for, in our pid namespace", INT, ID, pid,
	      CRFD_READING(.none = CRFD_NONE_ZERO | CRFD_NONE_NEGATIVE)),
	PIDFD("ns_pid", "its id in its own pid namespace", INT, ID, ns_pid,
	      CRFD_READING(.none = CRFD_NONE_ZERO | CRFD_NONE_NEGATIVE)),
	PIDFD("reaped", "whether it is gone and was waited for", BOOL, NONE, pid, CRFD_READING(.mask = 1u << 31)), /* it is -1 then */
	/* PIDFD_THREAD of linux/pidfd.h, which is O_EXCL, Linux 6.9; before there is none of a thread */
	CRFD_MEMBER("pidfd.thread", "whether it stands for a thread", KIND, BOOL, NONE, 0, FILE, 0, struct crfd_row, data.f_flags,
		    offsetof(struct crfd_row, st.known), CRFD_HAS_FLAGS, CRFD_READING(.mask = O_EXCL, .family = &crfd_family_pidfd)),
	CRFD_MEMBER("pidfd.comm", "command name of that process or thread", KIND, TEXT, NONE, 0, RECORD, CRFD_REC_PIDFD_COMM,
		    crfd_pidfd_comm, comm, CRFD_ALWAYS, 0),
};

const struct crfd_family crfd_family_pidfd = {
	"pidfd", {CRFD_KIND_PIDFD}, {CRFD_REC_PIDFD}, pidfd_columns, CRFD_LEN(pidfd_columns),
	.phrase = "<{reaped?} reaped| <{thread?}tid|pid> <{pid}|?>< ({comm})>>",
};

/* ---- io_uring ---- */

#define RING(name, text, member, bit)                                                                                  \
	CRFD_MEMBER("io_uring." name, text, KIND, INT, NONE, 0, RECORD, CRFD_REC_IO_URING, crfd_io_uring, member,      \
		    offsetof(crfd_io_uring, known), CRFD_IO_URING_HAS_##bit)

#define QUEUE(name, text, member, bit)                                                                                 \
	CRFD_MEMBER("io_uring." name, text, KIND, INT, NONE, 0, RECORD, CRFD_REC_IO_URING_QUEUE, crfd_io_uring_queue, member, \
		    offsetof(crfd_io_uring_queue, known), CRFD_IO_URING_HAS_##bit)

static const struct crfd_column io_uring_columns[] = {
	RING("sq_entries", "entries of the submission ring", sq_entries, ENTRIES),
	RING("cq_entries", "entries of the completion ring", cq_entries, ENTRIES),
	RING("files", "registered files", files, REGISTERED),
	RING("buffers", "registered buffers", buffers, REGISTERED),
	QUEUE("sq_head", "submissions that the kernel has taken, counted on", sq_head, QUEUES),
	QUEUE("sq_tail", "submissions that the task has made", sq_tail, QUEUES),
	QUEUE("cq_head", "completions that the task has taken", cq_head, QUEUES),
	QUEUE("cq_tail", "completions that the kernel has made", cq_tail, QUEUES),
	QUEUE("sq_thread", "thread that polls for submissions, -1: none", sq_thread, THREAD),
	QUEUE("sq_cpu", "processor that it is on, -1: none", sq_cpu, THREAD),
};

const struct crfd_family crfd_family_io_uring = {
	"io_uring", {CRFD_KIND_IO_URING}, {CRFD_REC_IO_URING}, io_uring_columns, CRFD_LEN(io_uring_columns),
	.phrase = "< sq={sq_entries} cq={cq_entries}>< files={files} buffers={buffers}>",
};

/* ---- BPF ---- */

/* linux/bpf.h: enum bpf_map_type, bpf_prog_type, bpf_link_type */
static const char *const map_types[] = {
	"unspec", "hash", "array", "prog_array", "perf_event_array", "percpu_hash", "percpu_array", "stack_trace",
	"cgroup_array", "lru_hash", "lru_percpu_hash", "lpm_trie", "array_of_maps", "hash_of_maps", "devmap", "sockmap",
	"cpumap", "xskmap", "sockhash", "cgroup_storage", "reuseport_sockarray", "percpu_cgroup_storage", "queue", "stack",
	"sk_storage", "devmap_hash", "struct_ops", "ringbuf", "inode_storage", "task_storage", "bloom_filter", "user_ringbuf",
	"cgrp_storage", "arena",
};
static const char *const prog_types[] = {
	"unspec", "socket_filter", "kprobe", "sched_cls", "sched_act", "tracepoint", "xdp", "perf_event", "cgroup_skb",
	"cgroup_sock", "lwt_in", "lwt_out", "lwt_xmit", "sock_ops", "sk_skb", "cgroup_device", "sk_msg", "raw_tracepoint",
	"cgroup_sock_addr", "lwt_seg6local", "lirc_mode2", "sk_reuseport", "flow_dissector", "cgroup_sysctl",
	"raw_tracepoint_writable", "cgroup_sockopt", "tracing", "struct_ops", "ext", "lsm", "sk_lookup", "syscall", "netfilter",
};
static const char *const link_types[] = {
	"unspec", "raw_tracepoint", "tracing", "cgroup", "iter", "netns", "xdp", "perf_event", "kprobe_multi", "struct_ops",
	"netfilter", "tcx", "uprobe_multi", "netkit", "sockmap",
};

/* Puts the type, which is one of another list for each kind; a BTF object has none. */
static int bpf_say(const struct crfd_row *r, crfd_buf *out)
{
	crfd_bpf_object b;

	crfd_row_read(r, CRFD_REC_BPF, &b, sizeof(b));
	if (r->data.fd_type == CRFD_KIND_BTF)
		return 0;
	crfd_text_put(out, " ");
	if (b.type == UINT32_MAX)
		return crfd_text_put(out, "?");
	if (r->data.fd_type == CRFD_KIND_BPF_MAP)
		return crfd_text_name(out, map_types, CRFD_LEN(map_types), b.type);
	return r->data.fd_type == CRFD_KIND_BPF_PROG ? crfd_text_name(out, prog_types, CRFD_LEN(prog_types), b.type) :
						       crfd_text_name(out, link_types, CRFD_LEN(link_types), b.type);
}

/* Gives a member that objects of one kind alone have: c->known is that kind. */
static int get_bpf(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_bpf_object b;
	uint32_t number;

	(void)s;
	if (r->data.fd_type != c->known || !crfd_row_read(r, CRFD_REC_BPF, &b, sizeof(b)))
		return 0;
	memcpy(&number, (const uint8_t *)&b + c->at, sizeof(number));
	return crfd_value_number(v, number);
}

/* Writes the tag as bpftool(8) and the lines of fdinfo do. */
static int get_bpf_tag(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	crfd_bpf_tag t;

	(void)c;
	return crfd_row_read(r, CRFD_REC_BPF_TAG, &t, sizeof(t)) ? crfd_value_scratch(s, crfd_text_hex(&s->text, t.tag, sizeof(t.tag)), v) : 0;
}

#define BPF(name, text, type, unit, member, ...) \
	CRFD_MEMBER("bpf." name, text, KIND, type, unit, 0, RECORD, CRFD_REC_BPF, crfd_bpf_object, member, CRFD_ALWAYS, 0, \
		    __VA_ARGS__)
#define ONE(name, text, unit, member, kind) \
	CRFD_CALL("bpf." name, text, KIND, INT, unit, 0, get_bpf, .at = offsetof(crfd_bpf_object, member), \
		  .known = CRFD_KIND_BPF_##kind)

static const struct crfd_column bpf_columns[] = {
	BPF("id", "id of the object", INT, ID, id, CRFD_READING(.none = CRFD_NONE_ZERO)),
	BPF("type", "BPF_MAP_TYPE_*, BPF_PROG_TYPE_* or BPF_LINK_TYPE_*", INT, NONE, type, CRFD_READING(.none = CRFD_NONE_ONES)),
	BPF("name", "name, at most 15 bytes", TEXT, NONE, name, CRFD_READING(.none = CRFD_NONE_ZERO)),
	ONE("key_size", "bytes of a map's key", BYTES, key_size, MAP),
	ONE("value_size", "bytes of a map's value", BYTES, value_size, MAP),
	ONE("max_entries", "entries that a map can have", NONE, max_entries, MAP),
	ONE("map_flags", "BPF_F_* of a map", BITS, map_flags, MAP),
	ONE("prog_id", "program of a link", ID, prog_id, LINK),
	CRFD_CALL("bpf.tag", "hash of the instructions of a program, or of that of a link", KIND, TEXT, NONE, 0, get_bpf_tag),
};

const struct crfd_family crfd_family_bpf = {
	"bpf", {CRFD_KIND_BPF_MAP, CRFD_KIND_BPF_PROG, CRFD_KIND_BPF_LINK, CRFD_KIND_BTF}, {CRFD_REC_BPF}, bpf_columns,
	CRFD_LEN(bpf_columns), .say = bpf_say,
	.phrase = "< id={id}>< name={name}>< key={key_size} value={value_size} max={max_entries}>< prog={prog_id}>",
};

/* ---- namespaces ---- */

/* "net:[4026531840]" */
static size_t type_len(const struct crfd_row *r)
{
	for (size_t i = 0; i + 1 < r->name.n; i++)
		if (r->name.p[i] == ':' && r->name.p[i + 1] == '[')
			return i;
	return 0;
}

static int namespace_is_told(const struct crfd_row *r)
{
	return type_len(r) > 0;
}

static int get_type(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c, (void)s;
	return crfd_value_text(v, r->name.p, type_len(r));
}

static const struct crfd_column namespace_columns[] = {
	CRFD_CALL("namespace.type", "net, mnt, pid …", KIND, TEXT, NONE, CRFD_COLUMN_FEW, get_type,
		  CRFD_READING(.family = &crfd_family_namespace)),
	CRFD_MEMBER("namespace.ino", "inode, which names it", KIND, UINT, ID, 0, FILE, 0, struct crfd_row, st.ino,
		    offsetof(struct crfd_row, st.known), CRFD_HAS_INO, CRFD_READING(.family = &crfd_family_namespace)),
};

const struct crfd_family crfd_family_namespace = {
	"namespace", {CRFD_KIND_NAMESPACE}, {0}, namespace_columns, CRFD_LEN(namespace_columns),
	.is_told = namespace_is_told,
};
