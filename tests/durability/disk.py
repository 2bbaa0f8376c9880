"""A disk that forgets: what is on it after a power cut at any moment of a log of system calls.

  write, truncate ─► pending of the file ─┐ fsync of the file ─► durable content
  create, rename, unlink ─► pending names ┘ fsync of the folder ─► durable names
  power cut ─► what is durable, and of what is pending: nothing, some, or torn parts of some

Stricter than file systems in use: a new file's name is lost unless its folder was synced. Not
followed: writes through a shared mapping; SQLite makes them to the `-shm` file alone, which it
builds anew when it opens a database after a crash.
"""

import random
from dataclasses import dataclass, field

from calls import Call, Moment, TraceError

SECTOR_BYTES = 512
# What becomes of what was not synced.
FATES = ("dropped", "some kept", "torn", "all kept")


@dataclass(slots=True)
class Change:
    """Bytes at an offset, or (`data` is None) the file's new size."""

    offset: int
    data: bytes | None
    call: Call

    def apply(self, content: bytearray) -> None:
        if self.data is None:
            grow(content, self.offset)
            del content[self.offset :]
        elif self.data:
            grow(content, self.offset + len(self.data))
            content[self.offset : self.offset + len(self.data)] = self.data

    def sectors(self) -> list["Change"]:
        """The change cut where a disk may tear it."""
        if self.data is None:
            return [self]
        pieces, at = [], 0
        while at < len(self.data):
            end = at + SECTOR_BYTES - (self.offset + at) % SECTOR_BYTES
            pieces.append(Change(self.offset + at, self.data[at:end], self.call))
            at = end
        return pieces


def grow(content: bytearray, size: int) -> None:
    if len(content) < size:
        content.extend(bytes(size - len(content)))


@dataclass(slots=True, eq=False)
class File:
    """What is durable of a file, and what came after, in the order in which it was written."""

    durable: bytearray = field(default_factory=bytearray)
    pending: list[Change] = field(default_factory=list)

    def sync(self, started: int) -> None:
        """Makes durable what had been written when the sync began."""
        kept = []
        for change in self.pending:
            if change.call.end is not None and change.call.end < started:
                change.apply(self.durable)
            else:
                kept.append(change)
        self.pending = kept

    def after_power_cut(self, fate: str, chance: random.Random) -> bytearray:
        content = bytearray(self.durable)
        for change in surviving(self.pending, fate, chance):
            change.apply(content)
        return content


def surviving(pending: list[Change], fate: str, chance: random.Random) -> list[Change]:
    """The pending changes that reached the disk, in the order in which they did."""
    if fate == "dropped":
        return []
    if fate == "all kept":
        return pending
    pieces = pending
    if fate == "torn":
        pieces = [piece for change in pending for piece in change.sectors()]
    kept_share = chance.random()
    kept = [piece for piece in pieces if chance.random() < kept_share]
    # A new size is ordered with what came before and after it; writes are not ordered at all.
    ordered: list[Change] = []
    batch: list[Change] = []
    for piece in kept:
        if piece.data is None:
            chance.shuffle(batch)
            ordered += [*batch, piece]
            batch = []
        else:
            batch.append(piece)
    chance.shuffle(batch)
    return ordered + batch


@dataclass(slots=True)
class Naming:
    """A name gets a file, or (`file` is None) loses it; `source`: by a rename from there."""

    name: str
    file: File | None
    source: str | None = None

    def apply(self, names: dict[str, File]) -> None:
        if self.source is not None:
            names.pop(self.source, None)
        if self.file is None:
            names.pop(self.name, None)
        else:
            names[self.name] = self.file


class Disk:
    """One flat folder of files. `syncs_work` False: a disk that lies, to test the tester."""

    def __init__(self, folder: str, syncs_work: bool = True) -> None:
        self.folder = folder
        self.syncs_work = syncs_work
        self.names: dict[str, File] = {}
        self.durable_names: dict[str, File] = {}
        self.pending_names: list[tuple[Naming, Call]] = []
        self.positions: dict[tuple[int, int], int] = {}

    def apply(self, moment: Moment) -> bool:
        """Follows a call. True when it changed what a power cut would leave."""
        call, is_end = moment
        if call.failed:
            return False
        if call.name in ("fsync", "fdatasync"):
            return is_end and self._sync(call)
        # What a call changes may be there as soon as it began.
        if is_end:
            return False
        match call.name:
            case "openat":
                return self._open(call)
            case "write" | "writev" | "pwrite64":
                return self._write(call)
            case "ftruncate":
                return self._truncate(call)
            case "lseek":
                number, path = call.place()
                if self._inside(path) and call.result is not None:
                    self.positions[call.run, number] = call.result
            case "rename" | "renameat" | "renameat2" | "unlink" | "unlinkat" | "link" | "linkat":
                return self._name(call)
        return False

    def image(self, fate: str, chance: random.Random) -> dict[str, bytearray]:
        """The folder after a power cut now: the files' names and contents."""
        names = dict(self.durable_names)
        # Names are kept by a journal: what is durable of them is a beginning, in order.
        kept = {"dropped": 0, "all kept": len(self.pending_names)}.get(
            fate, chance.randint(0, len(self.pending_names))
        )
        for naming, _ in self.pending_names[:kept]:
            naming.apply(names)
        return {
            self._short(name): file.after_power_cut(fate, chance) for name, file in names.items()
        }

    def forget_contents(self) -> None:
        """For who only counts changes: nothing written need be kept."""
        for file in self.names.values():
            file.pending.clear()

    def _inside(self, path: str) -> bool:
        return path.startswith(self.folder + "/")

    def _short(self, path: str) -> str:
        return path[len(self.folder) + 1 :]

    def _rename(self, naming: Naming, call: Call) -> bool:
        naming.apply(self.names)
        self.pending_names.append((naming, call))
        return True

    def _open(self, call: Call) -> bool:
        path = call.paths()[0]
        if not self._inside(path):
            return False
        if call.result is not None:
            self.positions[call.run, call.result] = 0
        changed = False
        if b"O_CREAT" in call.arguments and path not in self.names:
            changed = self._rename(Naming(path, File()), call)
        if b"O_APPEND" in call.arguments:
            raise TraceError(f"{path} is opened for appending, and this test does not follow that")
        if b"O_TRUNC" in call.arguments and path in self.names:
            self.names[path].pending.append(Change(0, None, call))
            changed = True
        return changed

    def _write(self, call: Call) -> bool:
        number, path = call.place()
        if path not in self.names:
            return False
        data = call.data()
        if call.name == "pwrite64":
            offset = call.last_number()
        else:
            offset = self.positions.get((call.run, number), -1)
            if offset < 0:
                raise TraceError(f"{path} is written through a descriptor of unknown position")
            self.positions[call.run, number] = offset + len(data)
        self.names[path].pending.append(Change(offset, data, call))
        return True

    def _truncate(self, call: Call) -> bool:
        _, path = call.place()
        if path not in self.names:
            return False
        self.names[path].pending.append(Change(call.last_number(), None, call))
        return True

    def _name(self, call: Call) -> bool:
        paths = call.paths()
        if not any(self._inside(path) for path in paths):
            return False
        if call.name.startswith("unlink"):
            return self._rename(Naming(paths[0], None), call)
        source, target = paths
        file = self.names.get(source)
        if file is None:
            raise TraceError(f"{source} gets another name, and it was never made")
        is_link = call.name.startswith("link")
        return self._rename(Naming(target, file, None if is_link else source), call)

    def _sync(self, call: Call) -> bool:
        _, path = call.place()
        if not self.syncs_work:
            return False
        if path == self.folder:
            kept = []
            for naming, made in self.pending_names:
                if made.end is not None and made.end < call.start:
                    naming.apply(self.durable_names)
                else:
                    kept.append((naming, made))
            self.pending_names = kept
            return True
        if path in self.names:
            self.names[path].sync(call.start)
            return True
        return False
