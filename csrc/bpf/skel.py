# SPDX-License-Identifier: MIT
"""Reads a light skeleton (bpftool gen skeleton -L) on stdin and writes its two byte strings as C arrays on stdout."""

import re
import struct
import sys

LINE = 5


def members(text: str, name: str, type_: str) -> list[str]:
    """The descriptors of one of the skeleton's inner structs, in order: bpf_load.c has to lay them out the same."""
    found = re.search(r"struct \{\n((?:\t\tstruct " + type_ + r" \w+;\n)+)\t\} " + name + ";", text)
    return re.findall(r"(\w+);", found[1]) if found else []


def words(text: str, name: str) -> list[int]:
    found = re.search(r"opts\." + name + r"_sz = (\d+);\n\topts\." + name + r' = \(void \*\)"(.*?)";', text, re.DOTALL)
    if not found:
        sys.exit(f"expected opts.{name} in the skeleton, found none")
    raw = bytes(int(byte or "0", 16) for byte in re.findall(r"\\(?:x([0-9a-f]{2})|0)", found[2]))
    if len(raw) != int(found[1]) or len(raw) % 8:
        sys.exit(f"expected {found[1]} bytes of {name}, a multiple of 8, found {len(raw)}")
    return list(struct.unpack(f"<{len(raw) // 8}Q", raw))


def array(name: str, values: list[int]) -> str:
    lines = (", ".join(f"{v:#x}" for v in values[i : i + LINE]) for i in range(0, len(values), LINE))
    return f"static const uint64_t {name}[] = {{\n" + "".join(f"\t{line},\n" for line in lines) + "};\n"


def main() -> None:
    text = sys.stdin.read()
    maps, progs = members(text, "maps", "bpf_map_desc"), members(text, "progs", "bpf_prog_desc")
    if maps != ["bss"] or progs != ["walk_fds", "walk_tasks"]:
        sys.exit(f"expected the map bss and the programs walk_fds, walk_tasks, found {maps} and {progs}")
    print("/* SPDX-License-Identifier: MIT OR GPL-2.0 */")
    print("/* Generated from walk.bpf.c by `make skel`; `make check` proves it. Little-endian words. */\n")
    print(array("walk_data", words(text, "data")))
    print(array("walk_insns", words(text, "insns")), end="")


main()
