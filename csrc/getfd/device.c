/* SPDX-License-Identifier: MIT */
/* A terminal is asked what it is set to, a tun device where it is. */
#include <asm/termbits.h> /* struct termios2, whose speeds are numbers; <termios.h> has another struct termios */
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "getfd/getfd.h"

enum { TUN_GET_NETNS = 0x54e3 /* TUNGETDEVNETNS of linux/if_tun.h, Linux 5.2 */ };

/* Both ends of a pseudo terminal have the slave's (drivers/tty/tty_ioctl.c). To read them stops no process in the background. */
static int ask_terminal(int copy, struct crfd_detail *d)
{
	struct termios2 t;
	struct winsize size;
	crfd_termios r = {0};

	_Static_assert(sizeof(r.cc) >= sizeof(t.c_cc), "all of the control characters");
	if (ioctl(copy, TCGETS2, &t) < 0 || ioctl(copy, TIOCGWINSZ, &size) < 0)
		return 0;
	r = (crfd_termios){.iflag = t.c_iflag, .oflag = t.c_oflag, .cflag = t.c_cflag, .lflag = t.c_lflag,
			   .ispeed = t.c_ispeed, .ospeed = t.c_ospeed, .rows = size.ws_row, .columns = size.ws_col,
			   .xpixel = size.ws_xpixel, .ypixel = size.ws_ypixel, .line = t.c_line};
	memcpy(r.cc, t.c_cc, sizeof(t.c_cc));
	return crfd_detail_more(d, CRFD_REC_TERMIOS, &r, sizeof(r));
}

/* drivers/net/tun.c: only to whoever may administer the namespace. */
static int ask_tun(int copy, struct crfd_detail *d)
{
	int ns = ioctl(copy, TUN_GET_NETNS), rc = 0;
	crfd_tun_ns r;
	struct stat st;

	if (ns < 0)
		return 0;
	if (fstat(ns, &st) == 0) {
		r.net_ns = st.st_ino;
		rc = crfd_detail_more(d, CRFD_REC_TUN_NS, &r, sizeof(r));
	}
	close(ns);
	return rc;
}

int crfd_getfd_device(int copy, struct crfd_detail *d)
{
	return d->type == CRFD_REC_TUN ? ask_tun(copy, d) : ask_terminal(copy, d);
}
