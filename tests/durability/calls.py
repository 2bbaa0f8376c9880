"""Reads what `strace -f -y -xx` wrote: system calls, each with the moments at which it was seen to
begin and to return.

A moment is a place in the log, not a time of day. strace holds a thread at the entry of a call
until it has noted it, and notes a return after it happened. So whatever stands earlier in the log
as a return had really ended before whatever stands later as a beginning really began; no clock
comes into it.
"""

import re
from dataclasses import dataclass
from typing import Iterable, NamedTuple

# Longer than any buffer that the program hands over at once; `quoted` refuses a cut one.
STRING_BYTES_MAX = 4 * 1024 * 1024

SOCKET_CALLS = frozenset({"write", "writev", "sendto", "sendmsg"})
FILE_CALLS = frozenset(
    {"openat", "write", "writev", "pwrite64", "lseek", "ftruncate", "fsync", "fdatasync"}
    | {"rename", "renameat", "renameat2", "unlink", "unlinkat", "link", "linkat"}
)
# Further ways to change a file or to send. Whoever begins to use one must teach it to this test.
OTHER_WAYS = frozenset(
    {"open", "creat", "truncate", "pwritev", "pwritev2", "fallocate", "copy_file_range"}
    | {"sendfile", "sendmmsg", "io_uring_setup"}
)
TRACED = SOCKET_CALLS | FILE_CALLS | OTHER_WAYS

_UNFINISHED = b"<unfinished ...>"  # another thread's line comes between
_DETACHED = b"<detached ...>"  # the kill came while the line was being written
_RESUMED = re.compile(rb"<\.\.\. (\w+) resumed>(.*)", re.DOTALL)
_RESULT = re.compile(rb".*= (-?\d+|\?)(?:<.*)?(?: [A-Z].*)?$", re.DOTALL)
_STRING = re.compile(rb'"((?:\\x[0-9a-f]{2})*)"(\.\.\.)?')
_PLACE = re.compile(rb"^(-?\d+|AT_FDCWD)<([^>]*)>")


class TraceError(Exception):
    """The log holds something that this test cannot judge."""


@dataclass(slots=True, eq=False)
class Call:
    """One system call. `end` and `result` stay None for a call that never returned."""

    run: int
    name: str
    arguments: bytes
    start: int
    end: int | None = None
    result: int | None = None

    @property
    def failed(self) -> bool:
        return self.result is not None and self.result < 0

    def place(self) -> tuple[int, str]:
        """The first argument: a descriptor's number (-1: the working folder) and its path."""
        found = _PLACE.match(self.arguments)
        if found is None:
            return -1, ""
        number = -1 if found[1] == b"AT_FDCWD" else int(found[1])
        return number, _plain(found[2])

    def data(self) -> bytes:
        """The bytes that were written: of a call that returned, as many as it took."""
        if self.failed:
            return b""
        strings = _strings(self.arguments)
        if self.name == "sendmsg":
            strings = _strings(self.arguments[self.arguments.index(b"msg_iov=") :])
        data = b"".join(strings if self.name in ("writev", "sendmsg") else strings[:1])
        return data if self.result is None else data[: self.result]

    def paths(self) -> list[str]:
        """The paths that are arguments, made absolute with the folders beside them."""
        paths = []
        folder = ""
        for part in re.split(rb", ", self.arguments):
            place = _PLACE.match(part)
            if place is not None:
                folder = _plain(place[2])
            elif part.startswith(b'"'):
                path = _strings(part)[0].decode()
                paths.append(path if path.startswith("/") else f"{folder}/{path}")
        return paths

    def last_number(self) -> int:
        """The last argument."""
        return int(self.arguments.rsplit(b",", 1)[1])


class Moment(NamedTuple):
    """A call begins, or it returns."""

    call: Call
    is_end: bool


def _plain(path: bytes) -> str:
    return bytes.fromhex(path.replace(b"\\x", b"").decode()).decode() if b"\\x" in path else (
        path.decode()
    )


def _strings(arguments: bytes) -> list[bytes]:
    found = []
    for text, cut in _STRING.findall(arguments):
        if cut:
            raise TraceError(f"a buffer of more than {STRING_BYTES_MAX} bytes was cut in the log")
        found.append(bytes.fromhex(text.replace(b"\\x", b"").decode()))
    return found


def read(runs: Iterable[Iterable[bytes]]) -> list[Moment]:
    """The moments of several runs of the program, one run after the other."""
    moments: list[Moment] = []
    for run, lines in enumerate(runs):
        open_calls: dict[bytes, Call] = {}
        for line in lines:
            _read_line(run, line.rstrip(b"\n"), open_calls, moments)
    return moments


def _read_line(
    run: int, line: bytes, open_calls: dict[bytes, Call], moments: list[Moment]
) -> None:
    process, _, text = line.partition(b" ")
    text = text.lstrip()
    resumed = _RESUMED.match(text)
    if resumed is not None:
        # A call that began before strace was attached to its thread has no beginning here.
        call = open_calls.pop(process, None)
        if call is None or call.name != resumed[1].decode():
            raise TraceError(f"a call returns that never began: {text[:80]!r}")
        if resumed[2].endswith(_DETACHED):
            return
        call.arguments += _arguments(resumed[2])
        _end(call, resumed[2], moments)
        return
    name, bracket, rest = text.partition(b"(")
    if not bracket or not name.replace(b"_", b"").isalnum():
        return  # a signal, or the end of a process
    call = Call(run, name.decode(), b"", len(moments))
    moments.append(Moment(call, False))
    for ending in (_UNFINISHED, _DETACHED):
        if rest.endswith(ending):
            call.arguments = rest[: -len(ending)].rstrip()
            open_calls[process] = call
            return
    call.arguments = _arguments(rest)
    _end(call, rest, moments)


def _arguments(rest: bytes) -> bytes:
    close = rest.rfind(b") ")
    if close < 0:
        raise TraceError(f"not a line of strace: {rest[-80:]!r}")
    return rest[:close]


def _end(call: Call, rest: bytes, moments: list[Moment]) -> None:
    found = _RESULT.match(rest[rest.rfind(b") ") :])
    if found is None:
        raise TraceError(f"not a line of strace: {rest[-80:]!r}")
    if found[1] == b"?":
        return  # killed within the call: it may have had its effect
    call.result = int(found[1])
    call.end = len(moments)
    moments.append(Moment(call, True))


def refuse_other_ways(moments: list[Moment], folder: str) -> None:
    """Raises when the program wrote in a way that this test does not follow."""
    for call, is_end in moments:
        if is_end or call.name not in OTHER_WAYS:
            continue
        touched = [call.place()[1], *call.paths()]
        if call.name in ("sendmmsg", "io_uring_setup") or any(
            path.startswith(folder) for path in touched
        ):
            raise TraceError(f"`{call.name}` was used, and this test does not follow it: teach it")
