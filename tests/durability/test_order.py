"""The judge of order, on logs with planted violations."""

import unittest

from messages import acknowledgements, messages, posts
from order import judge
from script import WAL, Script, accepted, place, post

EVENT = bytes.fromhex("0177af2d72b47fffbfffffffffffffff")
OTHER = bytes.fromhex("0177af2d72b47fffbffffffffffffffe")
BODY = b'{"webhook":{"id":"D1"},"data":{"a":"' + b"a" * 900 + b'"}}'
BEGIN_SYNC = f"fdatasync({place(9, WAL)}"


def violations(script: Script) -> list[str]:
    moments = script.moments()
    found = messages(moments)
    return judge(moments, WAL, acknowledgements(found), posts(found)).violations


class OrderTest(unittest.TestCase):
    def check(self, script: Script, *words: str) -> None:
        """One violation for each of the words, which it contains."""
        found = violations(script)
        self.assertEqual(len(found), len(words), found)
        for violation, word in zip(found, words):
            self.assertIn(word, violation)

    def test_sync_then_202_is_right(self) -> None:
        self.check(Script().log_header().frame(EVENT).sync().send(accepted(EVENT)))

    def test_a_202_before_the_sync_is_found(self) -> None:
        self.check(
            Script().log_header().frame(EVENT).send(accepted(EVENT)).sync(), EVENT.hex()
        )

    def test_a_202_while_the_sync_is_under_way_is_found(self) -> None:
        script = Script().log_header().frame(EVENT).begin(BEGIN_SYNC, 1)
        self.check(script.send(accepted(EVENT)).end("fdatasync", 1), "the sync returned at")

    def test_a_202_without_any_sync_is_found(self) -> None:
        self.check(Script().log_header().frame(EVENT).send(accepted(EVENT)), "without any synced")

    def test_a_202_for_what_was_never_written_is_found(self) -> None:
        self.check(Script().log_header().frame(b"x").sync().send(accepted(EVENT)), "without any")

    def test_a_sync_that_began_before_the_write_ended_covers_nothing(self) -> None:
        script = Script().log_header().begin(BEGIN_SYNC, 3).frame(EVENT).end("fdatasync", 3)
        self.check(script.send(accepted(EVENT)), "without any synced")

    def test_a_sync_of_another_file_covers_nothing(self) -> None:
        script = Script().log_header().frame(EVENT).sync("/data/tidings.db")
        self.check(script.send(accepted(EVENT)), "without any synced")

    def test_a_sync_that_failed_covers_nothing(self) -> None:
        script = Script().log_header().frame(EVENT)
        script.call(BEGIN_SYNC, "-1 EIO (Input/output error)")
        self.check(script.send(accepted(EVENT)), "without any synced")

    def test_a_sync_before_the_transactions_last_frame_covers_nothing(self) -> None:
        script = Script().log_header().frame(EVENT, commits=False).sync().frame(b"y")
        self.check(script.send(accepted(EVENT)).sync(), EVENT.hex())

    def test_one_sync_covers_a_whole_group(self) -> None:
        script = Script().log_header().frame(EVENT, commits=False).frame(OTHER).sync()
        self.check(script.send(accepted(OTHER)).send(accepted(EVENT), socket=51))

    def test_a_page_that_is_written_again_later_does_not_count_against_an_answer(self) -> None:
        script = Script().log_header().frame(EVENT).sync().frame(EVENT + OTHER)
        self.check(script.send(accepted(EVENT)).sync().send(accepted(OTHER), socket=51))

    def test_only_the_early_one_of_an_answer_to_several_is_named(self) -> None:
        script = Script().log_header().frame(EVENT).sync().frame(EVENT + OTHER)
        self.check(script.send(accepted(EVENT, OTHER)).sync(), OTHER.hex())

    def test_a_body_is_sent_after_its_sync(self) -> None:
        script = Script().log_header().frame(b"row" + BODY).sync().send(post("D1", BODY))
        self.check(script.send(post("D1", BODY)))

    def test_a_body_that_leaves_before_its_sync_is_found(self) -> None:
        script = Script().log_header().frame(BODY).send(post("D1", BODY)).sync()
        self.check(script.send(post("D1", BODY)), "D1: its POST")

    def test_a_body_that_differs_from_the_frozen_one_is_found(self) -> None:
        script = Script().log_header().frame(BODY).sync()
        self.check(script.send(post("D1", BODY[:-3] + b'b"}')), "D1: its POST")

    def test_a_log_that_begins_anew_is_followed(self) -> None:
        script = Script().log_header().frame(EVENT).sync().send(accepted(EVENT))
        script.frames = 0
        script.log_header().sync().frame(OTHER)
        self.check(script.send(accepted(OTHER)).sync(), OTHER.hex())


if __name__ == "__main__":
    unittest.main()
