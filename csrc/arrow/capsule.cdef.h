/* SPDX-License-Identifier: MIT */
/* Python calls these for a capsule that nobody holds any more: of PyCapsule_New(), of the PyCapsule interface's names. */

void crfd_arrow_schema_drop(void *capsule);
void crfd_arrow_stream_drop(void *capsule);
