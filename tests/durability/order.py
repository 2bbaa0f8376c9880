"""The order of things: nothing is acknowledged and nothing is sent before it is on the disk.

  write-ahead log ─► transactions (which ids and bodies each holds) ─► the sync that covers each
  sockets ─► 202 and POST: the covering sync must have returned before their first byte
"""

import os
import struct
from bisect import bisect_right
from dataclasses import dataclass, field

from calls import Moment
from messages import Acknowledgement, Post

WAL_HEADER_BYTES = 32
FRAME_HEADER_BYTES = 24


@dataclass(slots=True)
class Report:
    """What was looked at, and what was wrong."""

    acknowledged: int = 0
    sent: int = 0
    transactions: int = 0
    syncs: int = 0
    violations: list[str] = field(default_factory=list)


class Needles:
    """Byte strings to be found in pages, quickly because they begin alike."""

    def __init__(self, needles: set[bytes], key_bytes: int) -> None:
        self.key_bytes = min([key_bytes, *map(len, needles)])
        self.by_key: dict[bytes, list[bytes]] = {}
        for needle in needles:
            self.by_key.setdefault(needle[: self.key_bytes], []).append(needle)
        self.beginning = os.path.commonprefix(sorted(self.by_key)) if needles else b""

    def within(self, page: bytes) -> set[bytes]:
        """Those that are whole on the page."""
        found: set[bytes] = set()
        if not self.by_key:
            return found
        at = page.find(self.beginning)
        while at >= 0:
            for needle in self.by_key.get(page[at : at + self.key_bytes], ()):
                if page.startswith(needle, at):
                    found.add(needle)
            at = page.find(self.beginning, at + 1)
        return found


class Log:
    """The write-ahead log as it grows: knows when the last byte of a frame was written.

    SQLite's file format, section 4: a header of 32 bytes; then frames, each a header of 24 bytes
    and a page. A frame whose header names the database's size ends a transaction.
    """

    def __init__(self) -> None:
        self.data = bytearray()

    def write(self, offset: int, data: bytes) -> list[tuple[bytes, bool]]:
        """Pages that are complete with this write, and whether each ends a transaction."""
        end = offset + len(data)
        if end > len(self.data):
            self.data.extend(bytes(end - len(self.data)))
        self.data[offset:end] = data
        if len(self.data) < WAL_HEADER_BYTES:
            return []
        page_bytes = struct.unpack_from(">I", self.data, 8)[0]
        frame_bytes = FRAME_HEADER_BYTES + (65536 if page_bytes == 1 else page_bytes)
        first = max(0, (offset - WAL_HEADER_BYTES)) // frame_bytes
        complete = []
        frame_end = WAL_HEADER_BYTES + (first + 1) * frame_bytes
        while frame_end <= end:
            start = frame_end - frame_bytes
            size = struct.unpack_from(">I", self.data, start + 4)[0]
            page = bytes(self.data[start + FRAME_HEADER_BYTES : frame_end])
            complete.append((page, size != 0))
            frame_end += frame_bytes
        return complete


class Coverage:
    """When what a transaction holds was on the disk."""

    def __init__(self) -> None:
        self.committed: dict[bytes, int] = {}  # needle → its transaction's last write returned
        self.transactions = 0
        self.starts: list[int] = []
        self.ends: list[int] = []

    def durable_at(self, needle: bytes) -> int | None:
        """The moment at which the first sync returned that began after the needle's commit."""
        written = self.committed.get(needle)
        if written is None:
            return None
        ends = self.ends[bisect_right(self.starts, written) :]
        return min(ends, default=None)


def cover(moments: list[Moment], wal: str, ids: Needles, bodies: Needles) -> Coverage:
    """Follows the writes to the log and its syncs."""
    coverage, log, gathered = Coverage(), Log(), set[bytes]()
    for call, is_end in moments:
        if not is_end or call.failed:
            continue
        if call.name in ("unlink", "unlinkat") and wal in call.paths():
            log, gathered = Log(), set()
        elif call.name in ("fsync", "fdatasync") and call.place()[1] == wal:
            coverage.starts.append(call.start)
            coverage.ends.append(call.end)
        elif call.name == "pwrite64" and call.place()[1] == wal:
            for page, ends in log.write(call.last_number(), call.data()):
                gathered |= ids.within(page) | bodies.within(page)
                if ends:
                    coverage.transactions += 1
                    for needle in gathered:
                        coverage.committed.setdefault(needle, call.end)
                    gathered = set()
    _sort_by_start(coverage)
    return coverage


def _sort_by_start(coverage: Coverage) -> None:
    pairs = sorted(zip(coverage.starts, coverage.ends))
    coverage.starts = [start for start, _ in pairs]
    coverage.ends = [end for _, end in pairs]


def judge(
    moments: list[Moment], wal: str, acknowledged: list[Acknowledgement], sent: list[Post]
) -> Report:
    """Every 202 and every POST against the syncs of the log."""
    ids = Needles({event for answer in acknowledged for event in answer.events}, 16)
    # A body begins with its delivery's id. The load's bodies are small, so each is whole on a page.
    bodies = Needles({post.body for post in sent}, 96)
    coverage = cover(moments, wal, ids, bodies)
    report = Report(len(acknowledged), len(sent), coverage.transactions, len(coverage.starts))
    for answer in acknowledged:
        for event in answer.events:
            what = f"event {event.hex()}: its 202"
            report.violations += _late(what, coverage.durable_at(event), answer.moment)
    for post in sent:
        what = f"delivery {post.delivery}: its POST"
        report.violations += _late(what, coverage.durable_at(post.body), post.moment)
    return report


def _late(what: str, durable_at: int | None, moment: int) -> list[str]:
    if durable_at is None:
        return [f"{what} (moment {moment}) without any synced commit that holds it"]
    if durable_at > moment:
        return [f"{what} began at moment {moment}, the sync returned at {durable_at}"]
    return []
