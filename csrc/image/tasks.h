/* SPDX-License-Identifier: MIT */
/* The sections of an image are checked against each other: tables are numbered without a gap, each pid comes once. */
#ifndef CRFD_IMAGE_TASKS_H
#define CRFD_IMAGE_TASKS_H

#include "image/parse_state.h"

/* Takes over what a section says of its task and of the image: here.pid, nfds, files_objref and offset. */
int crfd_parser_count(crfd_parser *p);
/* Looks whether a pid has two sections; at the end. */
int crfd_parser_pids(crfd_parser *p);
/* Passes over the section that begins here, with its entry taken for right. */
int crfd_parser_pass(crfd_parser *p, const crfd_index_entry *at);

#endif
