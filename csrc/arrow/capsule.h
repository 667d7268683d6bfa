/* SPDX-License-Identifier: MIT */
/* The only lines of ours that know Python; they are part of the module that cffi makes, which includes Python.h. */
#ifndef CRFD_ARROW_CAPSULE_H
#define CRFD_ARROW_CAPSULE_H

#include "arrow/arrow.h"

static void crfd_arrow_schema_drop(void *capsule)
{
	crfd_arrow_schema_free(PyCapsule_GetPointer(capsule, "arrow_schema"));
}

static void crfd_arrow_stream_drop(void *capsule)
{
	crfd_arrow_stream_free(PyCapsule_GetPointer(capsule, "arrow_array_stream"));
}

#endif
