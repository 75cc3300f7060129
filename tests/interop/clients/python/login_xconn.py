"""xconn joins as METHOD AUTHID SECRET REALM URL say; tells who it is, or why not."""

from __future__ import annotations

import asyncio
import json
import re
import sys

from wampproto.auth import CryptoSignAuthenticator, TicketAuthenticator, WAMPCRAAuthenticator
from wampproto.serializers import JSONSerializer
from xconn.async_client import connect

KINDS = {
    "ticket": TicketAuthenticator,
    "wampcra": WAMPCRAAuthenticator,
    "cryptosign": CryptoSignAuthenticator,
}


async def main(method: str, authid: str, secret: str, realm: str, url: str) -> None:
    try:
        session = await connect(url, realm, KINDS[method](authid, secret), JSONSerializer())
    except Exception as error:
        reason = re.search(r"wamp\.error\.\w+", str(error))
        print(json.dumps({"refused": reason[0] if reason else repr(error)}))
        return
    base = session._base_session
    told = await session.call("wamp.session.get", [base.id])
    print(json.dumps({key: told.args[0][key] for key in ("authid", "authrole", "authmethod")}))


asyncio.run(main(*sys.argv[1:]))
