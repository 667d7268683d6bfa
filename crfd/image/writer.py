# SPDX-License-Identifier: MIT
"""The image writer: batches in, one image out."""

from __future__ import annotations

from crfd._core.batch import Batch
from crfd._core.encode import Encoder, ObjrefTable, Totals
from crfd._core.freeze import Still
from crfd.image.sink import open_sink
from crfd.trace import listener

TYPE_CHECKING = False  # see crfd/light.py
if TYPE_CHECKING:
    from collections.abc import Sequence
    from types import TracebackType

    from crfd.image.sink import Destination


class ImageWriter:
    """Writes one record image, in memory that does not grow with its descriptors but for the objref table.

    destination is a path, "-" for standard output, or a binary file object; a terminal is refused (CrfdError). A regular file
    is written beside its name, synced and renamed when the writer is closed, so that its name never holds half an image;
    when the `with` block raises, what was there before stays. format is "crfd", or "rfc" for the fixed records of
    2008 alone, which refuses (UnsupportedError) or, with lossy, leaves out and counts what these cannot hold.
    Errors of the destination are OSErrors that name it.
    """

    def __init__(
        self, destination: Destination, *, format: str = "crfd", lossy: bool = False, backend: int = 0, flags: int = 0
    ) -> None:
        if format not in {"crfd", "rfc"}:
            raise ValueError(f"format: expected 'crfd' or 'rfc', found {format!r}")
        self._rfc = format == "rfc"
        self._lossy = lossy
        self._objrefs = ObjrefTable()
        self._encoder = Encoder(rfc=self._rfc)
        self.left_out = 0
        # Kept until a task follows: a dump that reads nobody leaves nothing, also not in a pipe.
        self._head = bytes(self._encoder.head(backend, flags))
        self._trace = listener()
        self._sink = open_sink(destination)
        self._open = True

    def write(self, batch: Batch) -> None:
        """Number and write the tasks of a batch; those that could not be read are passed over."""
        if self._rfc:
            self.left_out += batch.keep_rfc(self._lossy)
        objrefs, new = self._objrefs.add(batch.keys)
        if self._trace:
            batch.trace(self._trace, objrefs, new)
        for piece in self._encoder.batch(batch, objrefs, new):
            if piece:
                self._put(piece)

    def _put(self, piece: memoryview) -> None:
        if self._head:
            self._sink.write(memoryview(self._head))
            self._head = b""
        self._sink.write(piece)

    def write_still(self, still: Sequence[Still]) -> None:
        """Write how long each process was held; after the last batch."""
        if still:
            self._put(self._encoder.still(still))

    def write_lock_waits(self, waits: bytes) -> None:
        """Write who waits for whom (an array of crfd_lock_wait); after the last batch."""
        if waits:
            self._sink.write(self._encoder.lock_waits(waits))

    @property
    def stats(self) -> Totals:
        return self._encoder.stats()

    def close(self) -> None:
        """Write the end of the image and make it visible."""
        if not self._open:
            return
        try:
            self._put(self._encoder.held_objrefs(self._objrefs))
            self._put(self._encoder.tail())
        except BaseException:
            self.abort()
            raise
        self._open = False
        self._sink.commit()

    def abort(self) -> None:
        """Give the image up; a file of that name stays as it was."""
        if self._open:
            self._open = False
            self._sink.abort()

    def __enter__(self) -> ImageWriter:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, tb: TracebackType | None) -> None:
        if kind is None:
            self.close()
        else:
            self.abort()
