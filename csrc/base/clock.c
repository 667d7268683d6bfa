/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <time.h>

uint32_t crfd_boot_time(void)
{
	struct timespec now, up;

	if (clock_gettime(CLOCK_REALTIME, &now) < 0 || clock_gettime(CLOCK_BOOTTIME, &up) < 0)
		return 0;
	return (uint32_t)(now.tv_sec - up.tv_sec - (now.tv_nsec < up.tv_nsec));
}
