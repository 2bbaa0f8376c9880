"""Writes small logs by hand, as strace would, for the tests of the tester."""

import json
import struct
import uuid

from calls import Moment, read

FOLDER = "/data"
WAL = f"{FOLDER}/tidings.db-wal"
PAGE_BYTES = 4096


def hexed(data: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in data)


def quoted(data: bytes | str) -> str:
    return f'"{hexed(data.encode() if isinstance(data, str) else data)}"'


def place(number: int, path: str) -> str:
    return f"{number}<{hexed(path.encode())}>"


class Script:
    """Lines of a log. Each method is a call that begins and returns, unless it says otherwise."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.frames = 0

    def moments(self) -> list[Moment]:
        return read([[f"{line}\n".encode() for line in self.lines]])

    def call(self, text: str, result: str = "0", process: int = 1) -> "Script":
        self.lines.append(f"{process} {text}) = {result}")
        return self

    def begin(self, text: str, process: int) -> "Script":
        self.lines.append(f"{process} {text} <unfinished ...>")
        return self

    def end(self, name: str, process: int, result: str = "0") -> "Script":
        self.lines.append(f"{process} <... {name} resumed>) = {result}")
        return self

    def create(self, path: str, number: int) -> "Script":
        opened = f"openat(AT_FDCWD<{hexed(b'/')}>, {quoted(path)}, O_RDWR|O_CREAT|O_CLOEXEC, 0644"
        return self.call(opened, place(number, path))

    def pwrite(self, path: str, offset: int, data: bytes, number: int = 9) -> "Script":
        text = f"pwrite64({place(number, path)}, {quoted(data)}, {len(data)}, {offset}"
        return self.call(text, str(len(data)))

    def sync(self, path: str = WAL) -> "Script":
        return self.call(f"fdatasync({place(9, path)}")

    def log_header(self) -> "Script":
        return self.pwrite(WAL, 0, struct.pack(">8I", 0x377F0682, 3007000, PAGE_BYTES, *[0] * 5))

    def frame(self, content: bytes, commits: bool = True) -> "Script":
        offset = 32 + self.frames * (24 + PAGE_BYTES)
        self.frames += 1
        header = struct.pack(">6I", 1, 7 if commits else 0, 0, 0, 0, 0)
        self.pwrite(WAL, offset, header)
        return self.pwrite(WAL, offset + 24, content.ljust(PAGE_BYTES, b"\0"))

    def send(self, data: bytes, socket: int = 50, process: int = 2) -> "Script":
        text = f"sendto({place(20, f'socket:[{socket}]')}, {quoted(data)}, {len(data)}, "
        return self.call(f"{text}MSG_NOSIGNAL, NULL, 0", str(len(data)), process)


def accepted(*events: bytes) -> bytes:
    body = json.dumps(
        {"events": [{"id": str(uuid.UUID(bytes=it)), "deliveries": 1} for it in events]}
    )
    return f"HTTP/1.1 202 Accepted\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()


def post(delivery: str, body: bytes) -> bytes:
    head = f"POST /hook HTTP/1.1\r\nwebhook-id: {delivery}\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body
