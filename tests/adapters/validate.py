"""Asks the sample provider all that docs/adapters.md lists, and validates each call and answer
against docs/adapters.schema.json with the stock `jsonschema`.

    sample-provider on a free port ─► the five calls, a page at a time ─► the schema
                                          └─► the bytes of each document: length, hash, a PDF

Usage: validate.py PROGRAM
"""

import hashlib
import json
import pathlib
import re
import subprocess
import sys
import urllib.error
import urllib.request

from jsonschema import Draft202012Validator

ROOT = pathlib.Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "adapters.schema.json").read_text())
BILLS = 120
ANSWER_S_MAX = 30


def error_of(name, value):
    schema = {"$schema": SCHEMA["$schema"], "$ref": f"#/$defs/{name}", "$defs": SCHEMA["$defs"]}
    return next(Draft202012Validator(schema).iter_errors(value), None)


def validate(name, value):
    error = error_of(name, value)
    if error is not None:
        sys.exit(f"{name}: {error.json_path}: {error.message}")
    return value


class Adapter:
    def __init__(self, url):
        self.url = url

    def ask(self, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.url}/{path}", data, headers)
        with urllib.request.urlopen(request, timeout=ANSWER_S_MAX) as answer:
            return answer.headers, answer.read()

    def json(self, path, name, body=None, call=None):
        if call is not None:
            validate(call, body)
        headers, text = self.ask(path, body)
        assert headers["Content-Type"] == "application/json", headers["Content-Type"]
        assert len(text) <= 1024 * 1024, len(text)
        return validate(name, json.loads(text))


def credentials(password):
    return [
        {"name": "email", "value": "ada@example.com"},
        {"name": "password", "value": password},
    ]


def collect(adapter, right, cursor):
    """The documents of all pages since a cursor, and the cursor that they end with."""
    documents, more = [], True
    while more:
        body = {"credentials": right, "cursor": cursor}
        page = adapter.json("collect", "CollectAnswer", body, "CollectCall")
        assert page["result"] == "page", page
        assert page == adapter.json("collect", "CollectAnswer", body), "a call can be repeated"
        documents += page["documents"]
        cursor, more = page["cursor"], page["more"]
    return documents, cursor


def check_document(adapter, right, document):
    body = validate("DocumentCall", {"credentials": right, "key": document["key"]})
    headers, text = adapter.ask("document", body)
    assert headers["Content-Type"] == "application/octet-stream", headers["Content-Type"]
    assert int(headers["Content-Length"]) == document["bytes"] == len(text)
    assert hashlib.sha256(text).hexdigest() == document["sha256"], document
    assert text.startswith(b"%PDF-") and text.rstrip().endswith(b"%%EOF")


def check(adapter):
    described = adapter.json("describe", "Description")
    asked = [field["name"] for field in described["credentials"]]
    right, wrong = credentials("sample-password"), credentials("wrong")
    assert asked == [each["name"] for each in right], asked

    for path, name in [("check", "CheckAnswer"), ("quick-check", "QuickCheckAnswer")]:
        answer = adapter.json(path, name, {"credentials": right}, "CredentialsCall")
        assert answer["result"] == "ok", answer
        answer = adapter.json(path, name, {"credentials": wrong}, "CredentialsCall")
        assert answer["result"] == "credentials_rejected", answer
    rejected = adapter.json("collect", "CollectAnswer", {"credentials": wrong, "cursor": None})
    assert rejected["result"] == "credentials_rejected", rejected

    documents, cursor = collect(adapter, right, None)
    assert len({document["key"] for document in documents}) == len(documents) == BILLS
    for document in documents:
        check_document(adapter, right, document)
    assert collect(adapter, right, cursor)[0] == []
    adapter.ask("sample/documents", {})
    (new,) = collect(adapter, right, cursor)[0]
    check_document(adapter, right, new)

    for given, result in [(right, "gone"), (wrong, "credentials_rejected")]:
        body = {"credentials": given, "key": "nothing"}
        assert adapter.json("document", "DocumentAnswer", body)["result"] == result


def check_schema():
    """The schema is one, and refuses what it should."""
    Draft202012Validator.check_schema(SCHEMA)
    page = {"result": "page", "account": {}, "provisions": [], "documents": [], "cursor": "1",
            "more": False}
    validate("CollectAnswer", {**page, "unknown": 1})
    for change in [{"cursor": ""}, {"more": 1}, {"documents": [{}]}, {"result": "ok"},
                   {"account": {"balance": {"currency": "pounds", "amount": 1}}},
                   {"provisions": [{"key": "", "sector": "ENERGY"}]}]:
        assert error_of("CollectAnswer", {**page, **change}) is not None, change


def main(program):
    check_schema()
    command = [program, "sample-provider", "--listen", "127.0.0.1:0", "--documents", str(BILLS)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            found = re.search(r"listening on (http:\S+)", process.stderr.readline())
            assert found is not None, "the sample provider does not listen"
            check(Adapter(found.group(1)))
        finally:
            process.kill()
    print(f"the sample provider's answers and {BILLS + 1} documents are as docs/adapters.md says")


if __name__ == "__main__":
    main(sys.argv[1])
