"""The files of deploy/: their own tools find nothing, and they agree with the project."""

import fnmatch
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
import yaml
from google.protobuf import text_format
from tensorflow_serving.config.model_server_config_pb2 import ModelServerConfig

from detector.config import PREFIX, Config
from tests.support.paths import ROOT, VERSIONS

DEPLOY = ROOT / "deploy"
DOCKERFILES = sorted(DEPLOY.rglob("Dockerfile"))
SCRIPTS = sorted(DEPLOY.rglob("*.sh"))
KUSTOMIZATION = DEPLOY / "kubernetes" / "kustomization.yaml"
MANIFESTS = sorted({*(DEPLOY / "kubernetes").glob("*.yaml")} - {KUSTOMIZATION})
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OBJECTS = [thing for path in MANIFESTS for thing in yaml.safe_load_all(path.read_text("utf-8"))]
PROMETHEUS = yaml.safe_load((DEPLOY / "prometheus.yml").read_text("utf-8"))


def findings(name: str, *arguments: object) -> str:
    """What a tool says where it is not content: of this environment, or of the machine."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"], "/usr/sbin"])
    tool = shutil.which(name, path=path)
    if tool is None:
        pytest.skip(f"{name} is not installed")
    done = subprocess.run(
        [tool, *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return "" if done.returncode == 0 else done.stdout + done.stderr


def test_yaml_is_clean():
    assert findings("yamllint", "--strict", "-c", DEPLOY / ".yamllint", DEPLOY) == ""


def test_shell_scripts_are_clean():
    assert findings("shellcheck", *SCRIPTS) == ""


def test_dockerfiles_are_clean():
    assert findings("hadolint", *DOCKERFILES) == ""


def test_the_compose_file_is_one_of_the_specification():
    schema = ["--builtin-schema", "vendor.compose-spec"]
    assert findings("check-jsonschema", *schema, DEPLOY / "compose.yaml") == ""


def test_the_manifests_are_what_kubernetes_takes():
    assert findings("kubernetes-validate", "--strict", *MANIFESTS) == ""


def test_the_manifests_are_all_applied():
    assert set(yaml.safe_load(KUSTOMIZATION.read_text("utf-8"))["resources"]) == {
        path.name for path in MANIFESTS
    }
    assert findings("kubectl", "kustomize", KUSTOMIZATION.parent) == ""


def test_prometheus_takes_its_configuration():
    assert findings("promtool", "check", "config", DEPLOY / "prometheus.yml") == ""


def test_tensorflow_serving_gets_every_shipped_version():
    text = (DEPLOY / "serving" / "models.config").read_text("utf-8")
    [model] = text_format.Parse(text, ModelServerConfig()).model_config_list.config
    assert (model.name, model.base_path) == (Config().model_name, "/models/commodity")
    assert model.model_version_policy.latest.num_versions == len(VERSIONS)
    assert "../models/commodity:/models/commodity:ro" in COMPOSE["services"]["serving"]["volumes"]
    assert "COPY models/commodity /models/commodity" in (
        DEPLOY / "serving" / "Dockerfile"
    ).read_text("utf-8")


@pytest.mark.parametrize(
    ("state", "is_ready"), [("", False), ("LOADING", False), ("END", False), ("AVAILABLE", True)]
)
def test_a_model_server_is_ready_when_a_version_is_available(state: str, is_ready: bool):
    status = {"version": "2", "state": state, "status": {"error_code": "OK"}}
    answer = {"model_version_status": [status] if state else []}

    class Rest(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/v1/models/commodity" else 404)
            self.end_headers()
            self.wfile.write(json.dumps(answer, indent=1).encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Rest) as server:
        Thread(target=server.serve_forever, args=[0.01], daemon=True).start()
        command = ["bash", DEPLOY / "serving" / "ready.sh", str(server.server_port)]
        done = subprocess.run(command, capture_output=True, check=False)
        server.shutdown()
    assert (done.returncode == 0, done.stderr) == (is_ready, b"")


def environments() -> Iterator[dict[str, str]]:
    """What the dashboards are told."""
    for service in COMPOSE["services"].values():
        if service.get("image") == "commodity-lens":
            yield service["environment"]
    for container in containers():
        if container["name"] == "dashboard":
            yield {entry["name"]: entry["value"] for entry in container["env"]}


def containers() -> Iterator[dict[str, Any]]:
    for thing in OBJECTS:
        if thing["kind"] == "Deployment":
            yield from thing["spec"]["template"]["spec"]["containers"]


def test_the_dashboards_are_told_settings_that_there_are():
    told = list(environments())
    assert len(told) == 3
    for environment in told:
        assert all(name.startswith(PREFIX) for name in environment)
        address = Config.load(None, environment).server
        assert address is not None
        assert address.startswith("dns:///serving")  # each of the replicas in turn


def copied(dockerfile: Path) -> set[str]:
    lines = re.findall(r"^COPY (?!--)(.+) \S+$", dockerfile.read_text("utf-8"), re.MULTILINE)
    return {source for line in lines for source in line.split()}


def test_the_image_has_all_that_the_wheel_has():
    build = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]
    wheel = build["targets"]["wheel"]
    assert {*wheel["packages"], *wheel["force-include"]} <= copied(DEPLOY / "Dockerfile")


def test_the_builder_gets_what_is_copied_and_no_secrets():
    lines = (DEPLOY / "Dockerfile.dockerignore").read_text("utf-8").splitlines()
    let_in = {line[1:] for line in lines if line.startswith("!")}
    assert let_in == copied(DEPLOY / "Dockerfile")
    assert not any(fnmatch.fnmatch(".streamlit/secrets.toml", name) for name in let_in)


def test_every_image_is_pinned():
    images = [service["image"] for service in COMPOSE["services"].values()]
    images += [container["image"] for container in containers()]
    for path in DOCKERFILES:
        images += re.findall(r"^ARG BASE=(\S+)", path.read_text("utf-8"), re.MULTILINE)
    others = {image for image in images if image != "commodity-lens"}  # which compose builds
    assert {image for image in others if not re.search(r":v?\d+\.\d+\.\d+", image)} == set()


def test_every_container_is_confined():
    for name, service in COMPOSE["services"].items():
        assert service["read_only"], name
        assert service["cap_drop"] == ["ALL"], name
    for thing in OBJECTS:
        if thing["kind"] == "Deployment":
            assert thing["spec"]["template"]["spec"]["securityContext"]["runAsNonRoot"]
    for container in containers():
        context = container["securityContext"]
        assert context["readOnlyRootFilesystem"], container["name"]
        assert not context["allowPrivilegeEscalation"], container["name"]
        assert context["capabilities"] == {"drop": ["ALL"]}, container["name"]


def test_prometheus_asks_the_ports_that_are_there():
    jobs = {job["job_name"]: job for job in PROMETHEUS["scrape_configs"]}
    [lookup] = jobs["serving"]["dns_sd_configs"]
    assert (lookup["names"], lookup["port"]) == (["serving"], 8501)
    monitoring = (DEPLOY / "serving" / "monitoring.config").read_text("utf-8")
    assert f'path: "{jobs["serving"]["metrics_path"]}"' in monitoring
    [dashboards] = jobs["dashboard"]["static_configs"]
    assert dashboards["targets"] == [
        f"{name}:{service['environment']['COMMODITY_LENS_METRICS_PORT']}"
        for name, service in COMPOSE["services"].items()
        if name.startswith("dashboard")
    ]


def test_grafanas_panels_ask_the_prometheus_that_it_is_given():
    folder = DEPLOY / "grafana" / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yaml").read_text("utf-8"))[
        "datasources"
    ]
    board = json.loads((folder / "dashboards" / "commodity-lens.json").read_text("utf-8"))
    targets = [target for panel in board["panels"] for target in panel["targets"]]
    assert {target["datasource"]["uid"] for target in targets} == {source["uid"]}
    jobs = {job["job_name"] for job in PROMETHEUS["scrape_configs"]}
    named = re.findall(r'job="(\w+)"', " ".join(target["expr"] for target in targets))
    assert set(named) <= jobs
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])


def test_what_the_policies_let_through_goes_to_ports_that_there_are():
    ports = {port["name"] for container in containers() for port in container["ports"]}
    policies = [thing["spec"] for thing in OBJECTS if thing["kind"] == "NetworkPolicy"]
    rules = [r for spec in policies for way in ("ingress", "egress") for r in spec.get(way, [])]
    named = {port["port"] for rule in rules for port in rule["ports"]}
    assert {port for port in named if isinstance(port, str)} <= ports
