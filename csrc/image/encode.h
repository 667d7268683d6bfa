/* SPDX-License-Identifier: MIT */
/* The encoder's state is shared by encode.c, which writes the image's own records, and encode_section.c. */
#ifndef CRFD_ENCODE_H
#define CRFD_ENCODE_H

#include "image/image.h"

struct crfd_encoder {
	int rfc;
	uint64_t offset; /* bytes of the image summed so far */
	uint32_t crc; /* of those */
	crfd_image_stats stats;
	crfd_objrefs *tables; /* crfd_task.table → FILES.objref */
	crfd_buf index; /* crfd_index_entry, one a task */
	crfd_buf held; /* crfd_batch_held */

	/* the section that is being written */
	size_t task; /* of the batch */
	uint64_t fd; /* of that task: the next one */
	int open; /* its header is out */
	uint64_t mark; /* its bytes that are summed */
	uint32_t section_crc; /* of those */
	crfd_index_entry here; /* what is known of it so far */
};

/* Counts what was appended to out since nr into the image's own sum. */
void crfd_encoder_sum(crfd_encoder *e, const crfd_buf *out, size_t nr);

#endif
