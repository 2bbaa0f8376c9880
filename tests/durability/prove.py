"""Proves on the real program that what was acknowledged is on the disk, and stays there.

usage: prove.py PROGRAM [--requests N] [--images N] [--seed N]     (README.md says what is proved)
"""

import argparse
import sqlite3
import sys
import tempfile
import time
from pathlib import Path

import calls
import order
import power
from messages import Acknowledgement, acknowledgements, messages, posts
from product import Recording, SetupError, record

ACKNOWLEDGED_MIN = 200
SENT_MIN = 200
SHOWN_MAX = 5
SQLITE_MIN = (3, 37)  # STRICT tables


def main() -> int:
    options = arguments()
    if sqlite3.sqlite_version_info < SQLITE_MIN:
        return fail(f"this Python has SQLite {sqlite3.sqlite_version}; it must be 3.37 or later")
    if not options.program.exists():
        return fail(f"{options.program} does not exist: cargo build --package tidings")
    started = time.monotonic()
    try:
        with tempfile.TemporaryDirectory(prefix="durability-") as scratch:
            recording = record(options.program.resolve(), Path(scratch), options.requests)
            logs = [path.open("rb") for path in recording.logs]
            moments = calls.read(logs)
            key = (Path(recording.folder) / "tidings.key").read_bytes()
        calls.refuse_other_ways(moments, recording.folder)
        found = messages(moments)
        ledger = power.Ledger(acknowledgements(found), posts(found), key=key)
        print(
            f"recorded {len(moments)} beginnings and ends of calls "
            f"in {time.monotonic() - started:.0f} s",
            flush=True,
        )
        proved = [
            prove_enough(recording, ledger),
            prove_order(moments, recording, ledger),
            prove_power(moments, recording, ledger, options),
        ]
    except (calls.TraceError, SetupError) as error:
        return fail(str(error))
    return 0 if all(proved) else 1


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="prove.py", description=__doc__.splitlines()[0])
    parser.add_argument("program", type=Path, help="the built program, target/debug/tidings")
    parser.add_argument("--requests", type=int, default=300, help="to be acknowledged in the load")
    parser.add_argument("--images", type=int, default=300, help="power cuts to try")
    parser.add_argument("--seed", type=int, default=1, help="what the power cuts are drawn from")
    return parser.parse_args()


def fail(what: str) -> int:
    print(f"durability: {what}", file=sys.stderr)
    return 1


def verdict(what: str, wrong: list[str], details: str) -> bool:
    """Prints the summary line, and some of what is wrong."""
    print(f"{what}: {'FAILED' if wrong else 'proved'}: {details}", flush=True)
    for line in wrong[:SHOWN_MAX]:
        print(f"  {line}", file=sys.stderr)
    if len(wrong) > SHOWN_MAX:
        print(f"  and {len(wrong) - SHOWN_MAX} more", file=sys.stderr)
    return not wrong


def prove_enough(recording: Recording, ledger: power.Ledger) -> bool:
    """A run in which too little was seen proves nothing."""
    wrong = []
    if len(ledger.acknowledged) < ACKNOWLEDGED_MIN:
        wrong.append(f"only {len(ledger.acknowledged)} answers 202, {ACKNOWLEDGED_MIN} are needed")
    if len(ledger.sent) < SENT_MIN:
        wrong.append(f"only {len(ledger.sent)} POSTs to webhooks, {SENT_MIN} are needed")
    traced = {event.hex() for answer in ledger.acknowledged for event in answer.events}
    unseen = {seen.replace("-", "") for seen in recording.ids_seen} - traced
    wrong += [f"a client got a 202 for {event} that is not in the log" for event in unseen]
    if recording.posts_seen > len(ledger.sent):
        wrong.append(f"{recording.posts_seen} POSTs arrived, {len(ledger.sent)} are in the log")
    events = sum(len(answer.events) for answer in ledger.acknowledged)
    return verdict(
        "enough happened",
        wrong,
        f"{len(ledger.acknowledged)} answers 202 for {events} events, {len(ledger.sent)} POSTs",
    )


def prove_order(
    moments: list[calls.Moment], recording: Recording, ledger: power.Ledger
) -> bool:
    """The log's order; and that a log without syncs, and an early 202, are not let through."""
    wal = f"{recording.folder}/tidings.db-wal"
    report = order.judge(moments, wal, ledger.acknowledged, ledger.sent)
    wrong = list(report.violations)
    unsynced = [it for it in moments if it.call.name not in ("fsync", "fdatasync")]
    blind = order.judge(unsynced, wal, ledger.acknowledged, ledger.sent)
    events = sum(len(answer.events) for answer in ledger.acknowledged)
    if len(blind.violations) != events + len(ledger.sent):
        wrong.append(
            f"the tester is blind: without syncs it finds {len(blind.violations)} violations "
            f"in {events} events and {len(ledger.sent)} POSTs"
        )
    wrong += blind_to_haste(moments, wal, ledger)
    return verdict(
        "order (sync, then 202; sync, then POST)",
        wrong,
        f"{report.acknowledged} answers 202 and {report.sent} POSTs against "
        f"{report.transactions} commits and {report.syncs} syncs of the log, "
        f"{len(report.violations)} too early; without syncs {len(blind.violations)}",
    )


def blind_to_haste(
    moments: list[calls.Moment], wal: str, ledger: power.Ledger
) -> list[str]:
    """Plants answers that leave when the sync that covers them has only begun."""
    ids = order.Needles({event for it in ledger.acknowledged for event in it.events}, 16)
    coverage = order.cover(moments, wal, ids, order.Needles(set(), 1))
    hasty = [
        Acknowledgement(durable_at - 1, {event: 0})
        for event in coverage.committed
        if (durable_at := coverage.durable_at(event)) is not None
    ]
    found = len(order.judge(moments, wal, hasty, []).violations)
    if found == len(hasty) and hasty:
        return []
    return [f"the tester is blind: {len(hasty)} early answers were planted, {found} found"]


def prove_power(
    moments: list[calls.Moment],
    recording: Recording,
    ledger: power.Ledger,
    options: argparse.Namespace,
) -> bool:
    """Power cuts on a disk that keeps what was synced; and on one that lies, which must be seen."""
    folder, seed = recording.folder, options.seed
    report = power.cut(moments, folder, ledger, options.images, seed)
    wrong = list(report.violations)
    if report.images < options.images:
        wrong.append(f"only {report.images} of {options.images} power cuts were possible")
    if report.in_checkpoint < 10:
        wrong.append(f"only {report.in_checkpoint} images lie within a checkpoint")
    if report.with_acknowledged < report.images // 2:
        wrong.append(f"only {report.with_acknowledged} images had anything acknowledged")
    lying = power.cut(
        moments, folder, ledger, max(20, options.images // 20), seed + 1,
        syncs_work=False, fates=("dropped", "some kept"),
    )
    caught = sum("lost" in found or "cannot be read" in found for found in lying.violations)
    if caught * 2 < lying.with_acknowledged or caught == 0:
        wrong.append(
            f"the tester is blind: with syncs ignored, {caught} of {lying.images} "
            "images were found to have lost something"
        )
    fates = ", ".join(f"{count} {fate}" for fate, count in sorted(report.fates.items()))
    return verdict(
        "power cuts",
        wrong,
        f"{report.images} images ({report.in_checkpoint} within a checkpoint; unsynced: {fates}), "
        f"{report.with_acknowledged} with acknowledged events, {report.events} events and "
        f"{report.payloads} payloads looked for, {len(report.violations)} images wrong; "
        f"with syncs ignored {caught} of {lying.images}",
    )


if __name__ == "__main__":
    sys.exit(main())
