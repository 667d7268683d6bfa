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

SECTIONS = {
    "walk_fds": "iter/task_file",
    "walk_tasks": "iter/task",
    "walk_tables": "iter/task_tables",
    "walk_inside": "iter/task_inside",
    "walk_held": "iter/task_held",
}
ATTACH = {  # functions of the kernel
    "walk_fds": "bpf_iter_task_file",
    "walk_tasks": "bpf_iter_task",
    "walk_tables": "bpf_iter_task",
    "walk_inside": "bpf_iter_task",
    "walk_held": "bpf_iter_task",
}
TAKEN = {  # of which object
    "cast_fds": (0, "walk_fds"),
    "probe_fds": (1, "walk_fds"),
    "cast_tasks": (0, "walk_tasks"),
    "probe_tasks": (1, "walk_tasks"),
    "walk_tables": (0, "walk_tables"),
    "walk_inside": (0, "walk_inside"),
    "walk_held": (0, "walk_held"),
}
SHARED = ("walk_ask", "walk_room")  # variables that the reader maps: they come first
R_64, R_CALL = 1, 10  # relocations of the object: the address of a variable or a function, a call
LD_IMM64, PSEUDO_MAP_VALUE, PSEUDO_FUNC, PSEUDO_CALL, PSEUDO_KFUNC_CALL = 0x18, 2, 4, 1, 2
TYPE = 7  # of enum bpf_core_relo_kind
STT_FUNC, STATIC, GLOBAL = 2, 0, 1
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
        """The size of each."""
        bss = self.names.index(".bss")
        return {
            self._symbol_name(name): size for name, _, _, section, _, size in self.symbols if section == bss and name
        }

    def functions(self) -> dict[str, tuple[str, int, int]]:
        """Section, offset and size of each."""
        return {
            self._symbol_name(name): (self.names[section], value, size)
            for name, info, _, section, value, size in self.symbols
            if info & 15 == STT_FUNC
        }

    def relocations(self, name: str) -> list[tuple[int, int, str, str]]:
        """(offset, type, section, symbol) of a section's; of the kernel's symbols the section is empty."""
        if f".rel{name}" not in self.names:
            return []
        found = []
        for offset, info in struct.iter_unpack("<QQ", self[f".rel{name}"]):
            symbol = self.symbols[info >> 32]
            section = self.names[symbol[3]] if symbol[3] else ""
            found.append((offset, info & 0xFFFFFFFF, section, self._symbol_name(symbol[0])))
        return found


class Btf:
    """The object's types."""

    def __init__(self, data: bytes) -> None:
        _, _, _, size, types, types_len, strings, _ = struct.unpack_from("<HBBIIIII", data)
        self._strings = data[size + strings :]
        self._linkage: dict[str, int] = {}
        self.types: list[tuple[str, int, int, bytes]] = [("", 0, 0, b"")]  # name, kind, size or type, what follows
        at = size + types
        while at < size + types + types_len:
            name, info, size_or_type = struct.unpack_from("<III", data, at)
            kind, vlen = info >> 24 & 31, info & 0xFFFF
            end = at + 12 + FIXED.get(kind, 0) + EACH.get(kind, 0) * vlen
            self.types.append((self.string(name), kind, size_or_type, data[at + 12 : end]))
            if kind == FUNC:
                self._linkage[self.string(name)] = vlen
            at = end

    def string(self, at: int) -> str:
        return self._strings[at : self._strings.index(0, at)].decode()

    def bare(self, number: int) -> tuple[str, int, int, bytes]:
        while self.types[number][1] in ALIASES:
            number = self.types[number][2]
        return self.types[number]

    def function(self, name: str, proto: int) -> tuple[int, int]:
        """Linkage and number of arguments of the function of that name and prototype."""
        return self._linkage[name], len(self.types[proto][3]) // 8

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
    """A function of the object."""

    words: list[int]
    uses: list[tuple[int, str]] = field(
        default_factory=list
    )  # (instruction, function that it calls or has the address of)
    relocations: list[tuple[int, int, Access]] = field(default_factory=list)  # (instruction, kind, access)
    arguments: int = 1
    linkage: int = GLOBAL


def find_functions(elf: Elf, variables: dict[str, int]) -> dict[str, Function]:
    """All functions by name. variables: where each lies in the map."""
    places = elf.functions()
    found: dict[str, Function] = {}
    for name, (section, offset, size) in places.items():
        words = [word for (word,) in struct.iter_unpack("<Q", elf[section][offset : offset + size])]
        found[name] = Function(words)

    def at(section: str, offset: int) -> tuple[Function, int]:
        for name, (own, start, size) in places.items():
            if own == section and start <= offset < start + size:
                return found[name], (offset - start) // 8
        sys.exit(f"{section}+{offset}: expected to be in a function")

    def called(section: str, offset: int) -> str:
        return next(name for name, (own, start, _) in places.items() if (own, start) == (section, offset))

    for section in dict.fromkeys(section for section, _, _ in places.values()):
        for offset, kind, target, symbol in elf.relocations(section):
            function, i = at(section, offset)
            word = function.words[i]
            if kind == R_64 and target == ".bss" and word & 0xFF == LD_IMM64:
                function.words[i + 1] += variables[symbol] + (word >> 32) << 32
                function.words[i] = word & 0x0FFF | PSEUDO_MAP_VALUE << 12
            elif kind == R_64 and target == ".text":
                function.words[i] = word & 0x0FFF | PSEUDO_FUNC << 12
                function.uses.append((i, called(target, word >> 32)))
            elif kind == R_CALL and target == ".text" and symbol in places:
                function.words[i] = word & 0x0FFF | PSEUDO_CALL << 12
                function.uses.append((i, symbol))
            elif kind == R_CALL and not target:
                function.words[i] = word & 0x0FFF | PSEUDO_KFUNC_CALL << 12
                function.relocations.append((i, TYPE, (symbol, "", "FUNC")))
            else:
                sys.exit(f"{section}: unexpected relocation {kind} to {target} {symbol}")
    btf, ext = Btf(elf[".BTF"]), elf[".BTF.ext"]
    size, *_, start, length = struct.unpack_from("<4x7I", ext)
    start += size
    end = start + length
    (record,) = struct.unpack_from("<I", ext, start)
    start += 4
    while start < end:
        section, count = struct.unpack_from("<II", ext, start)
        start += 8
        for _ in range(count):
            offset, type_, spec, kind = struct.unpack_from("<IIII", ext, start)
            function, i = at(btf.string(section), offset)
            function.relocations.append((i, kind, btf.access(type_, btf.string(spec))))
            start += record
    for name, kind, type_, _ in btf.types:
        if kind == FUNC and name in found:
            found[name].linkage, found[name].arguments = btf.function(name, type_)
    return found


@dataclass
class Program:
    """A function with all that it uses behind it."""

    words: list[int]
    relocations: list[tuple[int, int, Access]]
    begins: dict[str, int]  # where its functions do


def link(found: dict[str, Function], name: str) -> Program:
    begins: dict[str, int] = {}
    waiting, size = [name], 0
    while waiting:
        function = waiting.pop(0)
        if function not in begins:
            begins[function] = size
            size += len(found[function].words)
            waiting += [used for _, used in found[function].uses]
    program = Program([], [], begins)
    for function, begin in begins.items():
        words = list(found[function].words)
        for i, used in found[function].uses:
            words[i] = words[i] & 0xFFFFFFFF | (begins[used] - begin - i - 1 & 0xFFFFFFFF) << 32
        program.words += words
        program.relocations += [(i + begin, *rest) for i, *rest in found[function].relocations]
    return program


class Types:
    """Types of functions for the verifier, which looks at the names, and at the arguments of those that are not static."""

    def __init__(self) -> None:
        self._strings = b"\0"
        self._body = b""
        self._nr = 0
        self.int = self._add("int", 1 << 24, 4, 1 << 24 | 32)
        self.u64 = self._add("u64", 1 << 24, 8, 64)
        self.pointer = self._add("", POINTER << 24, 0)
        self.of: dict[str, int] = {}

    def _name(self, text: str) -> int:
        if not text:
            return 0
        self._strings += text.encode() + b"\0"
        return len(self._strings) - len(text) - 1

    def _add(self, name: str, *words: int) -> int:
        self._body += struct.pack(f"<{len(words) + 1}I", self._name(name), *words)
        self._nr += 1
        return self._nr

    def add(self, name: str, function: Function) -> None:
        kind = self.pointer if name in SECTIONS else self.u64
        arguments = [word for i in range(function.arguments) for word in (self._name("abcde"[i]), kind)]
        proto = self._add("", FUNC_PROTO << 24 | function.arguments, self.int, *arguments)
        self.of[name] = self._add(name, FUNC << 24 | function.linkage, proto)

    def __bytes__(self) -> bytes:
        size = len(self._body)
        return (
            struct.pack("<HBBIIIII", 0xEB9F, 1, 0, 24, 0, size, size, len(self._strings)) + self._body + self._strings
        )


def lines(values: list[str], per_line: int) -> str:
    rows = (values[i : i + per_line] for i in range(0, len(values), per_line))
    return "".join("\t" + ", ".join(row) + ",\n" for row in rows)


def array(declaration: str, values: list[str], per_line: int) -> str:
    return f"static const {declaration}[] = {{\n{lines(values, per_line)}}};\n"


def lay_out(sizes: dict[str, int]) -> dict[str, int]:
    """Where each variable lies: the same for all programs, which share one map."""
    at, places = 0, {}
    for name in (*SHARED, *sorted(set(sizes) - set(SHARED))):
        places[name] = at
        at += (sizes[name] + 63) // 64 * 64
    return {**places, "": at}


def main() -> None:
    elves = [Elf(Path(path).read_bytes()) for path in sys.argv[1:]]
    if elves[0].variables() != elves[1].variables():
        sys.exit("expected the same variables in both objects: their programs share one map")
    variables = lay_out(elves[0].variables())
    found = [find_functions(elf, variables) for elf in elves]
    programs = {name: link(found[number], function) for name, (number, function) in TAKEN.items()}
    types = Types()
    for name, (number, _) in TAKEN.items():
        for function in programs[name].begins:
            if function not in types.of:
                types.add(function, found[number][function])
    accesses = sorted({access for program in programs.values() for _, _, access in program.relocations})
    names = sorted(
        {(name, "STRUCT") for name, _, kind in accesses if kind != "FUNC"}
        | {(name, "FUNC") for name in (*(name for name, _, kind in accesses if kind == "FUNC"), *ATTACH.values())}
    )
    numbers = {name: i for i, (name, _) in enumerate(names)}
    print("/* SPDX-License-Identifier: MIT OR GPL-2.0 */")
    print(
        "/* Generated from walk.bpf.c by `make skel`; `make check` proves it. Instructions are little-endian words. */\n"
    )
    print(f"#define WALK_DATA_SIZE {variables['']}")
    for name in SHARED:
        print(f"#define {name.upper()}_AT {variables[name]}")
    print(f"#define WALK_INSNS_MAX {max(len(program.words) for program in programs.values())}\n")
    print(
        array(
            "struct crfd_btf_name walk_names", [f'{{.name = "{name}", .kind = CRFD_BTF_{k}}}' for name, k in names], 2
        )
    )
    rows = [f'{{{numbers[name]}, CRFD_BTF_{kind}, "{path}"}}' for name, path, kind in accesses]
    print(array("struct crfd_bpf_access walk_accesses", rows, 3))
    print(array("uint8_t walk_btf", [f"{byte:#04x}" for byte in bytes(types)], 20))
    for name, program in programs.items():
        print(array(f"uint64_t {name}_insns", [f"{word:#x}" for word in program.words], 6))
        relocations = [f"{{{at}, {kind}, {accesses.index(access)}}}" for at, kind, access in program.relocations]
        print(array(f"struct crfd_bpf_relo {name}_relos", relocations, 8))
        print(f"#define {name}_attach {numbers[ATTACH[TAKEN[name][1]]]}\n")
        begins = [f"{{{at}, {types.of[function]}}}" for function, at in program.begins.items()]
        print(array(f"struct walk_function {name}_functions", begins, 8))


main()
