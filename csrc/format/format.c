/* SPDX-License-Identifier: MIT */
/* The layouts are the wire format: the compiler proves every size and offset here. */
#include "format/format.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are copied as they lie: little-endian hosts only");

#define SIZE(type, size) _Static_assert(sizeof(type) == (size), #type)
#define AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member)

SIZE(crfd_rec, 8);
AT(crfd_rec, len, 2);
AT(crfd_rec, parent, 4);
SIZE(crfd_head, 224);
AT(crfd_head, major, 8);
AT(crfd_head, rev, 14);
AT(crfd_head, time, 16);
AT(crfd_head, flags, 24);
AT(crfd_head, release, 32);
AT(crfd_head, version, 96);
AT(crfd_head, machine, 160);
SIZE(crfd_task_rec, 24);
AT(crfd_task_rec, comm_len, 16);
SIZE(crfd_files, 8);
SIZE(crfd_fd_ent, 16);
AT(crfd_fd_ent, fd, 4);
AT(crfd_fd_ent, close_on_exec, 8);
SIZE(crfd_fd_data, 32);
AT(crfd_fd_data, f_mode, 2);
AT(crfd_fd_data, f_flags, 4);
AT(crfd_fd_data, f_uid, 8);
AT(crfd_fd_data, f_gid, 12);
AT(crfd_fd_data, f_pos, 16);
AT(crfd_fd_data, f_version, 24);
SIZE(crfd_tail, 8);
SIZE(crfd_image_info, 16);
SIZE(crfd_task_info, 80);
AT(crfd_task_info, start_time, 40);
SIZE(crfd_fd_error, 16);
SIZE(crfd_fd_stat, 64);
AT(crfd_fd_stat, dev, 16);
AT(crfd_fd_stat, nlink, 56);
SIZE(crfd_section_sum, 16);
SIZE(crfd_index_entry, 40);
SIZE(crfd_image_sum, 32);
AT(crfd_image_sum, crc, 28);
SIZE(crfd_task_ns, 64);
SIZE(crfd_task_quiet, 8);
SIZE(crfd_still, 16);
SIZE(crfd_owner, 24);
SIZE(crfd_lock, 32);
SIZE(crfd_fd_lock, 40);
AT(crfd_fd_lock, lock, 8);
SIZE(crfd_pipe, 24);
SIZE(crfd_mqueue, 24);
SIZE(crfd_socket, 48);
SIZE(crfd_eventfd, 24);
SIZE(crfd_epoll_target, 40);
SIZE(crfd_timerfd, 32);
SIZE(crfd_signalfd, 8);
SIZE(crfd_inotify_mark, 24);
SIZE(crfd_fanotify, 8);
SIZE(crfd_fanotify_mark, 48);
SIZE(crfd_memfd, 8);
SIZE(crfd_pidfd, 8);
SIZE(crfd_io_uring, 24);
SIZE(crfd_bpf_object, 48);
SIZE(crfd_userfaultfd, 32);
SIZE(crfd_dmabuf, 80);
SIZE(crfd_tty, 8);
SIZE(crfd_tun, 16);
SIZE(crfd_fuse, 8);
