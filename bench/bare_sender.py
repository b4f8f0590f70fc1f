"""The floor: a bare asyncio process. Opens TLS connections, writes bytes it was given, reads answers, and no more.

Reads a JSON file: {"ca": path, "lanes": [[host, port, [request, request, ...]], ...]}, the last request of each lane
being its order, signed before. All lanes take each step together, as a fan-out does.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import sys


async def answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
    body = await reader.readexactly(length)
    if b" 200 " not in head[:20]:
        raise SystemExit(f"refused: {body!r}")
    return body


async def main(path: str) -> None:
    with open(path) as file:
        work = json.load(file)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(work["ca"])
    lanes = work["lanes"]
    lines = await asyncio.gather(*(asyncio.open_connection(host, port, ssl=context) for host, port, _ in lanes))
    for step in range(max(len(requests) for _, _, requests in lanes)):
        for (_, _, requests), (_, writer) in zip(lanes, lines, strict=True):
            writer.write(requests[step].encode("latin-1"))
        await asyncio.gather(*(answer(reader) for reader, _ in lines))
    for _, writer in lines:
        writer.transport.abort()


asyncio.run(main(sys.argv[1]))
