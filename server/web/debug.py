"""`/debug`: what the process is doing, for whoever is logged in on its machine. Places in code, no values, no text."""

import asyncio
import sys
import threading
import traceback
from ipaddress import ip_address

from starlette.exceptions import HTTPException
from starlette.responses import Response

from server.web.answers import json_answer
from server.web.state import FerryRequest

MAX_FRAMES = 8
_FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")


async def get_debug(request: FerryRequest) -> Response:
    """Threads and tasks with where they are, the engines' numbers, and the memory in use.

    Raises:
        HTTPException: 404 for whoever asks from another machine, or through a proxy.
    """
    if not _is_local(request):
        raise HTTPException(404)
    models = request.state["translator"].models.by_label
    frames = sys._current_frames()
    return json_answer(
        {
            "threads": {each.name: _places(frames.get(each.ident or 0)) for each in threading.enumerate()},
            "tasks": sorted(_task_place(task) for task in asyncio.all_tasks()),
            "engines": {label: model.engine.stats() for label, model in models.items()},
            "resident_kib": _resident_kib(),
        }
    )


def _is_local(request: FerryRequest) -> bool:
    """Whether it comes from this machine, and not by a proxy on it."""
    if request.client is None or any(name in request.headers for name in _FORWARDED):
        return False
    try:
        return ip_address(request.client.host).is_loopback
    except ValueError:
        return False


def _places(frame: object) -> list[str]:
    stack = traceback.extract_stack(frame)[-MAX_FRAMES:] if frame else []  # type: ignore[arg-type]
    return [f"{place.name} {place.filename.rpartition('/')[2]}:{place.lineno}" for place in stack]


def _task_place(task: "asyncio.Task[object]") -> str:
    stack = task.get_stack(limit=1)
    name = getattr(task.get_coro(), "__qualname__", "?")
    return f"{name} {_places(stack[0])[-1]}" if stack else name


def _resident_kib() -> int | None:
    """Resident memory, None where the system does not tell."""
    try:
        with open("/proc/self/status", encoding="ascii") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmRSS"))
    except (OSError, StopIteration):
        return None
