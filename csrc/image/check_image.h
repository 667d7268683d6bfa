/* SPDX-License-Identifier: MIT */
/* Each checks the payload v of a record about the whole image, takes over what it says and moves the state on. */
#ifndef CRFD_CHECK_IMAGE_H
#define CRFD_CHECK_IMAGE_H

#include "image/parse_state.h"

int crfd_parser_head(crfd_parser *p, const uint8_t *v);
int crfd_parser_image_info(crfd_parser *p, const uint8_t *v);
int crfd_parser_still(crfd_parser *p, const uint8_t *v, size_t len);
int crfd_parser_lock_wait(crfd_parser *p, const uint8_t *v, size_t len);
int crfd_parser_held_objref(crfd_parser *p, const uint8_t *v, size_t len);
int crfd_parser_index(crfd_parser *p, const uint8_t *v, size_t len);
int crfd_parser_image_sum(crfd_parser *p, const uint8_t *v);
int crfd_parser_tail(crfd_parser *p, const uint8_t *v);

#endif
