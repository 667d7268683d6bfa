/* SPDX-License-Identifier: MIT */
#ifndef CRFD_CHECK_SECTION_H
#define CRFD_CHECK_SECTION_H

#include "image/parse_state.h"

/* Checks the payload v of record h, takes over what it says and moves the state on. */
int crfd_parser_payload(crfd_parser *p, const crfd_rec *h, const uint8_t *v);

#endif
