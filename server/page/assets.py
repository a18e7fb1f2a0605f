"""The page's files over HTTP: read once, told by their hash, and allowed to load nothing from anywhere else.

What a browser gets at `/` is the page; what asks for anything else there (curl, a script) gets the index in plain text.
"""

import hashlib
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from server.web.answers import Endpoint

FOLDER = Path(__file__).parent

MEDIA_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
)

# A browser asks each time whether its copy is still the newest: the files of one version belong together.
_HEADERS = {
    "Cache-Control": "no-cache",
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
_BY_ACCEPT = {"Vary": "Accept"}


class PageFile:
    """One file of the page, an endpoint."""

    def __init__(self, path: Path) -> None:
        self._data = path.read_bytes()
        self._media_type = MEDIA_TYPES[path.suffix]
        self._etag = f'"{hashlib.sha256(self._data).hexdigest()[:32]}"'

    def answer(self, request: Request, headers: dict[str, str] | None = None) -> Response:
        """The file, or 304 where the browser has it already."""
        told = {**_HEADERS, "ETag": self._etag, **(headers or {})}
        if _knows(request.headers.get("if-none-match", ""), self._etag):
            return Response(status_code=304, headers=told)
        return Response(self._data, headers=told, media_type=self._media_type)


def page_routes(index: str) -> list[Route]:
    """The page at `/` and its files under `/page/`.

    Args:
        index: what `/` answers to those who do not ask for HTML.
    """
    files = {path.name: PageFile(path) for path in sorted(FOLDER.iterdir()) if path.suffix in MEDIA_TYPES}
    page = files.pop("index.html")
    return [
        Route("/", _page_or_index(page, index), include_in_schema=False),
        *(_route(name, file) for name, file in files.items()),
    ]


def _page_or_index(page: PageFile, index: str) -> Endpoint:
    async def get_page(request: Request) -> Response:
        if prefers_html(request.headers.get("accept", "")):
            return page.answer(request, _BY_ACCEPT)
        return PlainTextResponse(index, headers=_BY_ACCEPT)

    return get_page


def _route(name: str, file: PageFile) -> Route:
    async def get_file(request: Request) -> Response:
        return file.answer(request)

    return Route(f"/page/{name}", get_file, include_in_schema=False)


def prefers_html(accept: str) -> bool:
    """Whether an Accept header names HTML, and rates plain text no higher."""
    rates = dict(map(_rate, accept.split(",")))
    plain = next((rates[kind] for kind in ("text/plain", "text/*", "*/*") if kind in rates), 0.0)
    return rates.get("text/html", 0.0) >= max(plain, 0.001)


def _rate(entry: str) -> tuple[str, float]:
    """The media type of one entry of an Accept header, and its q."""
    kind, *parameters = (part.strip().lower() for part in entry.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return kind, float(value)
            except ValueError:
                return kind, 0.0
    return kind, 1.0


def _knows(if_none_match: str, etag: str) -> bool:
    """Whether an If-None-Match header names the file; a proxy that compresses makes the tag a weak one."""
    tags = (tag.strip().removeprefix("W/") for tag in if_none_match.split(","))
    return any(tag in (etag, "*") for tag in tags)
