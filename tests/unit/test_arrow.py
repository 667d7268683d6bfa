# SPDX-License-Identifier: MIT
"""Tables of an image as Arrow streams: against what is printed, by a reader of our own, and in the libraries that take them."""

from __future__ import annotations

import gc
import json
import os
import pickle
import pydoc
import struct
import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import datetime, timezone
from importlib import import_module
from pathlib import Path
from typing import Any

import psutil
import pytest

import crfd
from crfd._core.arrow import tables
from crfd._core.columns import Column, ImageReader, Render, columns
from crfd.format.records import RecordType
from tests import arrow
from tests.conftest import CI
from tests.images import Fd, File, Task, image, sample
from tests.procs import opened

DATA = Path(__file__).parents[1] / "data"
GOLDEN = sorted(DATA.glob("kinds-*.crfd"))
BAD = b"bad-\xff\xfe"
OBJECTS = {"detail", "locks", "owner", "map", "held", "socket.name", "socket.peer"}  # in JSON more than a text


def shown(golden: crfd.Image, names: tuple[str, ...]) -> list[dict[str, Any]]:
    """The rows of descriptors as `crfd show --json` prints them."""
    reader, render = ImageReader(golden.view, None), Render(("held", *names), "json")
    found = [json.loads(line) for piece in render.rows(reader) for line in bytes(piece).splitlines()]
    return [row for row in found if row.pop("held", "fd") == "fd"]


def signed(value: Any) -> Any:
    """64 bits without a sign as those with one."""
    return value - (1 << 64) if isinstance(value, int) and value >= 1 << 63 else value


def as_arrow(value: Any, column: Column) -> Any:
    """Return what JSON says as Arrow has it: text as UTF-8, numbers with a sign, times as seconds."""
    if column.unit == "time" and value is not None:
        return int(datetime.fromisoformat(value.replace("Z", "+00:00")).timestamp())
    if column.type == "text" and value is not None:
        return os.fsencode(value).decode("utf-8", "backslashreplace")
    return signed(value)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_descriptors_say_what_is_printed(path: Path) -> None:
    with crfd.open(path) as golden:
        names = tuple(name for name in golden.table().choices if name in columns() and name not in OBJECTS)
        assert len(names) > 50
        found = arrow.rows(golden.table(columns=names))
        printed = shown(golden, names)
    assert len(found) == len(printed) > 100
    for ours, theirs in zip(found, printed, strict=True):
        assert ours == {name: as_arrow(theirs.get(name), columns()[name]) for name in names}


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_tables_of_families_say_what_is_printed(path: Path) -> None:
    with crfd.open(path) as golden:
        for name in tables():
            own = tuple(column for column in golden.table(name).names if "." in column and column in columns())
            keys = ("pid", "fd")
            plain = tuple(column for column in own if column not in OBJECTS)
            if not plain:
                continue
            expected = {(row["pid"], row["fd"]): row for row in shown(golden, (*keys, *plain))}
            for row in arrow.rows(golden.table(name, columns=(*keys, *plain))):
                theirs = expected[row["pid"], row["fd"]]
                assert row == {c: as_arrow(theirs[c], columns()[c]) for c in (*keys, *plain)}


def test_every_family_and_list_has_a_table() -> None:
    own = {column for table in tables().values() for column in table.given if "." in column}
    single = {name for name, column in columns().items() if "." in name and column.type != "list"}
    assert single <= own
    for name in (name for name, column in columns().items() if column.type == "list"):
        assert any(column.startswith(f"{name}.") for column in own), name


LISTS = {
    "epoll_targets": "epoll.targets", "inotify_marks": "inotify.marks", "fanotify_marks": "fanotify.marks", "locks": "locks",
}  # fmt: skip


@pytest.mark.parametrize("table", LISTS)
@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_lists_have_a_row_an_entry(path: Path, table: str) -> None:
    column = LISTS[table]
    with crfd.open(path) as golden:
        names = ("pid", "fd", *(name for name in golden.table(table).names if name.startswith(f"{column}.")))
        found = arrow.rows(golden.table(table, columns=names))
        printed = shown(golden, ("pid", "fd", "objref", column))
    first = {
        row["objref"]: row for row in reversed(printed)
    }  # whose entries they are, however many descriptors share it
    assert found == [
        {name: signed(entry[name.removeprefix(f"{column}.")] if "." in name else row[name]) for name in names}
        for row in printed
        for entry in (first[row["objref"]] is row and row.get(column)) or ()
    ]
    assert found or table == "fanotify_marks"  # of which those images have none


def test_tables_of_a_made_image() -> None:
    made = crfd.Image(image(sample()))
    assert [row["comm"] for row in arrow.rows(made.table("tasks"))] == ["first", "leader", "follower", "empty"]
    files = arrow.rows(made.table("files", columns=["objref", "path", "path_bytes", "shared"]))
    assert [row["objref"] for row in files] == list(range(1, len(files) + 1))
    assert files[0] == {"objref": 1, "path": "/var/log/messages", "path_bytes": None, "shared": 3}
    assert files[1] == {"objref": 2, "path": "/caf\\xe9", "path_bytes": b"/caf\xe9", "shared": 1}
    refused = [row for row in arrow.rows(made) if row["error"]]
    assert [(row["fd"], row["objref"], row["kind"], row["path"]) for row in refused] == [(9, 0, None, None)]


@pytest.mark.parametrize("name", list(tables()))
def test_the_schema_is_versioned_and_explains_itself(name: str) -> None:
    view = crfd.Image(image(sample())).table(name)
    about, fields = arrow.schema(view)
    assert about == {"crfd.table": name, "crfd.version": "1"}
    assert tuple(fields) == view.names
    assert len(view.names) == len({*view.names}) <= len(view.choices)
    assert all(field[2]["comment"] for field in fields.values())
    assert {field[0] for field in fields.values()} <= {"l", "b", "u", "z", "i", "tss:UTC"}
    if name == "descriptors":
        assert {c for c, f in fields.items() if f[1]} >= {"kind", "comm", "user", "exe", "cmdline"}
        assert fields["size"][:2] == ("l", False)
        assert fields["size"][2]["unit"] == "bytes"
        assert fields["started"][:2] == ("tss:UTC", False)


@pytest.mark.parametrize(
    ("table", "names", "words"),
    [
        ("socket", None, "expected one of descriptors, files, .* found 'socket'"),
        ("tasks", ["pid", "fd"], "tasks: expected some of pid, .* found 'fd'"),
        ("tasks", ["pid", "pid"], "each column once"),
    ],
)
def test_a_wrong_name_is_told(table: str, names: list[str] | None, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        crfd.Image(image(sample())).table(table, names)


def test_a_broken_image_is_refused() -> None:
    data = bytearray(image(sample()))
    data[data.index(b"/var/log/messages") + 5] = 0  # a second NUL in a name
    with pytest.raises(crfd.FormatError):
        crfd.Image(data).__arrow_c_stream__()


def test_a_closed_image_gives_nothing() -> None:
    made = crfd.Image(image(sample()))
    view = made.table()
    made.close()
    with pytest.raises(ValueError, match="released"):
        view.__arrow_c_stream__()


def test_nobody_pays_for_ctypes_who_asks_for_no_table() -> None:
    code = "import sys, crfd; crfd.Image; print('ctypes' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True) == "False\n"


def test_a_capsule_that_nobody_reads_is_freed() -> None:
    made = crfd.Image(image(sample()))
    for _ in range(100):
        made.__arrow_c_stream__()
        made.__arrow_c_schema__()


# ---- the libraries ----


def _polars(module: Any, thing: Any) -> list[dict[str, Any]]:
    return list(module.DataFrame(thing).to_dicts())


def _pyarrow(module: Any, thing: Any) -> list[dict[str, Any]]:
    table = module.table(thing)
    table.validate(full=True)
    return list(table.to_pylist())


def _duckdb(module: Any, thing: Any) -> list[dict[str, Any]]:
    with module.connect() as connection:
        found = connection.sql("from thing")
        return [dict(zip(found.columns, row, strict=True)) for row in found.fetchall()]


def _pandas(module: Any, thing: Any) -> list[dict[str, Any]]:
    frame = module.DataFrame.from_arrow(thing)
    return [
        {name: None if module.isna(value) else value for name, value in row.items()} for row in frame.to_dict("records")
    ]


def _nanoarrow(module: Any, thing: Any) -> list[dict[str, Any]]:
    return list(module.ArrayStream(thing).read_all().to_pylist())


def _arro3(module: Any, thing: Any) -> list[dict[str, Any]]:
    table = module.Table.from_arrow(thing)
    found: list[list[Any]] = [
        [value.as_py() for chunk in table.column(name).chunks for value in chunk] for name in table.column_names
    ]
    return [dict(zip(table.column_names, row, strict=True)) for row in zip(*found, strict=True)]


Reader = Callable[[Any], list[dict[str, Any]]]
READERS: dict[str, Callable[[Any, Any], list[dict[str, Any]]]] = {
    "polars": _polars, "pyarrow": _pyarrow, "duckdb": _duckdb, "pandas": _pandas, "nanoarrow": _nanoarrow,
    "arro3.core": _arro3,
}  # fmt: skip


def library(name: str) -> Any:
    """An installed one; skips where it is missing, and fails where it should not be."""
    try:
        module = import_module(name)
        if name == "pandas" and not hasattr(module.DataFrame, "from_arrow"):
            raise ImportError("pandas has DataFrame.from_arrow() from 3.0 on")
    except ImportError as e:
        # The build with sanitizers has none of them: their own code is not what it looks at.
        if CI and "libasan" not in os.environ.get("LD_PRELOAD", ""):
            pytest.fail(f"{e} (CRFD_CI=1: a skip is a failure)")
        pytest.skip(f"{e}: pip install 'crfd[arrow-test]'")
    return module


@pytest.fixture(params=list(READERS))
def read(request: pytest.FixtureRequest) -> Reader:
    """The rows of a table as each library has them."""
    module = library(request.param)
    return lambda thing: READERS[request.param](module, thing)


def test_a_name_that_is_no_utf8_comes_back(read: Reader, tmp_path: Path) -> None:
    paths = [os.fsencode(tmp_path) + b"/" + name for name in (BAD, b"good", "na\u00efve".encode(), b"back\\xslash")]
    found = {}
    for path in paths:
        with opened(os.open(path, os.O_CREAT | os.O_RDWR, 0o600)) as (fd,):
            view = crfd.snapshot(os.getpid()).table(columns=["fd", "path", "path_bytes", "kind"])
        (row,) = [row for row in read(view) if row["fd"] == fd]
        assert row["kind"] == "file"
        found[path] = row["path_bytes"] if row["path_bytes"] is not None else row["path"].encode()
        assert row["path"] == path.decode("utf-8", "backslashreplace")
        assert (row["path_bytes"] is not None) == (path == paths[0])
    assert list(found) == list(found.values()) == paths


def big() -> bytes:
    """Three tasks with more rows than a record batch has, each batch with words of its own."""
    file = File(b"/big", kind=1)
    tasks = [
        Task(n, [Fd(fd, file if fd else File(b"/%d" % n)) for fd in range(60000)], b"task-%d" % n) for n in (5, 6, 7)
    ]
    return image(tasks, rfc=True)


def test_a_condition_is_on_the_rows_of_every_table(read: Reader) -> None:
    made = crfd.Image(image(sample()))
    assert [(row["pid"], row["fd"]) for row in read(made.where('path == "/var/log/messages" and fd > 0'))] == [
        (row["pid"], row["fd"]) for row in arrow.rows(made) if row["path"] == "/var/log/messages" and row["fd"] > 0
    ]
    tasks = made.table("tasks", ["pid", "comm"]).where('comm =~ "^f"')
    assert [row["comm"] for row in read(tasks)] == ["first", "follower"]
    assert read(tasks.where("fd == 0")) == []  # which no row of a task has
    assert read(made.where("pid == 0")) == []


def test_a_condition_of_another_task_finds_a_shared_file() -> None:
    made = crfd.Image(image(sample()))
    rows = arrow.rows(made)
    for pid in {row["pid"] for row in rows}:
        found = arrow.rows(made.table("files", ["objref"]).where(f"pid == {pid}"))
        expected = dict.fromkeys(row["objref"] for row in rows if row["pid"] == pid and row["objref"])
        assert [row["objref"] for row in found] == list(expected)


def test_a_shared_table_has_its_files_and_locks_once() -> None:
    lock = struct.pack("<IIiIQQ", 1, 1, 7, 0, 5, 9)
    file, table = File(b"/locked", more=[(RecordType.LOCK, lock)]), object()
    own = [(RecordType.FD_LOCK, struct.pack("<iI", 3, 0) + lock)]
    leader = Task(2, [Fd(3, file), Fd(4, File(b"/alone"))], table=table, more=own)
    made = crfd.Image(image([Task(1, [Fd(0, file)]), leader, Task(3, table=table), Task(4, [Fd(5, file)])]))
    keys = ["pid", "fd", "objref"]
    assert [tuple(row.values()) for row in arrow.rows(made.table("locks", keys))] == [(1, 0, 1), (2, 3, 1)]
    assert [row["path"] for row in arrow.rows(made.table("files", ["path"]))] == ["/locked", "/alone"]
    assert len(arrow.rows(made)) == 6
    assert [row["pid"] for row in arrow.rows(made.table("locks", keys).where("pid > 2"))] == [3, 3]


def test_tasks_that_share_a_table_wait_each_for_themselves() -> None:
    table = object()

    def waits(*pollers: tuple[int, int]) -> list[tuple[int, bytes]]:
        found = [(int(RecordType.POLLED), struct.pack("<iiII", fd, tid, 1, 0)) for fd, tid in pollers]
        return [(int(RecordType.TASK_POLLS), struct.pack("<IIiI", 2, 0, 0, 0)), *found]

    first = Task(2, [Fd(3), Fd(4)], table=table, more=waits((3, 2), (3, 20)))
    made = crfd.Image(image([first, Task(3, table=table, more=waits((4, 3))), Task(5, [Fd(3)])]))
    found = arrow.rows(made.table("pollers", ["pid", "fd", "pollers.tid"]))
    assert [tuple(row.values()) for row in found] == [(2, 3, 2), (2, 3, 20), (3, 4, 3)]
    counts = [tuple(row.values()) for row in arrow.rows(made.table("descriptors", ["pid", "fd", "polled"]))]
    assert counts == [(2, 3, 2), (2, 4, 0), (3, 3, 0), (3, 4, 1), (5, 3, None)]


def test_conditions_of_a_view_are_all_asked() -> None:
    made = crfd.Image(image(sample()))
    view = made.table(columns=["pid", "fd"]).where("fd >= 1").where(crfd.where("fd <= 2"))
    assert view.names == ("pid", "fd")
    assert {row["fd"] for row in arrow.rows(view)} == {1, 2}
    assert "where fd >= 1 and fd <= 2," in repr(view)
    with pytest.raises(crfd.QueryError):
        made.where("fd >")


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_lists_are_of_the_descriptors_that_fit(path: Path) -> None:
    with crfd.open(path) as golden:
        entries = golden.table("epoll_targets")
        every = arrow.rows(entries)
        fd = every[-1]["fd"]
        assert arrow.rows(entries.where(f"fd == {fd}")) == [row for row in every if row["fd"] == fd] != every


def test_what_was_filtered_outlives_the_image_and_the_condition(read: Reader) -> None:
    opened = crfd.Image(big())
    view = opened.table(columns=["pid", "path"]).where('path glob "/[567]"')
    capsule = view.__arrow_c_stream__()
    opened.close()
    del opened, view
    gc.collect()
    found = read(type("Kept", (), {"__arrow_c_stream__": lambda self, requested_schema=None: capsule})())
    assert found == [{"pid": pid, "path": f"/{pid}"} for pid in (5, 6, 7)]


def test_many_batches_are_one_table(read: Reader) -> None:
    found = read(crfd.Image(big()).table(columns=["pid", "fd", "comm", "path", "size", "deleted"]))
    assert len(found) == 180000
    for number in (0, 59999, 60000, 65535, 65536, 120000, 131072, 179999):
        pid, fd = 5 + number // 60000, number % 60000
        assert found[number] == {
            "pid": pid, "fd": fd, "comm": f"task-{pid}", "path": "/big" if fd else f"/{pid}", "size": None, "deleted": None,
        }  # fmt: skip


def test_all_tables_can_be_read(read: Reader) -> None:
    with crfd.open(GOLDEN[0]) as golden:
        for name in tables():
            view = golden.table(name)
            assert len(read(view)) == len(arrow.rows(view)), name


def test_a_time_is_a_time(read: Reader) -> None:
    view = crfd.snapshot(os.getpid()).table("tasks", ["pid", "started"])
    ((row),) = read(view)
    expected = psutil.Process().create_time()
    assert row["started"].tzinfo is not None
    assert abs((row["started"] - datetime.fromtimestamp(expected, timezone.utc)).total_seconds()) <= 2


def test_what_was_read_outlives_the_image(read: Reader, tmp_path: Path) -> None:
    (tmp_path / "image").write_bytes(big())
    opened = crfd.open(tmp_path / "image")
    capsule = opened.table(columns=["pid", "path"]).__arrow_c_stream__()
    opened.close()
    del opened
    (tmp_path / "image").unlink()
    gc.collect()
    found = read(type("Kept", (), {"__arrow_c_stream__": lambda self, requested_schema=None: capsule})())
    assert found[120001] == {"pid": 7, "path": "/big"}


@pytest.mark.parametrize("name", ["polars", "pyarrow"])
def test_another_thread_releases_what_was_read(name: str) -> None:
    module = library(name)
    opened = crfd.Image(big())
    kept = [module.DataFrame(opened) if name == "polars" else module.table(opened)]
    del opened
    gc.collect()
    thread = threading.Thread(target=kept.clear)
    thread.start()
    thread.join()
    assert not kept


def test_string_views_where_they_are_asked_for() -> None:
    pa = library("pyarrow")
    view = crfd.Image(image(sample())).table(columns=["pid", "path", "comm"])
    wish = pa.schema(
        [("pid", pa.int64()), ("path", pa.string_view()), ("comm", pa.dictionary(pa.int32(), pa.string()))]
    )
    found = pa.RecordBatchReader.from_stream(view, schema=wish).read_all()
    found.validate(full=True)
    assert found.schema.field("path").type == pa.string_view()
    assert found["path"].to_pylist() == [row["path"] for row in arrow.rows(view)]


# ---- the image as Python has it ----


def test_an_image_is_iterable_and_says_what_it_is() -> None:
    made = crfd.Image(image(sample()))
    assert [task.pid for task in made] == list(made.tasks)
    assert repr(made) == "<crfd.Image in memory, 4 tasks>"
    assert " |  tasks\n" in pydoc.plain(pydoc.render_doc(crfd.Image))


def test_a_task_can_be_pickled() -> None:
    for task in crfd.Image(image(sample())):
        again = pickle.loads(pickle.dumps(task))
        assert again == task
        with pytest.raises(TypeError):
            again.fds[0] = None


def test_a_snapshot_is_an_image(tmp_path: Path) -> None:
    new = os.open(tmp_path / "file", os.O_CREAT | os.O_RDWR, 0o600)
    with opened(new) as (fd,), crfd.snapshot([os.getpid()]) as taken:
        file = taken.tasks[os.getpid()].fds[fd].file
        assert file
        assert file.path == os.fsencode(tmp_path) + b"/file"
