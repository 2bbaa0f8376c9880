"""The program under strace: set up in a folder of its own, loaded, stopped, started, killed.

  token issue ─► serve ─► webhooks ─► load ─► SIGTERM ─► serve ─► load ─► SIGKILL in the midst of it

Every process of the program is traced from its start, so that the logs together tell all that
ever happened to the folder.
"""

import contextlib
import http.client
import http.server
import itertools
import json
import os
import re
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Callable

from calls import STRING_BYTES_MAX, TRACED

CLIENTS = 8
START_SECONDS_MAX = 60
STOP_SECONDS_MAX = 60
REQUEST_SECONDS_MAX = 60
LOAD_SECONDS_MAX = 60
ENTITY = "602cd86f3755d621aff583ee"
QUERY = """query($id: ID!) { getEnergySwitch(id: $id) { __typename
    ... on OperationFailure { description(locale: en_GB) }
    ... on EnergySwitch { id date postcode tariffName } } }"""


class SetupError(Exception):
    """The program did not do what the test needs before it can begin."""


@dataclass(slots=True)
class Recording:
    """The logs, one for each process, and the ids that clients saw in a 202."""

    folder: str
    logs: list[Path] = field(default_factory=list)
    ids_seen: set[str] = field(default_factory=set)
    posts_seen: int = 0


class QuietServer(http.server.ThreadingHTTPServer):
    """Says nothing of connections that the kill broke."""

    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_arguments: object) -> None:
        """What a sender does to its connection is none of the receiver's failures."""


class Receiver(contextlib.AbstractContextManager):
    """A webhook's server. Refuses every 16th request, so that there are retries."""

    def __init__(self) -> None:
        self.count = itertools.count(1)
        self.seen = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                outer.seen = next(outer.count)
                self.send_response(503 if outer.seen % 16 == 0 else 200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Says nothing."""

        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def __exit__(self, *_exception: object) -> None:
        self.server.shutdown()
        self.server.server_close()


class Traced(contextlib.AbstractContextManager):
    """One process of the program under strace."""

    def __init__(self, log: Path, command: list[str]) -> None:
        strace = [
            "strace", "--follow-forks", "--seccomp-bpf", "--decode-fds=path", "-xx", "--quiet=all",
            "--signal=none", f"--string-limit={STRING_BYTES_MAX}", f"--output={log}",
            f"--trace={','.join(sorted(TRACED))}",
        ]
        self.process = subprocess.Popen(
            [*strace, "--", *command],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env={name: it for name, it in os.environ.items() if not name.startswith("TIDINGS_")},
        )

    def child(self) -> int:
        """The traced process itself: strace's only child."""
        path = f"/proc/{self.process.pid}/task/{self.process.pid}/children"
        return int(Path(path).read_text(encoding="ascii").split()[0])

    def signal(self, number: int) -> None:
        """Signals the program, and waits until it and strace are gone."""
        os.kill(self.child(), number)
        self.process.wait(timeout=STOP_SECONDS_MAX)

    def __exit__(self, *_exception: object) -> None:
        if self.process.poll() is None:
            with contextlib.suppress(IndexError, ProcessLookupError):
                os.kill(self.child(), signal.SIGKILL)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(timeout=5)
            self.process.kill()
            self.process.wait()
        self.process.stdout.close()


class Serving(Traced):
    """`tidings serve`; `port` is where it listens on 127.0.0.1."""

    def __init__(self, log: Path, program: Path, config: Path) -> None:
        arguments = ["serve", "--listen", "127.0.0.1:0", "--config", str(config)]
        super().__init__(log, [str(program), *arguments])
        self.output: list[str] = []
        self.listens = threading.Event()
        self.port = 0
        threading.Thread(target=self._read_output, daemon=True).start()
        if not self.listens.wait(START_SECONDS_MAX):
            self.__exit__()
            raise SetupError("`serve` did not say where it listens: " + "".join(self.output))

    def _read_output(self) -> None:
        with contextlib.suppress(ValueError):  # closed under the reader, at the end
            for line in self.process.stdout:
                self.output.append(line)
                found = re.search(r"listening on http://127\.0\.0\.1:(\d+)", line)
                if found is not None:
                    self.port = int(found[1])
                    self.listens.set()

    def client(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=REQUEST_SECONDS_MAX)

    def ask(self, token: str, query: str, variables: dict) -> dict:
        """A GraphQL request that must succeed."""
        with contextlib.closing(self.client()) as client:
            body = json.dumps({"query": query, "variables": variables})
            headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
            client.request("POST", "/v1/graphql", body, headers)
            answer = json.loads(client.getresponse().read())
        problems = [it for it in (answer.get("data") or {}).values() if it and "problems" in it]
        if answer.get("errors") or problems or not answer.get("data"):
            raise SetupError(f"refused: {json.dumps(answer)[:2000]}")
        return answer["data"]


def record(program: Path, scratch: Path, requests: int) -> Recording:
    """Runs the whole course; `requests`: how many are to be acknowledged at least."""
    folder = scratch / "data"
    folder.mkdir()
    config = scratch / "tidings.toml"
    config.write_text(
        f'[secrets]\nkey = "file:{folder}/tidings.key"\n\n'
        f'[database]\nurl = "sqlite:{folder}/tidings.db"\n\n'
        '[delivery]\nallow_http = true\nallow_addresses = ["127.0.0.0/8"]\n',
        encoding="utf-8",
    )
    recording = Recording(str(folder), [scratch / f"{name}.log" for name in ("issue", "1", "2")])
    operator = issue_token(recording.logs[0], program, config)
    with Receiver() as receiver:
        with Serving(recording.logs[1], program, config) as server:
            token = set_up(server, operator, receiver)
            # On and on until the log was brought into the database at least once.
            database = folder / "tidings.db"
            before = database.stat().st_mtime_ns
            load = Load(server, token, 0, lambda: database.stat().st_mtime_ns != before)
            recording.ids_seen |= load.until(requests)
            server.signal(signal.SIGTERM)
        with Serving(recording.logs[2], program, config) as server:
            # So many more are under way that the kill comes in their midst.
            load = Load(server, token, 1_000_000)
            recording.ids_seen |= load.until(requests // 2, then=signal.SIGKILL)
        recording.posts_seen = receiver.seen
    return recording


def issue_token(log: Path, program: Path, config: Path) -> str:
    arguments = ["token", "issue", "--json", "--config"]
    with Traced(log, [str(program), *arguments, str(config)]) as issuing:
        output, _ = issuing.process.communicate(timeout=START_SECONDS_MAX)
        if issuing.process.returncode != 0:
            raise SetupError(f"`token issue` failed: {output}")
    return json.loads(output)["token"]


def set_up(server: Serving, operator: str, receiver: Receiver) -> str:
    """An application with two webhooks. Gives its token."""
    problems = "... on OperationFailure { problems { path message } }"
    add = "mutation($input: AddApplicationInput!) { addApplication(input: $input) {"
    server.ask(operator, f"{add} __typename {problems} }} }}", {"input": {"name": "ledger"}})
    add = "mutation($input: AddTokenInput!) { addToken(input: $input) {"
    scopes = ["fire:triggers", "manage:webhooks", "read:deliveries", "read:accounts"]
    given = {"application": "ledger", "kind": "APPLICATION", "scopes": scopes}
    query = f"{add} __typename ... on TokenAdded {{ token }} {problems} }} }}"
    token = server.ask(operator, query, {"input": given})["addToken"]["token"]
    add = "mutation($input: AddWebhookInput!) { addWebhook(input: $input) {"
    for name in ("first", "second"):
        given = {
            "name": name, "source": "platform", "triggers": ["EnergySwitchUpdated"],
            "url": f"{receiver.url}/{name}", "query": QUERY, "retry": {"delaysS": [1]},
        }
        server.ask(token, f"{add} __typename {problems} }} }}", {"input": given})
    return token


class Load:
    """Clients that fire triggers as fast as they are answered."""

    def __init__(
        self, server: Serving, token: str, first_number: int,
        also: Callable[[], bool] = lambda: True,
    ) -> None:
        self.also = also
        self.server = server
        self.token = token
        self.numbers = itertools.count(first_number)
        self.ids: set[str] = set()
        self.acknowledged = 0
        self.enough = threading.Event()
        self.stopping = threading.Event()
        self.problems: list[str] = []
        self.requests = 0

    def until(self, requests: int, then: int | None = None) -> set[str]:
        """Goes on until so many are acknowledged, then ends, or is ended by a signal to the
        server. Gives the ids that were acknowledged."""
        self.requests = requests
        clients = [threading.Thread(target=self._client, daemon=True) for _ in range(CLIENTS)]
        for client in clients:
            client.start()
        if not self.enough.wait(LOAD_SECONDS_MAX):
            self.problems.append(
                f"{self.acknowledged} requests were answered in {LOAD_SECONDS_MAX} s; "
                f"{requests} are needed, and one checkpoint"
            )
        if then is None:
            self.stopping.set()
        else:
            time.sleep(0.05)  # anywhere in the midst will do
            self.server.signal(then)
            self.stopping.set()
        for client in clients:
            client.join(timeout=REQUEST_SECONDS_MAX)
        if self.problems:
            output = "".join(self.server.output[-20:])
            raise SetupError(f"{self.problems[0]}\n{output}")
        return self.ids

    def _client(self) -> None:
        with contextlib.closing(self.server.client()) as client:
            while not self.stopping.is_set():
                try:
                    self._fire(client, next(self.numbers))
                except (OSError, http.client.HTTPException):
                    return  # the kill: what was asked is neither done nor undone

    def _fire(self, client: http.client.HTTPConnection, number: int) -> None:
        body = json.dumps(event_of(number) if number % 5 else [
            event_of(number, f"-{part}") for part in range(3)
        ])
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        client.request("POST", "/v1/events", body, headers)
        answer = client.getresponse()
        text = answer.read()
        if answer.status == 202:
            self.ids |= {event["id"] for event in json.loads(text)["events"]}
            self.acknowledged += 1
            if self.acknowledged >= self.requests and self.also():
                self.enough.set()
        elif answer.status not in (429, 503):
            self.problems.append(f"POST /v1/events: {answer.status} {text[:500]!r}")
            self.stopping.set()
            self.enough.set()


def event_of(number: int, part: str = "") -> dict:
    """An event. Two clients in eight share a key, so that a duplicate waits for its original."""
    key = number - 1 if number % 8 == 4 else number
    return {
        "trigger": "EnergySwitchUpdated", "id": ENTITY, "occurredAt": "2021-02-17T08:48:47.284Z",
        "idempotencyKey": f"{key}{part}",
    }
