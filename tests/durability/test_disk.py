"""The disk that forgets, and the search for what is lost on it."""

import base64
import contextlib
import random
import sqlite3
import tempfile
import unittest
from pathlib import Path

import power
from disk import FATES, SECTOR_BYTES, Disk
from messages import Acknowledgement, Post
from script import FOLDER, Script, hexed, place, quoted

FILE = f"{FOLDER}/a"
EVENT = bytes.fromhex("0177af2d72b47fffbfffffffffffffff")
DELIVERY = EVENT + (1).to_bytes(8, "big") + (0).to_bytes(8, "big")
WIRE_ID = base64.b64encode(DELIVERY).decode()


def after(script: Script, fate: str = "dropped", seed: int = 1) -> dict[str, bytes]:
    disk = Disk(FOLDER)
    for moment in script.moments():
        disk.apply(moment)
    image = disk.image(fate, random.Random(seed))
    return {name: bytes(content) for name, content in image.items()}


def created() -> Script:
    return Script().create(FILE, 9).sync(FOLDER)


class DiskTest(unittest.TestCase):
    def test_what_is_synced_stays_whatever_becomes_of_the_rest(self) -> None:
        script = created().pwrite(FILE, 0, b"a" * 2000).sync(FILE).pwrite(FILE, 2000, b"b" * 2000)
        for fate in FATES:
            for seed in range(20):
                self.assertEqual(after(script, fate, seed)["a"][:2000], b"a" * 2000)

    def test_what_is_not_synced_is_dropped(self) -> None:
        script = created().pwrite(FILE, 0, b"old").sync(FILE).pwrite(FILE, 0, b"new")
        self.assertEqual(after(script), {"a": b"old"})
        self.assertEqual(after(script, "all kept"), {"a": b"new"})

    def test_a_sync_covers_only_what_had_been_written_when_it_began(self) -> None:
        script = created().begin(f"fdatasync({place(9, FILE)}", 3).pwrite(FILE, 0, b"late")
        self.assertEqual(after(script.end("fdatasync", 3)), {"a": b""})

    def test_a_sync_that_has_not_returned_or_failed_covers_nothing(self) -> None:
        written = created().pwrite(FILE, 0, b"new").begin(f"fdatasync({place(9, FILE)}", 3)
        self.assertEqual(after(written), {"a": b""})
        self.assertEqual(after(written.end("fdatasync", 3, "-1 EIO (I/O error)")), {"a": b""})

    def test_a_write_is_torn_between_sectors_and_nowhere_else(self) -> None:
        size = 4 * SECTOR_BYTES
        script = created().pwrite(FILE, 0, b"o" * size).sync(FILE).pwrite(FILE, 0, b"n" * size)
        seen = set()
        for seed in range(200):
            content = after(script, "torn", seed)["a"]
            sectors = [content[at : at + SECTOR_BYTES] for at in range(0, size, SECTOR_BYTES)]
            self.assertTrue(all(len(set(sector)) == 1 for sector in sectors))
            seen.add(bytes(sector[0] for sector in sectors))
        self.assertEqual(len(seen), 16, "every mixture of four sectors")

    def test_writes_reach_the_disk_in_any_order(self) -> None:
        script = created().pwrite(FILE, 0, b"1").pwrite(FILE, 0, b"2").pwrite(FILE, 0, b"3")
        seen = {after(script, "some kept", seed).get("a") for seed in range(200)}
        self.assertEqual(seen, {b"", b"1", b"2", b"3"})

    def test_a_later_write_without_an_earlier_one_leaves_zeros(self) -> None:
        script = created().pwrite(FILE, 0, b"1").pwrite(FILE, 1, b"2")
        seen = {after(script, "some kept", seed)["a"] for seed in range(200)}
        self.assertEqual(seen, {b"", b"1", b"12", b"\0002"})

    def test_a_new_name_lasts_once_its_folder_is_synced(self) -> None:
        script = Script().create(FILE, 9).pwrite(FILE, 0, b"x").sync(FILE)
        self.assertEqual(after(script), {})
        self.assertEqual(after(script.sync(FOLDER)), {"a": b"x"})

    def test_renamed_and_removed_files_come_back_until_the_folder_is_synced(self) -> None:
        script = created().pwrite(FILE, 0, b"x").sync(FILE)
        script.call(f"rename({quoted(FILE)}, {quoted(f'{FOLDER}/b')}")
        self.assertEqual(after(script), {"a": b"x"})
        script.call(f"unlink({quoted(f'{FOLDER}/b')}")
        seen = {tuple(after(script, "some kept", seed)) for seed in range(100)}
        self.assertEqual(seen, {("a",), ("b",), ()})
        self.assertEqual(after(script.sync(FOLDER)), {})

    def test_writes_without_an_offset_follow_the_position(self) -> None:
        script = created()
        for text in (b"ab", b"cd"):
            script.call(f"write({place(9, FILE)}, {quoted(text)}, 2", "2")
        script.call(f"lseek({place(9, FILE)}, 1, SEEK_SET", "1")
        script.call(f"write({place(9, FILE)}, {quoted(b'x')}, 1", "1").sync(FILE)
        self.assertEqual(after(script), {"a": b"axcd"})

    def test_a_file_can_be_cut_short(self) -> None:
        script = created().pwrite(FILE, 0, b"abc").sync(FILE)
        script.call(f"ftruncate({place(9, FILE)}, 1")
        self.assertEqual((after(script), after(script, "all kept")), ({"a": b"abc"}, {"a": b"a"}))
        emptied = f"openat(AT_FDCWD<{hexed(b'/')}>, {quoted(FILE)}, O_WRONLY|O_CREAT|O_TRUNC"
        script.call(emptied, place(9, FILE)).sync(FILE)
        self.assertEqual(after(script), {"a": b""})

    def test_files_elsewhere_are_none_of_its_business(self) -> None:
        script = Script().create("/elsewhere/a", 9).pwrite("/elsewhere/a", 0, b"x")
        self.assertEqual(after(script.sync("/elsewhere/a").sync("/elsewhere")), {})


SCHEMA = """
CREATE TABLE event (id BLOB PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE delivery (id BLOB PRIMARY KEY, payload INTEGER) WITHOUT ROWID;
CREATE TABLE payload (id INTEGER PRIMARY KEY, body BLOB);
"""


class LedgerTest(unittest.TestCase):
    """A database by hand against a ledger: an event with one delivery, and its POST."""

    def setUp(self) -> None:
        self.place = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.place / "tidings.key").write_bytes(b"key")
        answer = Acknowledgement(10, {EVENT: 1})
        self.ledger = power.Ledger([answer], [Post(20, WIRE_ID, b"body")], key=b"key")

    def check(self, moment: int, statements: str, *words: str) -> None:
        path = self.place / "tidings.db"
        path.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(path)) as database:
            database.executescript(SCHEMA + statements)
        found = power.judge(self.place, moment, "image", self.ledger).violations
        self.assertEqual(len(found), len(words), found)
        for violation, word in zip(found, words):
            self.assertIn(word, violation)

    def test_what_was_promised_must_be_there_from_its_moment_on(self) -> None:
        event = f"INSERT INTO event VALUES (x'{EVENT.hex()}');"
        unborn = f"{event} INSERT INTO delivery VALUES (x'{DELIVERY.hex()}', NULL);"
        frozen = f"{event} INSERT INTO delivery VALUES (x'{DELIVERY.hex()}', 1);"
        other = f"{frozen} INSERT INTO payload VALUES (1, CAST('other' AS BLOB));"
        whole = f"{frozen} INSERT INTO payload VALUES (1, CAST('body' AS BLOB));"
        self.check(9, "")
        self.check(9, event, "has 0 of 1 deliveries")
        self.check(10, "", "is lost")
        self.check(10, event, "has 0 of 1 deliveries")
        self.check(10, unborn)
        self.check(19, unborn)
        self.check(20, unborn, "is not frozen")
        self.check(20, frozen, "is not frozen")
        self.check(20, other, "is not frozen")
        self.check(20, whole)

    def test_the_key_must_be_whole_once_something_was_promised(self) -> None:
        (self.place / "tidings.key").unlink()
        self.check(9, "")
        self.check(10, "", "is lost; the installation's key is not whole")

    def test_an_unsound_database_is_found(self) -> None:
        path = self.place / "tidings.db"
        with contextlib.closing(sqlite3.connect(path)) as database:
            rows = "".join(f"INSERT INTO payload VALUES ({it}, zeroblob(900));" for it in range(99))
            database.executescript(SCHEMA + rows)
        content = bytearray(path.read_bytes())
        content[8192 * 2 : 8192 * 3] = b"\xff" * 8192
        path.write_bytes(content)
        found = power.judge(self.place, 5, "image", self.ledger).violations
        self.assertEqual(len(found), 1)
        self.assertIn("cannot be read", found[0])


class PowerCutTest(unittest.TestCase):
    """A real SQLite under a real strace would be the product's test; here a file's bytes do."""

    def cut(self, script: Script, syncs_work: bool = True) -> power.Report:
        ledger = power.Ledger([Acknowledgement(len(script.moments()) - 1, {EVENT: 0})], [])
        ledger.key_file, ledger.key = "tidings.db", self.database
        script.pwrite(f"{FOLDER}/z", 0, b"z")
        moments = script.moments()
        return power.cut(moments, FOLDER, ledger, 500, 1, syncs_work, ("dropped",))

    def setUp(self) -> None:
        place = Path(self.enterContext(tempfile.TemporaryDirectory())) / "tidings.db"
        with contextlib.closing(sqlite3.connect(place)) as database:
            database.executescript(f"{SCHEMA} INSERT INTO event VALUES (x'{EVENT.hex()}')")
        self.database = place.read_bytes()
        path = f"{FOLDER}/tidings.db"
        self.written = Script().create(path, 9).create(f"{FOLDER}/z", 8).sync(FOLDER)
        self.written.pwrite(path, 0, self.database)
        self.path = path

    def test_an_event_that_was_synced_before_its_answer_survives_every_cut(self) -> None:
        report = self.cut(self.written.sync(self.path).pwrite(f"{FOLDER}/z", 0, b"y"))
        self.assertEqual((report.violations, report.with_acknowledged), ([], 1))

    def test_an_event_that_was_answered_before_its_sync_is_found_lost(self) -> None:
        report = self.cut(self.written.pwrite(f"{FOLDER}/z", 0, b"y"))
        self.assertEqual(len(report.violations), 1)
        self.assertIn("is lost", report.violations[0])

    def test_a_disk_that_lies_is_found_out(self) -> None:
        script = self.written.sync(self.path).pwrite(f"{FOLDER}/z", 0, b"y")
        self.assertIn("is lost", self.cut(script, syncs_work=False).violations[0])


if __name__ == "__main__":
    unittest.main()
