"""Remote Settings and the Hugging Face hub on 127.0.0.1, with files that break off where a test wants it."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

from zstandard import ZstdCompressor

COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Service:
    """What is served, by path, and what was asked for.

    Attributes:
        files: content by path.
        headers: more headers of a path.
        cuts: how many bytes of a path the next answers have before they break off.
        statuses: what the next answers of a path are instead.
        ranges: whether parts of files are given.
        asked: path and Range of each GET.
    """

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.headers: dict[str, dict[str, str]] = {}
        self.cuts: dict[str, list[int]] = {}
        self.statuses: dict[str, list[int]] = {}
        self.ranges = True
        self.asked: list[tuple[str, str | None]] = []
        self.address = ""

    def put_json(self, path: str, data: Any) -> None:
        self.files[path] = json.dumps(data).encode()

    def requests(self, ending: str) -> list[str | None]:
        """The ranges of all requests for paths with that ending."""
        return [found for path, found in self.asked if path.endswith(ending)]


@contextmanager
def running() -> Iterator[Service]:
    """A service that answers until the end of the block."""
    service = Service()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_HEAD(self) -> None:
            self.answer(with_body=False)

        def do_GET(self) -> None:
            self.answer(with_body=True)

        def answer(self, *, with_body: bool) -> None:
            path, wanted = unquote(urlsplit(self.path).path), self.headers.get("Range")
            if with_body:
                service.asked.append((path, wanted))
            content, status = service.files.get(path), 200
            if content is None:
                content, status = b'{"error": "not found"}', 404
            elif with_body and service.statuses.get(path):
                content, status = b"", service.statuses[path].pop(0)
            elif wanted and service.ranges:
                start = int(wanted.removeprefix("bytes=").partition("-")[0])
                content, status = content[start:], 206
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            for name, value in service.headers.get(path, {}).items():
                self.send_header(name, value)
            if with_body:
                # Whoever waits for the rest hears that there is none, and nobody asks again where nobody listens.
                self.send_header("Connection", "close")
            self.end_headers()
            if with_body:
                cuts = service.cuts.get(path)
                self.wfile.write(content[: cuts.pop(0)] if cuts else content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    service.address = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def offer_firefox(
    service: Service, files: dict[str, bytes], pair: str = "de-en", architecture: str = "tiny", version: str = "3.0"
) -> list[dict[str, Any]]:
    """Records of `files`, by their types, added to the collection of `service`, which is at `/v1`; those records."""
    source, target = pair.split("-")
    records = []
    for kind, content in files.items():
        name = f"{kind}.{source}{target}.{'intgemm.alphas.bin' if kind == 'model' else 'spm'}"
        location = f"main-workspace/models/{architecture}-{version}-{name}.zst"
        packed = ZstdCompressor().compress(content)
        service.files[f"/attachments/{location}"] = packed
        records.append(
            {
                "name": name,
                "fileType": kind,
                "sourceLanguage": source,
                "targetLanguage": target,
                "architecture": architecture,
                "version": version,
                "decompressedHash": sha256(content),
                "decompressedSize": len(content),
                "attachment": {"hash": sha256(packed), "size": len(packed), "location": location, "filename": name},
            }
        )
    path = "/v1/buckets/main/collections/translations-models-v2/records"
    have = json.loads(service.files.get(path, b'{"data": []}'))["data"]
    service.put_json(path, {"data": have + records})
    service.put_json("/v1/", {"capabilities": {"attachments": {"base_url": f"{service.address}/attachments/"}}})
    return records


def offer_hub(service: Service, name: str, files: dict[str, bytes], large: tuple[str, ...] = ()) -> None:
    """A repository of `files`, of which `large` are kept by Git LFS."""
    siblings = []
    for file, content in files.items():
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        entry: dict[str, Any] = {"rfilename": file, "size": len(content), "blobId": blob}
        path, etag = f"/{name}/resolve/{COMMIT}/{file}", blob
        service.headers[path] = {"X-Repo-Commit": COMMIT}
        if file in large:
            etag = sha256(content)
            entry["lfs"] = {"sha256": etag, "size": len(content), "pointerSize": 130}
            service.headers[path] |= {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content))}
        service.headers[path]["ETag"] = f'"{etag}"'
        service.files[path] = content
        siblings.append(entry)
    info = {"id": name, "sha": COMMIT, "siblings": siblings, "cardData": {"license": "cc-by-4.0"}, "tags": []}
    for revision in ("", "/revision/main", f"/revision/{COMMIT}", "/revision/v1"):
        service.put_json(f"/api/models/{name}{revision}", info)
