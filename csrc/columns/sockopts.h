/* SPDX-License-Identifier: MIT */
/* The options of a socket are told where a scan was asked for them. */
#ifndef CRFD_COLUMNS_SOCKOPTS_H
#define CRFD_COLUMNS_SOCKOPTS_H

#include "columns/column.h"

crfd_column_get crfd_sockopts_get;
crfd_column_json crfd_sockopts_json;

#endif
