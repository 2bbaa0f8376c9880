"""A public client of Auth Link, as authlib makes one: nothing of it is ours.

begin ORIGIN BACK          prints where to send the person, and what to keep, as JSON
finish ORIGIN BACK KEPT    reads the address that the person came back to on stdin, and prints the
                           token, the answer of /status with it, and a refreshed token
"""

import json
import sys

from authlib.common.security import generate_token
from authlib.integrations.requests_client import OAuth2Session

SCOPE = "read:accounts download:documents offline_access"


def client(back):
    return OAuth2Session(
        "acme",
        scope=SCOPE,
        redirect_uri=back,
        code_challenge_method="S256",
        token_endpoint_auth_method="none",
    )


def begin(origin, back):
    verifier = generate_token(64)
    address, state = client(back).create_authorization_url(f"{origin}/link", code_verifier=verifier)
    return {"address": address, "kept": json.dumps({"state": state, "verifier": verifier})}


def finish(origin, back, kept):
    kept = json.loads(kept)
    session = client(back)
    token = session.fetch_token(
        f"{origin}/token",
        authorization_response=sys.stdin.read().strip(),
        state=kept["state"],
        code_verifier=kept["verifier"],
    )
    status = session.get(f"{origin}/status").json()
    refreshed = session.refresh_token(f"{origin}/token", refresh_token=token["refresh_token"])
    return {"token": token, "status": status, "refreshed": refreshed}


command, *arguments = sys.argv[1:]
print(json.dumps({"begin": begin, "finish": finish}[command](*arguments)))
