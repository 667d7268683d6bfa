/* SPDX-License-Identifier: MIT */
/*
 * Tries the BPF backend with its real programs on this process: 0 where it works, or -errno and in why (n bytes, always ended
 * by a NUL) the reason and what to do about it. The programs stay loaded for the life of the process or until
 * crfd_bpf_unload(), or the end of the last scanner that runs them.
 */
int crfd_bpf_probe(char *why, size_t n);
/*
 * Loads them in a thread of its own, for a caller that will need them soon, with holds those for CRFD_SCAN_HOLDS too; whoever does
 * waits for what is left of it.
 */
void crfd_bpf_load_ahead(int holds);
void crfd_bpf_unload(void);
