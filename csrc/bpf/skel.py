# SPDX-License-Identifier: MIT
"""Reads the two objects that clang made of walk.bpf.c and writes, as C arrays, what bpf_program.c gives to the kernel.

    skel.py CAST.o PROBE.o

The first reads by loads (WALK_CAST 1), the second by a helper; what both have alike is taken from the second.

Of each program: its instructions with the functions that it calls behind it; which instructions have to be relocated, and to
what (.BTF.ext, Documentation/bpf/btf.rst); where its functions begin. A load of a variable's address has the offset in the
map as its upper constant, and the map's number is put into the lower one when it is loaded.
"""

import struct
import sys
from dataclasses import dataclass, field
from pathlib import Path

PROGRAMS = {"iter/task_file": "walk_fds", "iter/task": "walk_tasks"}
ATTACH = {"walk_fds": "bpf_iter_task_file", "walk_tasks": "bpf_iter_task"}  # functions of the kernel
TAKEN = {"cast_fds": (0, "walk_fds"), "probe_fds": (1, "walk_fds"), "walk_tasks": (1, "walk_tasks")}  # of which object
R_64, R_CALL = 1, 10  # relocations of the object: the address of a variable, a call
LD_IMM64, PSEUDO_MAP_VALUE, PSEUDO_KFUNC_CALL = 0x18, 2, 2
TYPE = 7  # of enum bpf_core_relo_kind
TYPE_OF_SUB = 6  # in types()
POINTER, ARRAY, STRUCT, UNION, FUNC, FUNC_PROTO = 2, 3, 4, 5, 12, 13
ALIASES = {8, 9, 10, 11, 18}  # typedef and the qualifiers
KINDS = {1: "INT", 6: "INT", 19: "INT", POINTER: "PTR", ARRAY: "ARRAY", STRUCT: "STRUCT", UNION: "STRUCT"}
FIXED = {1: 4, ARRAY: 12, 14: 4, 17: 4}
EACH = {STRUCT: 12, UNION: 12, 6: 8, FUNC_PROTO: 8, 15: 12, 19: 12}

Access = tuple[str, str, str]  # struct, path of the member, CRFD_BTF_* of the member


class Elf:
    """A relocatable object of 64 bits, little-endian: sections by name and number, symbols by number."""

    def __init__(self, data: bytes) -> None:
        (at,) = struct.unpack_from("<Q", data, 40)
        count, names = struct.unpack_from("<HH", data, 60)
        self._headers = [struct.unpack_from("<IIQQQQIIQQ", data, at + 64 * i) for i in range(count)]
        self._data = data
        self.names = [self._name(self._headers[names], header[0]) for header in self._headers]
        self.symbols = list(struct.iter_unpack("<IBBHQQ", self[".symtab"]))

    def _name(self, table: tuple[int, ...], at: int) -> str:
        start = table[4] + at
        return self._data[start : self._data.index(0, start)].decode()

    def _symbol_name(self, at: int) -> str:
        return self._name(self._headers[self.names.index(".strtab")], at)

    def __getitem__(self, name: str) -> bytes:
        header = self._headers[self.names.index(name)]
        return self._data[header[4] : header[4] + header[5]]

    def variables(self) -> dict[str, int]:
        """Where each lies in the map."""
        bss = self.names.index(".bss")
        return {
            self._symbol_name(name): value for name, _, _, section, value, _ in self.symbols if section == bss and name
        }

    def size(self, name: str) -> int:
        return self._headers[self.names.index(name)][5]

    def relocations(self, name: str) -> list[tuple[int, int, str, int]]:
        """(offset, type, section, value of the symbol) of a section's; where it is the kernel's symbol, its name and -1."""
        if f".rel{name}" not in self.names:
            return []
        found = []
        for offset, info in struct.iter_unpack("<QQ", self[f".rel{name}"]):
            symbol = self.symbols[info >> 32]
            place = (self.names[symbol[3]], symbol[4]) if symbol[3] else (self._symbol_name(symbol[0]), -1)
            found.append((offset, info & 0xFFFFFFFF, *place))
        return found


class Btf:
    """The object's types."""

    def __init__(self, data: bytes) -> None:
        _, _, _, size, types, types_len, strings, _ = struct.unpack_from("<HBBIIIII", data)
        self._strings = data[size + strings :]
        self.types: list[tuple[str, int, int, bytes]] = [("", 0, 0, b"")]  # name, kind, size or type, what follows
        at = size + types
        while at < size + types + types_len:
            name, info, size_or_type = struct.unpack_from("<III", data, at)
            kind, vlen = info >> 24 & 31, info & 0xFFFF
            end = at + 12 + FIXED.get(kind, 0) + EACH.get(kind, 0) * vlen
            self.types.append((self.string(name), kind, size_or_type, data[at + 12 : end]))
            at = end

    def string(self, at: int) -> str:
        return self._strings[at : self._strings.index(0, at)].decode()

    def bare(self, number: int) -> tuple[str, int, int, bytes]:
        while self.types[number][1] in ALIASES:
            number = self.types[number][2]
        return self.types[number]

    def access(self, root: int, spec: str) -> Access:
        """What an access string, "0:2:1", says of a type: its first number counts structs, and is 0."""
        name, kind, _, rest = self.bare(root)
        steps, path = [int(step) for step in spec.split(":")], ""
        if steps[0] or kind not in {STRUCT, UNION} or not name:
            sys.exit(f"expected an access to a member of a struct, found {name or kind} {spec}")
        for step in steps[1:]:
            if kind == ARRAY:
                (number,) = struct.unpack_from("<I", rest)
                path += f"[{step}]"
            else:
                text, number, _ = struct.unpack_from("<III", rest, 12 * step)
                path += "." * bool(path) + self.string(text)
            _, kind, _, rest = self.bare(number)
        return name.partition("___")[0], path, KINDS[kind]


@dataclass
class Function:
    """A section of code with one function in it."""

    words: list[int]
    calls: list[tuple[int, str]]  # (instruction, section)
    relocations: list[tuple[int, int, Access]] = field(default_factory=list)  # (instruction, kind, access)


def functions(elf: Elf) -> dict[str, Function]:
    found = {}
    for name in (".text", *PROGRAMS):
        words = [word for (word,) in struct.iter_unpack("<Q", elf[name])]
        function = found[name] = Function(words, [])
        for offset, kind, section, value in elf.relocations(name):
            at = offset // 8
            if kind == R_64 and section == ".bss" and words[at] & 0xFF == LD_IMM64:
                words[at + 1] += value + (words[at] >> 32) << 32
                words[at] = words[at] & 0x0FFF | PSEUDO_MAP_VALUE << 12
            elif kind == R_CALL and section == ".text" and value == 0:
                function.calls.append((at, section))
            elif kind == R_CALL and value == -1:
                words[at] = words[at] & 0x0FFF | PSEUDO_KFUNC_CALL << 12
                function.relocations.append((at, TYPE, (section, "", "FUNC")))
            else:
                sys.exit(f"{name}: unexpected relocation {kind} to {section}+{value}")
    btf, ext = Btf(elf[".BTF"]), elf[".BTF.ext"]
    size, *_, at, length = struct.unpack_from("<4x7I", ext)
    at += size
    end = at + length
    (record,) = struct.unpack_from("<I", ext, at)
    at += 4
    while at < end:
        section, count = struct.unpack_from("<II", ext, at)
        at += 8
        for _ in range(count):
            offset, type_, spec, kind = struct.unpack_from("<IIII", ext, at)
            access = btf.access(type_, btf.string(spec))
            found[btf.string(section)].relocations.append((offset // 8, kind, access))
            at += record
    return found


def link(found: dict[str, Function], name: str) -> tuple[Function, list[int]]:
    """A program with what it calls behind it, and where its functions begin."""
    main, sub = found[name], found[".text"]
    if not main.calls:
        return main, [0]
    size = len(main.words)
    words = main.words + sub.words
    for at, _ in main.calls:
        words[at] = words[at] & 0xFFFFFFFF | size - at - 1 << 32
    return Function(words, [], main.relocations + [(at + size, *rest) for at, *rest in sub.relocations]), [0, size]


def types() -> bytes:
    """Types of the functions for the verifier: of the programs, and of the one that they call, with its name and arguments."""
    strings = b"\0" + b"".join(
        name.encode() + b"\0" for name in ("int", "u64", "a", "b", "c", "put_kind", *PROGRAMS.values())
    )

    def name(text: str) -> int:
        return strings.index(b"\0" + text.encode() + b"\0") + 1

    body = struct.pack("<4I", name("int"), 1 << 24, 4, 1 << 24 | 32)  # 1
    body += struct.pack("<4I", name("u64"), 1 << 24, 8, 64)  # 2
    body += struct.pack("<3I", 0, POINTER << 24, 0)  # 3: void *
    body += struct.pack("<5I", 0, FUNC_PROTO << 24 | 1, 1, name("a"), 3)  # 4
    body += struct.pack("<9I", 0, FUNC_PROTO << 24 | 3, 1, name("a"), 2, name("b"), 2, name("c"), 2)  # 5
    body += struct.pack("<3I", name("put_kind"), FUNC << 24 | 1, 5)  # TYPE_OF_SUB
    for program in PROGRAMS.values():
        body += struct.pack("<3I", name(program), FUNC << 24 | 1, 4)  # the ones after it
    return struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, len(body), len(body), len(strings)) + body + strings


def lines(values: list[str], per_line: int) -> str:
    rows = (values[i : i + per_line] for i in range(0, len(values), per_line))
    return "".join("\t" + ", ".join(row) + ",\n" for row in rows)


def array(declaration: str, values: list[str], per_line: int) -> str:
    return f"static const {declaration}[] = {{\n{lines(values, per_line)}}};\n"


def main() -> None:
    elves = [Elf(Path(path).read_bytes()) for path in sys.argv[1:]]
    if elves[0].variables() != elves[1].variables():
        sys.exit("expected the variables of both objects at the same places: their programs share one map")
    sections = {name: section for section, name in PROGRAMS.items()}
    found = [functions(elf) for elf in elves]
    programs = {name: link(found[number], sections[function]) for name, (number, function) in TAKEN.items()}
    accesses = sorted({access for program, _ in programs.values() for _, _, access in program.relocations})
    names = sorted(
        {(name, "STRUCT") for name, _, kind in accesses if kind != "FUNC"}
        | {(name, "FUNC") for name in (*(name for name, _, kind in accesses if kind == "FUNC"), *ATTACH.values())}
    )
    numbers = {name: i for i, (name, _) in enumerate(names)}
    print("/* SPDX-License-Identifier: MIT OR GPL-2.0 */")
    print(
        "/* Generated from walk.bpf.c by `make skel`; `make check` proves it. Instructions are little-endian words. */\n"
    )
    print(f"#define WALK_DATA_SIZE {elves[0].size('.bss')}")
    print(f"#define WALK_INSNS_MAX {max(len(program.words) for program, _ in programs.values())}\n")
    print(
        array(
            "struct crfd_btf_name walk_names", [f'{{.name = "{name}", .kind = CRFD_BTF_{k}}}' for name, k in names], 2
        )
    )
    rows = [f'{{{numbers[name]}, CRFD_BTF_{kind}, "{path}"}}' for name, path, kind in accesses]
    print(array("struct crfd_bpf_access walk_accesses", rows, 3))
    print(array("uint8_t walk_btf", [f"{byte:#04x}" for byte in types()], 20))
    for name, (program, begins) in programs.items():
        function = TAKEN[name][1]
        print(array(f"uint64_t {name}_insns", [f"{word:#x}" for word in program.words], 6))
        relocations = [f"{{{at}, {kind}, {accesses.index(access)}}}" for at, kind, access in program.relocations]
        print(array(f"struct crfd_bpf_relo {name}_relos", relocations, 8))
        print(f"#define {name}_attach {numbers[ATTACH[function]]}\n")
        main_type = TYPE_OF_SUB + 1 + [*PROGRAMS.values()].index(function)
        functions_ = [f"{{{at}, {TYPE_OF_SUB if at else main_type}}}" for at in begins]
        print(array(f"struct walk_function {name}_functions", functions_, 8))


main()
