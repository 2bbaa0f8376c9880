"""Verifies captured deliveries with Python's hmac, the standardwebhooks package, and the code that
docs/delivery.md gives to receivers.

usage: verify.py CAPTURE.json        (README.md beside this file describes the capture)
"""

import base64
import hashlib
import hmac
import json
import pathlib
import re
import sys

from standardwebhooks.webhooks import Webhook, WebhookVerificationError


PAGE = pathlib.Path(__file__).parents[2] / "docs" / "delivery.md"

# What anybody can send to a receiver. The page's code says no to it, and throws nothing.
NOT_OURS = [
    {},
    {"webhook-id": "1", "webhook-timestamp": "now", "webhook-signature": "v1,"},
    {"webhook-id": "1", "webhook-timestamp": "9" * 5000, "webhook-signature": "v1,"},
    {"x-signature": "sha1=" + "\u00e9" * 40},
]


def code_of_the_page() -> dict:
    block = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    names: dict = {}
    exec(compile(block[1], str(PAGE), "exec"), names)
    return names


def checks_of_the_page(names: dict, secret: str, key: str, headers: dict, body: bytes) -> list:
    """The page's two functions: what each is asked, and whether it answers as it should."""
    strange = {**headers, "webhook-signature": "v1,\u00e9", "x-signature": "\u00e9\udc80"}
    checks = []
    for name, key in [("is_genuine", secret), ("is_genuine_sha1", key)]:
        ask = names[name]
        checks += [
            (f"{name} of the page says yes", ask(key, headers, body) is True),
            (f"{name} of the page refuses a changed body", ask(key, headers, body + b" ") is False),
        ]
        checks += [
            (f"{name} of the page refuses {given}", ask(key, given, body) is False)
            for given in [*NOT_OURS, strange]
        ]
    strange_id = {**headers, "webhook-id": "\udc80"}
    refused = names["is_genuine"](secret, strange_id, body) is False
    return [*checks, ("is_genuine of the page refuses a strange id", refused)]


def fits_x_signature(key: bytes, body: bytes, header: str) -> bool:
    expected = "sha1=" + hmac.new(key, body, hashlib.sha1).hexdigest()
    return hmac.compare_digest(expected.encode(), header.encode())


def fits_standard(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, headers)
    except WebhookVerificationError:
        return False
    return True


def checks(names: dict, delivery: dict) -> list[tuple[str, bool]]:
    """Each check of one delivery: what it is, and whether it holds."""
    headers = {name.lower(): value for name, value in delivery["headers"].items()}
    body = base64.b64decode(delivery["body_base64"], validate=True)
    key = base64.b64decode(delivery["key_base64"], validate=True)
    changed = body + b" "
    x_signature = headers.get("x-signature", "")
    results = [
        ("X-Signature fits", fits_x_signature(key, body, x_signature)),
        ("X-Signature refuses a changed body", not fits_x_signature(key, changed, x_signature)),
        ("there is a secret", len(delivery["secrets"]) > 0),
    ]
    for number, secret in enumerate(delivery["secrets"], start=1):
        results += [
            (f"webhook-signature fits secret {number}", fits_standard(secret, body, headers)),
            (
                f"webhook-signature refuses a changed body with secret {number}",
                not fits_standard(secret, changed, headers),
            ),
        ]
        sha1_key = "whsec_" + delivery["key_base64"]
        results += checks_of_the_page(names, secret, sha1_key, headers, body)
    return results


def main() -> int:
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return 2
    with open(sys.argv[1], encoding="utf-8") as file:
        deliveries = json.load(file)
    if not deliveries:
        print("the capture holds no delivery: the test that writes it saw none", file=sys.stderr)
        return 1
    names = code_of_the_page()
    passed = failed = 0
    for index, delivery in enumerate(deliveries):
        for what, holds in checks(names, delivery):
            passed += holds
            failed += not holds
            if not holds:
                print(f"delivery {index}: does not hold: {what}", file=sys.stderr)
    print(f"Python: {passed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
