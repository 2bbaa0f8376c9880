"""The reader of logs."""

import unittest

from calls import TraceError, read, refuse_other_ways
from messages import acknowledgements, messages, posts
from script import Script, accepted, hexed, place, post, quoted

EVENT = bytes.fromhex("0177af2d72b47fffbfffffffffffffff")


class ReadingTest(unittest.TestCase):
    def test_a_call_that_was_interrupted_in_the_log_has_two_moments(self) -> None:
        script = Script().begin(f"fdatasync({place(3, '/data/a')}", 7)
        script.pwrite("/data/b", 12, b"abc").end("fdatasync", 7)
        moments = script.moments()
        self.assertEqual(
            [(it.call.name, it.is_end) for it in moments],
            [("fdatasync", False), ("pwrite64", False), ("pwrite64", True), ("fdatasync", True)],
        )
        self.assertEqual((moments[0].call.start, moments[0].call.end), (0, 3))
        self.assertEqual(moments[0].call.place(), (3, "/data/a"))
        self.assertEqual(moments[1].call.data(), b"abc")
        self.assertEqual(moments[1].call.last_number(), 12)

    def test_a_failed_call_wrote_nothing_and_a_short_one_as_much_as_it_says(self) -> None:
        text = f"write({place(3, '/a')}, {quoted(b'abcdef')}, 6"
        for result, data in [
            ("-1 EAGAIN (Resource temporarily unavailable)", b""),
            ("2", b"ab"),
            ("6", b"abcdef"),
            ("?", b"abcdef"),
        ]:
            with self.subTest(result):
                self.assertEqual(Script().call(text, result).moments()[0].call.data(), data)

    def test_a_call_that_the_kill_cut_off_never_returned(self) -> None:
        begun = f"5 fdatasync({place(3, '/a')}"
        for lines in (
            [f"{begun} <unfinished ...>) = ?", "5 +++ killed by SIGKILL +++"],
            [f"{begun} <unfinished ...>", "5 +++ killed by SIGKILL +++"],
            [f"{begun} <unfinished ...>", "5 <... fdatasync resumed> <unfinished ...>) = ?"],
            [f"{begun} <unfinished ...>", "5 <... fdatasync resumed> <detached ...>"],
            [f"{begun} <detached ...>"],
        ):
            with self.subTest(lines):
                moments = read([[line.encode() for line in lines]])
                self.assertEqual([(it.is_end, it.call.end) for it in moments], [(False, None)])
                self.assertEqual(moments[0].call.place(), (3, "/a"))

    def test_parts_of_one_write_are_put_together(self) -> None:
        parts = f"[{{iov_base={quoted(b'ab')}, iov_len=2}}, {{iov_base={quoted(b'c')}, iov_len=1}}]"
        written = Script().call(f"writev({place(3, '/a')}, {parts}, 2", "3").moments()[0].call
        name = f"{{msg_name=NULL, msg_namelen=0, msg_iov={parts}, msg_iovlen=2, msg_flags=0}}"
        sent = Script().call(f"sendmsg({place(3, '/a')}, {name}, MSG_NOSIGNAL", "3")
        self.assertEqual((written.data(), sent.moments()[0].call.data()), (b"abc", b"abc"))

    def test_names_are_made_absolute(self) -> None:
        text = f"renameat(AT_FDCWD<{hexed(b'/data')}>, {quoted('a')}, 4<{hexed(b'/b')}>, "
        call = Script().call(f"{text}{quoted('c')}").moments()[0].call
        self.assertEqual(call.paths(), ["/data/a", "/b/c"])

    def test_what_cannot_be_judged_is_refused(self) -> None:
        cut = Script().call(f"write({place(3, '/a')}, {quoted(b'abc')}..., 9", "9")
        with self.assertRaises(TraceError):
            cut.moments()[0].call.data()
        with self.assertRaises(TraceError):
            read([[b"1 <... fdatasync resumed>) = 0"]])
        ring = Script().call("io_uring_setup(8, {flags=0}", "9")
        beside = Script().call(f"fallocate({place(3, '/elsewhere/a')}, 0, 0, 9")
        within = Script().call(f"fallocate({place(3, '/data/a')}, 0, 0, 9")
        refuse_other_ways(beside.moments(), "/data/")
        for script in (ring, within):
            with self.assertRaises(TraceError):
                refuse_other_ways(script.moments(), "/data/")


class MessagesTest(unittest.TestCase):
    def test_a_202_in_two_writes_began_with_the_first(self) -> None:
        answer = accepted(EVENT)
        script = Script().send(answer[:30]).send(b"GET / HTTP/1.1\r\n\r\n", socket=51)
        script.send(answer[30:]).send(accepted(EVENT) + b"HTTP/1.1 200 OK\r\n\r\n")
        found = acknowledgements(messages(script.moments()))
        self.assertEqual([it.moment for it in found], [0, 6])
        self.assertEqual([it.events for it in found], [{EVENT: 1}, {EVENT: 1}])

    def test_posts_are_told_from_other_requests(self) -> None:
        script = Script().send(post("D1", b"one") + post("D2", b"two"))
        script.send(b"POST /graphql HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}", socket=51)
        found = posts(messages(script.moments()))
        self.assertEqual([(it.delivery, it.body) for it in found], [("D1", b"one"), ("D2", b"two")])

    def test_a_message_that_was_cut_off_is_none(self) -> None:
        self.assertEqual(messages(Script().send(accepted(EVENT)[:-1]).moments()), [])


if __name__ == "__main__":
    unittest.main()
