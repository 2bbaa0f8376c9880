"""Puts together what was written to sockets: HTTP/1.1 answers and requests, each with the moment
at which its first byte could leave.
"""

import json
from bisect import bisect_right
from dataclasses import dataclass, field

from calls import SOCKET_CALLS, Call, Moment, TraceError


@dataclass(slots=True)
class Message:
    """An answer or a request. `moment`: when the write began that held its first byte."""

    moment: int
    first_line: str
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True)
class Acknowledgement:
    """A 202: each event's id with the number of deliveries that were promised for it."""

    moment: int
    events: dict[bytes, int]


@dataclass(slots=True)
class Post:
    """A webhook's request: the delivery's id as 44 characters, and the body."""

    moment: int
    delivery: str
    body: bytes


@dataclass(slots=True)
class _Stream:
    data: bytearray = field(default_factory=bytearray)
    offsets: list[int] = field(default_factory=list)
    moments: list[int] = field(default_factory=list)

    def append(self, call: Call) -> None:
        data = call.data()
        if data:
            self.offsets.append(len(self.data))
            self.moments.append(call.start)
            self.data += data


def messages(moments: list[Moment]) -> list[Message]:
    """Every whole message, in the order in which they began."""
    streams: dict[tuple[int, str], _Stream] = {}
    for call, is_end in moments:
        if not is_end and call.name in SOCKET_CALLS:
            socket = call.place()[1]
            if socket.startswith(("socket:", "TCP:")):
                streams.setdefault((call.run, socket), _Stream()).append(call)
    found = [message for stream in streams.values() for message in _split(stream)]
    return sorted(found, key=lambda message: message.moment)


def _split(stream: _Stream) -> list[Message]:
    found: list[Message] = []
    data, at = bytes(stream.data), 0
    if not (data.startswith(b"HTTP/1.1 ") or b" HTTP/1.1\r\n" in data[:8192]):
        return found  # not ours: a resolver's, for instance
    while at < len(data):
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            break  # cut off by the kill
        first_line, *lines = data[at:end].decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
        if "transfer-encoding" in headers:
            raise TraceError(f"`{first_line}` has no Content-Length: this test wants one")
        body_end = end + 4 + int(headers.get("content-length", "0"))
        if body_end > len(data):
            break
        moment = stream.moments[bisect_right(stream.offsets, at) - 1]
        found.append(Message(moment, first_line, headers, data[end + 4 : body_end]))
        at = body_end
    return found


def acknowledgements(found: list[Message]) -> list[Acknowledgement]:
    """The answers with status 202."""
    acknowledged = []
    for message in found:
        if message.first_line.startswith("HTTP/1.1 202"):
            events = {
                bytes.fromhex(event["id"].replace("-", "")): event["deliveries"]
                for event in json.loads(message.body)["events"]
            }
            acknowledged.append(Acknowledgement(message.moment, events))
    return acknowledged


def posts(found: list[Message]) -> list[Post]:
    """The webhooks' requests, retries too."""
    return [
        Post(message.moment, message.headers["webhook-id"], message.body)
        for message in found
        if message.first_line.startswith("POST ") and "webhook-id" in message.headers
    ]
