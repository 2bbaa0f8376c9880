"""Power cuts: the disk as it would be after one, opened, and held against what was promised.

  log ─► disk ─► at chosen changes: an image ─► SQLite opens it ─► is it sound? Is all there that
                          was acknowledged, with its deliveries? Is all frozen that was being sent?
"""

import base64
import contextlib
import multiprocessing
import random
import shutil
import sqlite3
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from calls import Moment
from disk import FATES, Disk
from messages import Acknowledgement, Post

IMAGES_WAITING_MAX = 8
VIOLATIONS_SHOWN_MAX = 3


@dataclass(slots=True)
class Ledger:
    """What was promised, and when. `key`: the installation's key file as it was in the end."""

    acknowledged: list[Acknowledgement]
    sent: list[Post]
    database: str = "tidings.db"
    key_file: str = "tidings.key"
    key: bytes = b""


@dataclass(slots=True)
class Report:
    """What was looked at, and what was wrong."""

    images: int = 0
    with_acknowledged: int = 0
    with_sent: int = 0
    events: int = 0
    payloads: int = 0
    in_checkpoint: int = 0
    fates: Counter = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def add(self, verdict: "Verdict", fate: str) -> None:
        self.images += 1
        self.fates[fate] += 1
        self.with_acknowledged += verdict.events > 0
        self.with_sent += verdict.payloads > 0
        self.events += verdict.events
        self.payloads += verdict.payloads
        self.violations += verdict.violations


@dataclass(slots=True)
class Verdict:
    """One image: how much was promised by then, and what of it is missing."""

    events: int
    payloads: int
    violations: list[str]


@dataclass(slots=True)
class Content:
    """What the database holds."""

    events: set[bytes] = field(default_factory=set)
    deliveries: Counter = field(default_factory=Counter)
    payloads: dict[bytes, bytes] = field(default_factory=dict)


def cut(
    moments: list[Moment], folder: str, ledger: Ledger, images: int, seed: int,
    syncs_work: bool = True, fates: tuple[str, ...] = FATES,
) -> Report:
    """Cuts the power at so many changes of the disk, chosen by the seed."""
    chance = random.Random(seed)
    changes = moments_of_change(moments, folder, syncs_work)
    chosen = choose(moments, changes, f"{folder}/{ledger.database}", images, chance)
    report = Report()
    with contextlib.ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="power-cuts-")))
        fork = multiprocessing.get_context("fork")
        pool = stack.enter_context(fork.Pool(2, initializer=_keep, initargs=(ledger,)))
        waiting: list[tuple[str, multiprocessing.pool.AsyncResult]] = []
        disk = Disk(folder, syncs_work)
        for moment, what in enumerate(moments):
            if moment in chosen:
                # Just before a change: all that was promised since the last one counts.
                fate = chance.choice(fates)
                place = scratch / str(moment)
                write_image(disk.image(fate, chance), place)
                report.in_checkpoint += what.call.place()[1] == f"{folder}/{ledger.database}"
                label = f"power cut at moment {moment}, unsynced {fate}"
                waiting.append((fate, pool.apply_async(_judge, (place, moment - 1, label))))
            disk.apply(what)
            if len(waiting) >= IMAGES_WAITING_MAX:
                first_fate, result = waiting.pop(0)
                report.add(result.get(timeout=120), first_fate)
        for fate, result in waiting:
            report.add(result.get(timeout=120), fate)
    return report


def moments_of_change(moments: list[Moment], folder: str, syncs_work: bool) -> list[int]:
    """The moments at which what a power cut would leave becomes something else."""
    disk = Disk(folder, syncs_work)
    found = []
    for moment, what in enumerate(moments):
        if disk.apply(what):
            found.append(moment)
            disk.forget_contents()
    return found


def choose(
    moments: list[Moment], changes: list[int], database: str, images: int, chance: random.Random
) -> set[int]:
    """So many of the changes. A quarter, where there are so many, are to the database itself: the
    log is brought into it seldom, and that is when most can go wrong."""
    rare = [it for it in changes if moments[it].call.place()[1] == database]
    chosen = set(chance.sample(rare, min(images // 4, len(rare))))
    others = [it for it in changes if it not in chosen]
    return chosen | set(chance.sample(others, min(images - len(chosen), len(others))))


def write_image(image: dict[str, bytearray], place: Path) -> None:
    place.mkdir(parents=True)
    for name, content in image.items():
        (place / name).write_bytes(content)


_kept: list[Ledger] = []


def _keep(ledger: Ledger) -> None:
    _kept[:] = [ledger]


def _judge(place: Path, moment: int, label: str) -> Verdict:
    try:
        return judge(place, moment, label, _kept[0])
    finally:
        shutil.rmtree(place)


def judge(place: Path, moment: int, label: str, ledger: Ledger) -> Verdict:
    """Opens the image as a restart would, and looks for all that was promised before `moment`."""
    events = {
        event for answer in ledger.acknowledged if answer.moment <= moment for event in answer.events
    }
    sent = [post for post in ledger.sent if post.moment <= moment]
    verdict = Verdict(len(events), len({post.delivery for post in sent}), [])
    try:
        content = read(place / ledger.database)
    except (sqlite3.Error, UnsoundError) as error:
        verdict.violations.append(f"{label}: the database cannot be read: {error}")
        return verdict
    lost = missing(content, events, sent) + torn_apart(content, ledger)
    if events and not is_whole(place / ledger.key_file, ledger.key):
        lost.append("the installation's key is not whole")
    if lost:
        more = f" ({len(lost)} findings)" if len(lost) > VIOLATIONS_SHOWN_MAX else ""
        verdict.violations.append(f"{label}: {'; '.join(lost[:VIOLATIONS_SHOWN_MAX])}{more}")
    return verdict


def is_whole(path: Path, content: bytes) -> bool:
    return path.exists() and path.read_bytes() == content


def torn_apart(content: Content, ledger: Ledger) -> list[str]:
    """Events without all their deliveries. None may be there, acknowledged already or not yet."""
    return [
        f"event {event.hex()} has {content.deliveries[event]} of {deliveries} deliveries"
        for answer in ledger.acknowledged
        for event, deliveries in answer.events.items()
        if event in content.events and content.deliveries[event] != deliveries
    ]


def missing(content: Content, events: set[bytes], sent: list[Post]) -> list[str]:
    """What was promised and is not there, in words."""
    lost = [
        f"acknowledged event {event.hex()} is lost" for event in events - content.events
    ]
    for post in sent:
        if content.payloads.get(post.delivery.encode()) != post.body:
            lost.append(f"the payload of {post.delivery}, whose POST had begun, is not frozen")
    return lost


class UnsoundError(Exception):
    """The database opens, and its pages contradict each other."""


def read(path: Path) -> Content:
    """Recovers the database and reads it whole. A database without tables holds nothing."""
    content = Content()
    with contextlib.closing(sqlite3.connect(path)) as database:
        database.execute("PRAGMA synchronous = OFF")
        findings = [row[0] for row in database.execute("PRAGMA integrity_check")]
        if findings != ["ok"]:
            raise UnsoundError("; ".join(findings[:VIOLATIONS_SHOWN_MAX]))
        tables = {row[0] for row in database.execute("SELECT name FROM sqlite_schema")}
        if not {"event", "delivery", "payload"} <= tables:
            return content
        content.events = {row[0] for row in database.execute("SELECT id FROM event")}
        for (delivery,) in database.execute("SELECT id FROM delivery"):
            content.deliveries[delivery[:16]] += 1
        rows = database.execute(
            "SELECT delivery.id, body FROM delivery JOIN payload ON payload.id = payload"
        )
        content.payloads = {wire_id(delivery): body for delivery, body in rows}
    return content


def wire_id(delivery: bytes) -> bytes:
    """The delivery's id as the webhook's receiver sees it."""
    return base64.b64encode(delivery)
