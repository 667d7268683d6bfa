/* SPDX-License-Identifier: MIT */
/* The layouts are the wire format: the compiler proves offsets here, and each size where the record's rule is (image/parse.c). */
#include "format/format.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records are copied as they lie: little-endian hosts only");

#define AT(type, member, offset) _Static_assert(offsetof(type, member) == (offset), #type "." #member)

_Static_assert(sizeof(crfd_rec) == 8, "crfd_rec");
AT(crfd_rec, len, 2);
AT(crfd_rec, parent, 4);
AT(crfd_head, major, 8);
AT(crfd_head, rev, 14);
AT(crfd_head, time, 16);
AT(crfd_head, flags, 24);
AT(crfd_head, release, 32);
AT(crfd_head, version, 96);
AT(crfd_head, machine, 160);
AT(crfd_task_rec, comm_len, 16);
AT(crfd_fd_ent, fd, 4);
AT(crfd_fd_ent, close_on_exec, 8);
AT(crfd_fd_data, f_mode, 2);
AT(crfd_fd_data, f_flags, 4);
AT(crfd_fd_data, f_uid, 8);
AT(crfd_fd_data, f_gid, 12);
AT(crfd_fd_data, f_pos, 16);
AT(crfd_fd_data, f_version, 24);
AT(crfd_task_info, start_time, 40);
AT(crfd_fd_stat, dev, 16);
AT(crfd_fd_stat, nlink, 56);
AT(crfd_image_sum, crc, 28);
AT(crfd_fd_lock, lock, 8);
