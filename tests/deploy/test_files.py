"""The files of deploy/ and compose.yaml: valid, and true to what the server really has."""

import json
import re
import subprocess
import sys
from ipaddress import ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from server.app import build_app
from server.models.models import Models
from server.settings import ServeSettings
from server.web.metrics import Metrics
from tests.nginx.rig import SOURCE
from tests.programs import need

DEPLOY = SOURCE / "deploy"
MANIFESTS = sorted((DEPLOY / "kubernetes").glob("*.yaml"))
# Not for callers from outside.
HIDDEN = re.compile(r"/(metrics|health/.*|debug.*|admin.*)")


def kubernetes_validate(*paths: Path) -> "subprocess.CompletedProcess[str]":
    program = Path(sys.executable).with_name("kubernetes-validate")
    return subprocess.run([program, "--strict", *paths], capture_output=True, text=True, check=False)


def manifests() -> list[dict[str, Any]]:
    return [part for path in MANIFESTS for part in yaml.safe_load_all(path.read_text())]


def manifest(kind: str) -> dict[str, Any]:
    return next(part for part in manifests() if part["kind"] == kind)


def routes(data: Path) -> list[str]:
    return [route.path for route in build_app(Models(()), ServeSettings(data=data)).routes]  # type: ignore[attr-defined]


def metric_names() -> set[str]:
    """Names as Prometheus stores them, with those of a histogram's parts."""
    types = re.findall(r"^# TYPE (\S+) (\S+)$", Metrics(lambda: Models(()), []).expose().decode(), re.MULTILINE)
    parts = {"histogram": ("_bucket", "_sum", "_count")}
    return {name + part for name, kind in types for part in parts.get(kind, ("",))}


def test_the_manifests_are_valid() -> None:
    assert MANIFESTS
    checked = kubernetes_validate(*MANIFESTS)
    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_a_wrong_manifest_is_found(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((DEPLOY / "kubernetes" / "disruption-budget.yaml").read_text().replace("maxUnav", "maxUnaav"))
    assert kubernetes_validate(wrong).returncode != 0


def test_the_manifests_fit_together(tmp_path: Path) -> None:
    labels = manifest("Deployment")["spec"]["template"]["metadata"]["labels"]
    assert manifest("PodDisruptionBudget")["spec"]["selector"]["matchLabels"] == labels
    assert (
        manifest("HorizontalPodAutoscaler")["spec"]["scaleTargetRef"]["name"]
        == manifest("Deployment")["metadata"]["name"]
    )
    for kind in ("Deployment", "StatefulSet"):
        check_pods(manifest(kind)["spec"], tmp_path)
    services = {part["metadata"]["name"]: part["spec"]["selector"] for part in manifests() if part["kind"] == "Service"}
    pods = [manifest(kind)["spec"]["selector"]["matchLabels"] for kind in ("Deployment", "StatefulSet")]
    assert list(services.values()) == pods, "each has one service"


def check_pods(spec: dict[str, Any], data: Path) -> None:
    pod = spec["template"]
    assert spec["selector"]["matchLabels"] == pod["metadata"]["labels"]
    (container,) = pod["spec"]["containers"]
    (sleep,) = container["lifecycle"]["preStop"]["exec"]["command"][1:]
    assert int(sleep) + ServeSettings().grace_s < pod["spec"]["terminationGracePeriodSeconds"]
    (names,) = [item["value"] for item in container["env"] if item["name"] == "FORWARDED_ALLOW_IPS"]
    assert all(
        ip_network(name).is_private or ip_network(name) == ip_network("100.64.0.0/10") for name in names.split(",")
    )
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        assert container[probe]["httpGet"]["path"] in routes(data)
    claimed = [claim["metadata"]["name"] for claim in spec.get("volumeClaimTemplates", ())]
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {*claimed, *(volume["name"] for volume in pod["spec"]["volumes"])}


def test_what_is_stored_is_asked_of_the_one_pod_that_has_it(tmp_path: Path) -> None:
    stored = manifest("StatefulSet")["spec"]
    assert stored["replicas"] == 1
    (claim,) = stored["volumeClaimTemplates"]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"], "SQLite on a volume of several nodes would be damaged"
    ingresses = [part for part in manifests() if part["kind"] == "Ingress"]
    paths = [path for part in ingresses for rule in part["spec"]["rules"] for path in rule["http"]["paths"]]
    asked = {path["path"]: path["backend"]["service"]["name"] for path in paths}
    for route in routes(tmp_path):
        stores = route.startswith(("/v2/", "/v3/")) or route in ("/translate_file", "/download_file/{name}")
        backend = max(
            (path for path in asked if route == path or route.startswith(f"{path.rstrip('/')}/")), key=len, default=None
        )
        if backend is not None:
            assert asked[backend] == ("ferry-stored" if stores else "ferry"), route


def test_the_ingress_lets_in_what_is_for_callers_and_nothing_else(tmp_path: Path) -> None:
    ingresses = [part for part in manifests() if part["kind"] == "Ingress"]
    paths = [path for part in ingresses for rule in part["spec"]["rules"] for path in rule["http"]["paths"]]
    exact = {path["path"] for path in paths if path["pathType"] == "Exact"}
    prefixes = tuple(path["path"] for path in paths if path["pathType"] == "Prefix")
    for part in ingresses:
        waits_s = int(part["metadata"]["annotations"]["nginx.ingress.kubernetes.io/proxy-read-timeout"])
        assert waits_s > ServeSettings().max_deadline_s
    for route in routes(tmp_path):
        let_in = route in exact or any(route == prefix or route.startswith(prefix + "/") for prefix in prefixes)
        assert let_in != bool(HIDDEN.fullmatch(route)), f"{route}: see deploy/kubernetes/ingress.yaml"


@pytest.mark.parametrize("file", ["grafana/ferry.json", "kubernetes/autoscaler.yaml"])
def test_every_metric_that_is_looked_at_exists(file: str) -> None:
    looked_at = set(re.findall(r"\b(?:ferry|process)_[a-z_]+", (DEPLOY / file).read_text()))
    assert len(looked_at) > 1
    assert looked_at - {"ferry_queue_wait_seconds"} <= metric_names()


def test_the_dashboard_has_no_two_panels_at_one_place() -> None:
    panels = json.loads((DEPLOY / "grafana" / "ferry.json").read_text())["panels"]
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert max(x for x, _ in cells) < 24, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in panels}) == len(panels)


def test_compose_names_its_replicas_everywhere() -> None:
    services = yaml.safe_load((SOURCE / "compose.yaml").read_text())["services"]
    replicas = {name: service for name, service in services.items() if name.startswith("ferry-")}
    addresses = [service["networks"]["ferry"]["ipv4_address"] for service in replicas.values()]
    upstream = re.findall(
        r"^server (\S+):8000 max_fails=0;$", (DEPLOY / "compose/upstream.conf").read_text(), re.MULTILINE
    )
    assert upstream == addresses
    assert {tuple(service["volumes"]) for service in replicas.values()} == {("data:/data",)}, "they share a database"
    scraped = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["scrape_configs"][0]["static_configs"][0][
        "targets"
    ]
    assert scraped == [f"{name}:8000" for name in replicas]
    assert set(services["nginx"]["depends_on"]) == set(replicas)
    for service in services.values():
        for volume in service["volumes"]:
            if volume.startswith("./"):
                assert (SOURCE / volume.split(":")[0]).exists(), volume


def test_systemd_reloads_as_the_server_does() -> None:
    assert "\nExecReload=/bin/kill -HUP $MAINPID\n" in (DEPLOY / "systemd" / "ferry.service").read_text()


def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    program = need("systemd-analyze")
    unit = (DEPLOY / "systemd" / "ferry.service").read_text()
    # It looks whether the program is there, which on this machine it is not.
    (tmp_path / "ferry.service").write_text(unit.replace("/opt/ferry/.venv/bin/ferry-serve", sys.executable))
    done = subprocess.run([program, "verify", tmp_path / "ferry.service"], capture_output=True, text=True, check=False)
    # What other units of the machine are said to do wrong is not ours.
    assert done.returncode == 0, done.stderr
    assert not [line for line in done.stderr.splitlines() if "ferry.service" in line], done.stderr
