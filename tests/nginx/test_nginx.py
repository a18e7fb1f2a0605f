"""What nginx does before the replicas: failover, limits, streams, logs, what it hides and what it answers itself."""

import json
import re
import socket
import ssl
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from server.serve import KEEP_ALIVE_S
from server.settings import ServeSettings
from tests.nginx.rig import SOURCE, Front, Replica, nginx, wait_until
from tests.ports import free_port

SECRET = "Geheimnis"
BURST = 100  # of nginx/locations.conf, per address
KEY_BURST = 200
MAX_CONNECTIONS = 64


def ask(front: Front, path: str = "/v1/translate", **given: object) -> httpx.Response:
    # Without `verify=False` each call reads all certificate authorities first.
    return httpx.post(front.url + path, verify=False, **{"content": b'{"text": "Ja."}', "timeout": 20, **given})  # type: ignore[arg-type]


def paths(replica: Replica) -> list[str]:
    return [seen.path for seen in replica.seen]


# Failover


@pytest.mark.parametrize("mood", ["busy", "break"])
def test_a_replica_that_refuses_or_breaks_off_is_skipped(front: Front, mood: str) -> None:
    front.replicas[0].mood = mood
    assert [ask(front).status_code for _ in range(8)] == [200] * 8
    assert front.replicas[0].seen, "it was never asked"


def test_a_replica_that_is_gone_is_skipped(front: Front) -> None:
    front.replicas[1].close()
    assert [ask(front).status_code for _ in range(8)] == [200] * 8


def test_if_all_refuse_their_own_answer_arrives_and_nobody_is_set_aside(front: Front) -> None:
    # With max_fails above 0, two refusals would set both aside, and the next callers would all get 502.
    for replica in front.replicas:
        replica.mood = "busy"
    for answer in [ask(front) for _ in range(8)]:
        assert answer.status_code == 503
        assert answer.json()["error"]["code"] == "overloaded"
        assert answer.headers.get_list("Retry-After") == ["7"]
    for replica in front.replicas:
        replica.mood = "ok"
    assert ask(front).status_code == 200


def test_without_replicas_the_answer_is_json(front: Front) -> None:
    for replica in front.replicas:
        replica.close()
    answer = ask(front)
    assert answer.status_code == 502
    assert answer.json()["error"]["code"] == "unavailable"
    assert answer.headers["Retry-After"] == "1"
    assert ask(front, "/v2/translate").json() == {"message": "No replica could answer; ask again."}
    google = ask(front, "/language/translate/v2").json()["error"]
    assert (google["code"], google["status"], google["errors"][0]["reason"]) == (502, "UNAVAILABLE", "backendError")
    assert google["message"] == google["errors"][0]["message"] == "No replica could answer; ask again."
    assert ask(front, "/translate").json() == {"error": "No replica could answer; ask again."}


def test_any_replica_is_asked_for_a_document(front: Front) -> None:
    headers = {"Authorization": "DeepL-Auth-Key a"}
    for _ in range(8):
        for path in ("/v2/document", "/v2/document/a", "/v2/document/a/result"):
            assert ask(front, path, headers=headers).status_code == 200
    assert all(replica.seen for replica in front.replicas), "all went to one replica"


def test_not_ready_is_an_answer_for_a_document(front: Front) -> None:
    for replica in front.replicas:
        replica.mood = "busy"
    assert ask(front, "/v2/document/id/result").status_code == 503
    assert len([*front.replicas[0].seen, *front.replicas[1].seen]) == 1


# Limits


def test_too_many_requests_from_an_address(front: Front) -> None:
    with httpx.Client(base_url=front.url) as client:
        answers = [client.post("/v1/translate", content=b"{}") for _ in range(BURST * 2)]
        assert {answer.status_code for answer in answers[:BURST]} == {200}
        refused = next(answer for answer in answers if answer.status_code == 429)
        assert refused.json()["error"]["code"] == "rate_limited"
        assert refused.headers["Retry-After"] == "1"
        assert refused.headers["Content-Type"] == "application/json"


def test_a_key_has_one_budget_whichever_header_brings_it_and_from_wherever(front: Front) -> None:
    statuses: list[int] = []
    headers = [{"Authorization": f"DeepL-Auth-Key {SECRET}"}, {"Authorization": f"Bearer {SECRET}"}]
    headers += [{"X-API-Key": SECRET}, {"X-API-Key": SECRET}]
    for number, header in enumerate(headers, 2):
        with httpx.Client(transport=httpx.HTTPTransport(local_address=f"127.0.0.{number}")) as client:
            statuses += [client.post(front.url + "/v1/translate", headers=header).status_code for _ in range(BURST)]
    assert statuses[:KEY_BURST] == [200] * KEY_BURST
    assert 429 in statuses[KEY_BURST:]


def test_too_many_connections_from_an_address(front: Front) -> None:
    for replica in front.replicas:
        replica.mood = "hold"
    with ThreadPoolExecutor(MAX_CONNECTIONS + 6) as pool:
        waiting = [pool.submit(ask, front) for _ in range(MAX_CONNECTIONS + 6)]
        wait_until(lambda: sum(future.done() for future in waiting) == 6)
        for replica in front.replicas:
            replica.go_on.set()
        statuses = sorted(future.result().status_code for future in waiting)
    assert statuses == [200] * MAX_CONNECTIONS + [429] * 6


def test_trusted_addresses_have_no_limit(tmp_path: Path, replicas: list[Replica]) -> None:
    with nginx(tmp_path, replicas, trusted="127.0.0.0/8 1;") as front, httpx.Client(base_url=front.url) as client:
        headers = {"X-API-Key": SECRET}
        statuses = {client.post("/v1/translate", headers=headers).status_code for _ in range(KEY_BURST * 2)}
    assert statuses == {200}


@pytest.mark.parametrize(
    ("path", "num_bytes", "status"),
    [
        ("/v1/translate", 1 << 20, 200),
        ("/v1/translate", (1 << 20) + 1, 413),
        ("/v2/document", 10 << 20, 200),
        ("/translate_file", 10 << 20, 200),
        ("/v2/document", 12 << 20, 413),
    ],
)
def test_a_body_may_be_so_large(front: Front, path: str, num_bytes: int, status: int) -> None:
    answer = ask(front, path, content=b"a" * num_bytes)
    assert answer.status_code == status
    if status == 413:
        assert "larger" in answer.text
        answer.json()
    else:
        assert [len(seen.body) for replica in front.replicas for seen in replica.seen] == [num_bytes]


def test_headers_and_addresses_may_be_so_long(front: Front) -> None:
    def get(path: str, headers: dict[str, str] | None = None) -> tuple[int, str]:
        answer = httpx.get(front.url + path, headers=headers)
        return answer.status_code, answer.json().get("error", {}).get("code", "")

    assert get("/v1/models", {"X-Long": "a" * 15_000}) == (200, "")
    assert get("/v1/models", {"X-Long": "a" * 17_000}) == (431, "invalid_request")
    assert get("/v1/translate?q=" + "a" * 15_000) == (200, "")
    assert get("/v1/translate?q=" + "a" * 17_000)[0] == 414


def test_a_line_that_is_not_http_is_answered_as_json(front: Front) -> None:
    with socket.create_connection(("127.0.0.1", front.port)) as connection:
        connection.sendall(b"Guten Tag\r\n\r\n")
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]["code"] == "invalid_request"


# What passes through


def test_a_get_with_a_body_passes(front: Front) -> None:
    answer = httpx.request("GET", front.url + "/v2/languages", data={"type": "target"})
    assert answer.status_code == 200
    (seen,) = (seen for replica in front.replicas for seen in replica.seen)
    assert (seen.method, seen.path, seen.body) == ("GET", "/v2/languages", b"type=target")


def test_a_replica_is_told_where_the_caller_asked(front: Front) -> None:
    ask(front, headers={"X-Request-ID": "caller-1", "X-Forwarded-For": "6.6.6.6"})
    ask(front, headers={"X-Request-ID": "no such\tid"})
    first, second = (seen.headers for replica in front.replicas for seen in replica.seen)
    assert first["Host"] == f"127.0.0.1:{front.port}"
    assert (first["X-Forwarded-For"], first["X-Forwarded-Proto"]) == ("127.0.0.1", "http")
    assert {"caller-1"} < {first["X-Request-ID"], second["X-Request-ID"]}
    assert not any("such" in headers["X-Request-ID"] for headers in (first, second))


def test_a_stream_arrives_piece_by_piece(front: Front) -> None:
    for replica in front.replicas:
        replica.mood = "stream"
    with httpx.stream("POST", front.url + "/v1/translate", content=b"{}", timeout=10) as answer:
        lines = answer.iter_lines()
        assert next(lines) == '{"n":1}'  # the replica sends the second only after this
        for replica in front.replicas:
            replica.go_on.set()
        assert list(lines) == ['{"n":2}']
    assert "X-Accel-Buffering" not in answer.headers


def test_a_large_answer_is_compressed(front: Front) -> None:
    for replica in front.replicas:
        replica.mood = "large"
    answer = ask(front)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert int(answer.num_bytes_downloaded) < 500
    assert answer.json()["text"].startswith("ja ja")


# What it adds and what it hides


def test_every_answer_has_each_header_once(front: Front) -> None:
    own = httpx.get(front.url + "/metrics")
    for answer in (ask(front, headers={"X-Request-ID": "mine"}), own):
        for name in ("X-Content-Type-Options", "Referrer-Policy", "X-Frame-Options", "X-Request-ID", "X-Trace-ID"):
            assert len(answer.headers.get_list(name)) == 1, name
        assert answer.headers["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'"
        assert answer.headers["Server"] == "nginx"  # no version
        assert "Strict-Transport-Security" not in answer.headers
    for replica in front.replicas:
        replica.mood = "page"
    assert httpx.get(front.url).headers.get_list("Content-Security-Policy") == ["default-src 'self'"]


@pytest.mark.parametrize(
    "path",
    [
        "/metrics",
        "/metrics/",
        "//metrics",
        "/%6detrics",
        "/v1/../metrics",
        "/health/live",
        "/health/ready",
        "/debug",
        "/debug/rows",
        "/debug?a=b",
        "/admin/models",
    ],
)
def test_what_is_for_the_operator_is_hidden(front: Front, path: str) -> None:
    with socket.create_connection(("127.0.0.1", front.port)) as connection:  # httpx would tidy the path
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: ferry\r\nConnection: close\r\n\r\n".encode())
        answer = b"".join(iter(lambda: connection.recv(4096), b""))
    assert b" 404 " in answer.splitlines()[0]
    assert json.loads(answer.rpartition(b"\r\n\r\n")[2])["error"]["code"] == "not_found"
    assert not any(replica.seen for replica in front.replicas)


def test_libretranslates_own_health_is_not_hidden(front: Front) -> None:
    assert httpx.get(front.url + "/health").status_code == 200


def test_no_log_holds_a_text_a_key_or_an_address(front: Front) -> None:
    headers = {"Authorization": f"Bearer {SECRET}", "X-API-Key": SECRET, "User-Agent": SECRET, "Referer": SECRET}
    ask(front, f"/v1/translate?q={SECRET}", content=SECRET.encode(), headers=headers)
    ask(front, f"/v2/document/{SECRET}/result?q={SECRET}", headers=headers | {"X-Request-ID": f"{SECRET} {SECRET}"})
    ask(front, f"/{SECRET * 5}", headers=headers)
    for replica in front.replicas:
        replica.close()
    with httpx.Client(base_url=front.url, headers=headers) as client:
        # nginx' own error log would quote these: no replica, then too many requests.
        statuses = {client.get(f"/translate?q={SECRET}").status_code for _ in range(BURST * 2)}
    assert statuses == {502, 429}
    lines = [json.loads(line) for line in front.logged(5)]
    assert [line["route"] for line in lines] == ["/v1/translate", "/v2/document", "other", "/translate", "/translate"]
    assert [line["status"] for line in lines[:4]] == [200, 200, 200, 502]
    assert lines[3]["replica_status"] == "502, 502"
    assert lines[0]["request_s"] >= 0
    assert lines[0]["rate"] == "PASSED"
    for file in front.folder.rglob("*"):
        if file.is_file() and file.parent.name != "ferry":
            written = file.read_text(errors="replace")
            assert SECRET not in written, file
            replicas_gone = re.sub(r"127\.0\.0\.1:\d+", "", written)
            assert "127.0.0.1" not in replicas_gone, file


def test_tls(tmp_path: Path, replicas: list[Replica]) -> None:
    command = "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 1 -subj /CN=localhost"
    names = ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", f"{tmp_path}/key.pem", "-out", f"{tmp_path}/cert.pem"]
    subprocess.run([*command.split(), *names], check=True, capture_output=True)
    port = free_port()
    site = (SOURCE / "nginx" / "tls.conf").read_text().replace("listen [::]:443 ssl http2;\n", "")
    site = site.replace("listen 443", f"listen 127.0.0.1:{port}")
    for name, ours in (("fullchain", "cert"), ("privkey", "key")):
        site = site.replace(f"/etc/nginx/ferry/{name}.pem", f"{tmp_path}/{ours}.pem")
    with nginx(tmp_path / "front", replicas, site=site):
        trust = ssl.create_default_context(cafile=tmp_path / "cert.pem")
        answer = httpx.post(f"https://127.0.0.1:{port}/v1/translate", content=b"{}", verify=trust)
    assert answer.status_code == 200
    assert answer.headers["Strict-Transport-Security"] == "max-age=31536000"
    assert [seen.headers["X-Forwarded-Proto"] for replica in replicas for seen in replica.seen] == ["https"]


# What must agree with ferry-serve


def test_its_limits_and_time_outs_fit_those_of_ferry_serve() -> None:
    written = "".join((SOURCE / "nginx" / f"{name}.conf").read_text() for name in ("ferry", "proxy", "locations"))

    def number(directive: str) -> int:
        found = re.search(rf"^\s*{directive} (\d+)", written, re.MULTILINE)
        assert found, directive
        return int(found.group(1))

    settings = ServeSettings()
    assert number("client_max_body_size") << 20 == settings.max_body_bytes
    assert settings.max_deadline_s < number("proxy_read_timeout")
    # What a replica refuses when its grace has passed is for the next one.
    assert settings.grace_s < number("proxy_next_upstream_timeout") < number("proxy_read_timeout")
    kept = [int(seconds) for seconds in re.findall(r"^ +keepalive_timeout (\d+)s", written, re.MULTILINE)]
    assert kept
    assert max(kept) < KEEP_ALIVE_S
