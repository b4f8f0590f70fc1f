"""The floor of `verify`: a bare asyncio process. One TLS connection a lane; each lane sends its next request when the
answer to the last one is there; all lanes side by side.

Reads a JSON file: {"ca": path, "lanes": [[host, port, [request, request, ...]], ...]}, all signed before.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys


async def lane(host: str, port: int, requests: list[str], context: ssl.SSLContext) -> None:
    reader, writer = await asyncio.open_connection(host, port, ssl=context)
    for request in requests:
        writer.write(request.encode("latin-1"))
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
        if b" 200 " not in head[:20]:
            raise SystemExit(f"refused: {body!r}")
    writer.transport.abort()


async def main(path: str) -> None:
    with open(path) as file:
        work = json.load(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(work["ca"])
    await asyncio.gather(*(lane(host, port, requests, context) for host, port, requests in work["lanes"]))


asyncio.run(main(sys.argv[1]))
