/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* strerrordesc_np */
#include "columns/common.h"

#include <string.h>
#include <sys/stat.h>

#include "columns/file.h"
#include "columns/held.h"
#include "columns/lock.h"
#include "columns/polled.h"
#include "columns/socket.h"
#include "columns/sockopts.h"
#include "columns/task.h"
#include "columns/phrase.h"

/* ---- the descriptor ---- */

static const char *const steps[] = {"none", "list", "link", "stat", "fdinfo", "parse", "task", "freeze", "cloexec", "polls"};

static const char *const methods[] = {"none", "exact", "kcmp", "inferred"}; /* enum crfd_identity_method */
static const char *const accesses[] = {"", "r", "w", "rw"}; /* FMODE_READ, FMODE_WRITE */
static const char *const holders[] = {"fd", "cwd", "root", "exe", "map", "tty", "flight", "ring"}; /* enum crfd_held_by */

/* An object of a descriptor has no such member. */
static int json_held(struct crfd_scratch *s, const struct crfd_row *r, crfd_buf *out)
{
	(void)s;
	return r->held ? crfd_text_printf(out, "\"%s\"", r->held < CRFD_LEN(holders) ? holders[r->held] : "?") :
			 crfd_text_put(out, "null");
}

static int get_error(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const char *why = strerrordesc_np(r->err);

	(void)c;
	return r->err ? crfd_value_scratch(s, crfd_text_put(&s->text, why ? why : "unknown error"), v) : 0;
}

static int get_step(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c;
	return r->err && !r->held ? crfd_value_name(s, steps, CRFD_LEN(steps), r->step, v) : 0;
}

static int get_close_on_exec(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
			     struct crfd_value *v)
{
	(void)c, (void)s;
	if (r->held || (r->is_read && !(r->st.known & CRFD_HAS_FLAGS)) || (r->err && r->step == CRFD_STEP_CLOEXEC))
		return 0;
	return crfd_value_number(v, r->close_on_exec == 1);
}

static int get_fd_mark(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r,
		       struct crfd_value *v)
{
	(void)c;
	if (r->held)
		crfd_text_name(&s->text, holders, CRFD_LEN(holders), r->held);
	else
		crfd_text_signed(&s->text, r->fd);
	return crfd_value_scratch(s, crfd_text_put(&s->text, r->close_on_exec ? "*" : ""), v);
}

static int get_objref(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	(void)c, (void)s;
	return r->held && !r->objref ? 0 : crfd_value_number(v, r->objref);
}

static void say_file(const struct crfd_row *r, crfd_buf *out)
{
	if (r->st.known & CRFD_HAS_TYPE && (S_ISCHR(r->st.st_mode) || S_ISBLK(r->st.st_mode))) {
		crfd_text_put(out, " [");
		crfd_text_device(out, r->st.rdev);
		crfd_text_put(out, "]");
	}
	if (r->st.known & CRFD_HAS_DELETED && r->st.flags & CRFD_STAT_DELETED)
		crfd_text_put(out, " [deleted]");
}

static void say_failure(const struct crfd_row *r, crfd_buf *out)
{
	const char *why = strerrordesc_np(r->err);

	crfd_text_put(out, "[");
	if (!r->held) {
		crfd_text_name(out, steps, CRFD_LEN(steps), r->step);
		crfd_text_put(out, ": ");
	}
	crfd_text_printf(out, "%s]", why ? why : "unknown error");
}

/* Puts the name, escaped, and in a few words what is special about the description. */
static int get_name(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const struct crfd_family *family = crfd_row_is_plain(r) ? NULL : crfd_family_of(r);

	(void)c;
	if (r->fd < 0 && !r->held)
		return 0;
	if (!r->is_read || (!(r->st.known & CRFD_HAS_PATH) && r->err))
		say_failure(r, &s->text);
	else
		crfd_text_escape(&s->text, r->name.p, r->name.n);
	if (r->is_read)
		say_file(r, &s->text);
	if (r->held)
		crfd_phrase_put("< ({map})>< (of fd {in_fd}, <{slot}|unknown which>)>", crfd_common, crfd_common_len, r, &s->text);
	if (family)
		crfd_family_say(family, r, &s->text);
	if (r->is_read && !crfd_row_is_plain(r))
		crfd_lock_say(r, &s->text);
	crfd_polled_say(r, &s->text);
	return crfd_value_scratch(s, s->text.failed, v);
}

/* Puts what the kind has of its own: members into an object, words into a table. */
static int get_detail(const struct crfd_column *c, struct crfd_scratch *s, const struct crfd_row *r, struct crfd_value *v)
{
	const struct crfd_family *family = crfd_family_of(r);
	int rc = family ? crfd_family_say(family, r, &s->text) : 0, has_blank = s->text.nr > 0;

	(void)c;
	return rc < 0 || !family ? rc : crfd_value_text(v, s->text.v + has_blank, s->text.nr - (size_t)has_blank);
}

#define TASK(name, text, type, unit, flags, member, bits, ...) \
	CRFD_MEMBER(name, text, TASK, type, unit, flags, TASK, 0, struct crfd_row_task, member, \
		    (bits) ? offsetof(struct crfd_row_task, info.known) : CRFD_ALWAYS, bits, __VA_ARGS__)
#define NS(name, member) \
	CRFD_MEMBER(name "_ns", "inode of its " name " namespace", TASK, UINT, ID, 0, TASK_RECORD, CRFD_REC_TASK_NS, crfd_task_ns, \
		    member, CRFD_ALWAYS, 0)
#define ROW(name, text, type, unit, flags, member, ...) \
	CRFD_MEMBER(name, text, FD, type, unit, flags, ROW, 0, struct crfd_row, member, CRFD_ALWAYS, 0, __VA_ARGS__)
#define FILE_(name, text, type, unit, flags, member, bits, ...) \
	CRFD_MEMBER(name, text, FILE, type, unit, flags, FILE, 0, struct crfd_row, member, offsetof(struct crfd_row, st.known), bits, \
		    __VA_ARGS__)
#define OWNER(name, text, member) \
	CRFD_MEMBER(name, text, FILE, INT, ID, PLAIN, FILE, 0, struct crfd_row, member, offsetof(struct crfd_row, owned), 1)
/* Makes a column of a record that is a text. */
#define WHOLE(name_, text_, about_, flags_, from_, rec_) \
	{.info = {name_, text_, CRFD_COLUMN_TEXT, CRFD_UNIT_NONE, CRFD_ABOUT_##about_, flags_}, .from = CRFD_FROM_##from_, .rec = rec_, \
	 .known_at = CRFD_ALWAYS}
#define PLAIN CRFD_COLUMN_PLAIN
#define SPARSE (CRFD_COLUMN_PLAIN | CRFD_COLUMN_SPARSE)
#define SHOWN CRFD_COLUMN_SHOWN
#define FEW CRFD_COLUMN_FEW
#define STAT CRFD_TASK_HAS_STAT
#define STATUS CRFD_TASK_HAS_STATUS
#define LIMITS CRFD_TASK_HAS_LIMITS

const struct crfd_column crfd_common[] = {
	TASK("pid", "process or thread id, in our pid namespace", INT, ID, PLAIN, info.pid, 0),
	TASK("comm", "command name, at most 15 bytes", TEXT, NONE, PLAIN | FEW, comm, 0),
	TASK("tgid", "id of the process that it is a thread of", INT, ID, PLAIN, info.tgid, STATUS),
	TASK("uid", "real user id", INT, ID, PLAIN, info.uid, STATUS),
	ROW("fd", "descriptor number", INT, ID, PLAIN, fd, CRFD_READING(.none = CRFD_NONE_NEGATIVE)),
	ROW("held", "what holds the file: fd, or cwd, root, exe, map, tty, flight, ring without one", TEXT, NONE, SPARSE | FEW, held,
	    CRFD_READING(CRFD_NAMES(holders)), .json = json_held),
	CRFD_CALL("objref", "number of the open file description: equal for descriptors that share one; 0: unreadable", FD, INT,
		  ID, PLAIN, get_objref),
	CRFD_CALL("close_on_exec", "whether execve(2) closes it", FD, BOOL, NONE, PLAIN, get_close_on_exec),
	CRFD_CALL("kind", "what it is: file, dir, socket, pipe, eventfd …", FILE, TEXT, NONE, PLAIN | FEW, crfd_file_kind),
	CRFD_CALL("f_mode", "FMODE_ bits of the description", FILE, INT, BITS, PLAIN, crfd_file_f_mode),
	FILE_("f_flags", "O_ flags as fcntl(2) F_GETFL gives them", INT, OCTAL, PLAIN, data.f_flags, CRFD_HAS_FLAGS),
	FILE_("f_pos", "position", INT, BYTES, PLAIN, data.f_pos, CRFD_HAS_FLAGS),
	FILE_("f_uid", "user id of who opened it, not of the file", INT, ID, PLAIN | CRFD_COLUMN_BPF, data.f_uid, CRFD_HAS_OWNER),
	FILE_("f_gid", "group id of who opened it, not of the file", INT, ID, PLAIN | CRFD_COLUMN_BPF, data.f_gid, CRFD_HAS_OWNER),
	FILE_("f_version", "version of the description, where the kernel has it", UINT, NONE, PLAIN | CRFD_COLUMN_BPF,
	      data.f_version, CRFD_HAS_VERSION),
	FILE_("deleted", "whether the name it was opened by is gone", BOOL, NONE, PLAIN, st.flags, CRFD_HAS_DELETED,
	      CRFD_READING(.mask = CRFD_STAT_DELETED)),
	FILE_("dev", "device of the file system that holds it", UINT, DEVICE, PLAIN, st.dev, CRFD_HAS_DEV),
	FILE_("ino", "inode number", UINT, ID, PLAIN, st.ino, CRFD_HAS_INO),
	FILE_("mnt_id", "id of the mount it was opened through", INT, ID, PLAIN, st.mnt_id, CRFD_HAS_MNT_ID),
	FILE_("st_mode", "type and permissions of the inode, as stat(2)", INT, OCTAL, PLAIN, st.st_mode, CRFD_HAS_TYPE),
	OWNER("st_uid", "user id of the inode's owner, as stat(2)", st_uid),
	OWNER("st_gid", "group id of the inode's owner, as stat(2)", st_gid),
	CRFD_CALL("fs_type", "type of the file system of that mount", FILE, TEXT, NONE, PLAIN | FEW, crfd_file_mount, .at = 0),
	CRFD_CALL("source", "what that mount is of: a block device, a server's share", FILE, TEXT, NONE, PLAIN | FEW, crfd_file_mount, .at = 1),
	FILE_("rdev", "device that a device file stands for", UINT, DEVICE, PLAIN, st.rdev, CRFD_HAS_TYPE),
	WHOLE("driver", "driver of a device, by the names in /proc/devices of its major number", FILE, SPARSE | FEW, RECORD,
	      CRFD_REC_DRIVER),
	WHOLE("misc_device", "name in /proc/misc of a miscellaneous device", FILE, SPARSE | FEW, RECORD, CRFD_REC_MISC_DEVICE),
	FILE_("nlink", "names that the inode has", INT, NONE, PLAIN, st.nlink, CRFD_HAS_NLINK),
	FILE_("size", "size of the file", INT, BYTES, PLAIN, st.size, CRFD_HAS_SIZE),
	CRFD_CALL("path", "name as the kernel gives it, without its mark of a deleted one", FILE, TEXT, NONE, PLAIN, crfd_file_path),
	CRFD_CALL("detail", "what its kind has of its own", FILE, TEXT, NONE, SPARSE | SHOWN, get_detail, .json = crfd_detail_json),
	CRFD_CALL("locks", "locks and leases held through it", FILE, TEXT, NONE, SPARSE | SHOWN, crfd_lock_get, .json = crfd_lock_json),
	CRFD_CALL("owner", "who is told by a signal when I/O is possible", FILE, TEXT, NONE, SPARSE | SHOWN, crfd_owner_get,
		  .json = crfd_owner_json),
	CRFD_CALL("polled", "threads that wait for it in poll, select or epoll_wait, if that was asked; those seen, where not all could be read",
		  FD, INT, NONE, SPARSE, crfd_polled_get),
	CRFD_CALL("sockopts", "options of a socket that are on, if that was asked: reuseaddr, keepalive, nodelay …", FILE, TEXT, NONE,
		  SPARSE | FEW, crfd_sockopts_get, .json = crfd_sockopts_json),
	CRFD_CALL("map", "a mapped file: its permissions, mappings and bytes", FILE, TEXT, NONE, SPARSE, crfd_held_map,
		  .json = crfd_held_map_json),
	CRFD_MEMBER("in_fd", "socket or ring that a file in flight lies in", FILE, INT, ID, SPARSE, HELD, 0, crfd_held, fd,
		    CRFD_ALWAYS, 0, CRFD_READING(.none = CRFD_NONE_NEGATIVE)),
	CRFD_CALL("slot", "its place there", FILE, INT, ID, SPARSE, crfd_held_slot),
	CRFD_CALL("error", "why it, or a part of it, could not be read", FD, TEXT, NONE, SPARSE | FEW, get_error),
	CRFD_CALL("step", "what was being read then", FD, TEXT, NONE, SPARSE | FEW, get_step),

	CRFD_CALL("num", "descriptor number, with a * where execve(2) closes it", FD, TEXT, NONE, CRFD_COLUMN_RIGHT, get_fd_mark),
	ROW("shared", "descriptors shown that are this very open file description", INT, TIMES, 0, uses,
	    CRFD_READING(.none = CRFD_NONE_ZERO)),
	CRFD_CALL("name", "path, and what is special about it in a few words", FILE, TEXT, NONE, SHOWN, get_name),
	CRFD_CALL("flags", "O_ flags by name, O_LARGEFILE left out", FILE, TEXT, NONE, FEW, crfd_file_flags),
	CRFD_CALL("all_flags", "O_ flags by name", FILE, TEXT, NONE, FEW, crfd_file_flags, .at = 1),
	CRFD_CALL("proto", "TCP, UDP6, unix stream …", KIND, TEXT, NONE, FEW, crfd_socket_proto),
	CRFD_CALL("state", "state of a socket: LISTEN, ESTABLISHED, connected …", KIND, TEXT, NONE, FEW, crfd_socket_state),
	CRFD_CALL("local", "address that a socket is bound to", KIND, TEXT, NONE, SHOWN, crfd_socket_address, .rec = CRFD_REC_SOCK_NAME),
	CRFD_CALL("remote", "address that a socket is connected with", KIND, TEXT, NONE, SHOWN, crfd_socket_address, .rec = CRFD_REC_SOCK_PEER),
	CRFD_CALL("port", "port of the local address", KIND, INT, ID, 0, crfd_socket_port, .rec = CRFD_REC_SOCK_NAME),
	CRFD_CALL("remote_port", "port of the remote address", KIND, INT, ID, 0, crfd_socket_port, .rec = CRFD_REC_SOCK_PEER),
	CRFD_CALL("other_net_ns", "inode of a socket's network namespace where it is not that of who asks", KIND, INT, ID, 0,
		  crfd_socket_other_net_ns),
	CRFD_CALL("peer_pid", "process at the other end of a pipe or socket, if it was read too; of several one other than its own",
		  KIND, INT, ID, 0, crfd_peer_pid),
	CRFD_CALL("peer_comm", "command name of that process", KIND, TEXT, NONE, FEW, crfd_peer_comm),
	CRFD_CALL("pollers", "those threads, and the events that they wait for", FD, TEXT, NONE, SHOWN, crfd_pollers_get,
		  .json = crfd_pollers_json),
	FILE_("access", "r, w or rw", TEXT, NONE, FEW, st.f_mode, CRFD_HAS_ACCESS,
	      CRFD_READING(.mask = FMODE_READ | FMODE_WRITE, CRFD_NAMES(accesses))),
	FILE_("blocks", "blocks of 512 bytes that the file takes", INT, NONE, 0, st.blocks, CRFD_HAS_BLOCKS),
	CRFD_CALL("bytes", "bytes that the file takes on its file system", FILE, INT, BYTES, 0, crfd_file_bytes),
	CRFD_CALL("deleted_bytes", "bytes of a file without a name, given back by its last close", FILE, INT, BYTES, 0,
		  crfd_file_deleted_bytes),

	TASK("ppid", "id of its parent", INT, ID, 0, info.ppid, STAT),
	TASK("sid", "session id", INT, ID, 0, info.sid, STAT),
	TASK("ns_pid", "id in its own pid namespace", INT, ID, 0, info.ns_pid, STATUS),
	TASK("euid", "effective user id", INT, ID, 0, info.euid, STATUS),
	TASK("gid", "real group id", INT, ID, 0, info.gid, STATUS),
	TASK("egid", "effective group id", INT, ID, 0, info.egid, STATUS),
	CRFD_CALL("user", "name of the real user", TASK, TEXT, NONE, FEW, crfd_task_user),
	WHOLE("exe", "path of the executable", TASK, FEW, TASK_RECORD, CRFD_REC_TASK_EXE),
	CRFD_CALL("cmdline", "command line", TASK, TEXT, NONE, FEW, crfd_task_cmdline),
	CRFD_CALL("cgroup", "path of the cgroup", TASK, TEXT, NONE, FEW, crfd_task_cgroup),
	CRFD_CALL("container", "id of the container, its first 12 digits", TASK, TEXT, NONE, FEW, crfd_task_container),
	TASK("nofile_soft", "soft RLIMIT_NOFILE; none where there is no limit", INT, NONE, 0, info.nofile_soft, LIMITS,
	     CRFD_READING(.none = CRFD_NONE_NEGATIVE)), /* RLIM_INFINITY, and more than an INT holds, which no kernel gives */
	TASK("nofile_hard", "hard RLIMIT_NOFILE", INT, NONE, 0, info.nofile_hard, LIMITS, CRFD_READING(.none = CRFD_NONE_NEGATIVE)),
	TASK("fds", "descriptors of the task", INT, NONE, 0, nfds, 0),
	TASK("fd_size", "slots of the fd table", INT, NONE, 0, info.fd_size, STATUS),
	TASK("fd_table", "number of a table that several tasks share, 0: its own", INT, ID, 0, table, 0),
	CRFD_MEMBER("kthread", "whether it is a thread of the kernel", TASK, BOOL, NONE, 0, TASK_RECORD, CRFD_REC_TASK_KTHREAD,
		    crfd_task_kthread, is, CRFD_ALWAYS, 0),
	TASK("threads", "threads of the process", INT, NONE, 0, info.threads, STATUS),
	TASK("start_time", "when it began, after boot", UINT, TICKS, 0, info.start_time, STAT),
	CRFD_CALL("started", "when it began, in UTC", TASK, TEXT, TIME, FEW, crfd_task_started),
	CRFD_MEMBER("identity", "how it was decided which descriptors share: exact, kcmp or inferred", TASK, TEXT, NONE, FEW, TASK, 0,
		    struct crfd_row_task, info.identity, offsetof(struct crfd_row_task, ext.n), 0, CRFD_READING(CRFD_NAMES(methods))),
	CRFD_MEMBER("changed", "numbers opened or closed while the table was read", TASK, INT, NONE, 0, TASK_RECORD,
		    CRFD_REC_TASK_QUIET, crfd_task_quiet, changed, offsetof(crfd_task_quiet, known), 1),
	NS("mnt", mnt), NS("pid", pid), NS("net", net), NS("user", user), NS("uts", uts), NS("ipc", ipc),
	NS("cgroup", cgroup), NS("time", time),
};
const size_t crfd_common_len = CRFD_LEN(crfd_common);
