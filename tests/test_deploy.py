"""What stands in deploy/ names what exists: files, settings, services, and the page whose script the proxy lets run."""

from __future__ import annotations

import base64
import hashlib
import re
import shutil
import subprocess
from dataclasses import fields
from pathlib import Path

import pytest
import streamlit
from streamlit import config

from dlcore.limits import Limits
from dlcore.runs.places.ray import Cluster
from dlcore.runs.places.setting import choose_places
from ui.door import COOKIE, SECURE_COOKIE, new_secret
from ui.door.addresses import VARIABLE, Proxies
from ui.door.reachable import INSTRUMENTS

ROOT = Path(__file__).parents[1]
DEPLOY = ROOT / "deploy"
DOCKERFILE, COMPOSE, NGINX = ((DEPLOY / name).read_text() for name in ("Dockerfile", "compose.yaml", "nginx.conf"))
SERVICES = COMPOSE.partition("\nservices:\n")[2].partition("\nnetworks:\n")[0]


def test_the_image_is_made_of_what_exists() -> None:
    copied = {source for line in re.findall(r"^COPY (.+) \S+$", DOCKERFILE, re.MULTILINE) for source in line.split()}
    assert {"app.py", "dlcore", "ui", "pages", ".streamlit", "requirements.txt", "requirements-ray.txt"} == copied
    assert all((ROOT / name).exists() for name in copied)
    let_in = {line[1:] for line in (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines() if line[:1] == "!"}
    assert let_in == copied


def test_the_image_has_the_pinned_libraries_and_is_nobody_special() -> None:
    assert "-r requirements.txt -r requirements-ray.txt" in DOCKERFILE
    assert DOCKERFILE.index("\nUSER playground\n") < DOCKERFILE.index("\nCMD ")


def test_settings_are_those_that_the_program_reads() -> None:
    named = set(re.findall(r"\bDLCORE_[A-Z_]+", COMPOSE + DOCKERFILE)) - {"DLCORE_LISTEN", "DLCORE_NETWORK"}
    known = {field.metadata.get("variable") for field in fields(Limits)} | {"DLCORE_RUNS", "DLCORE_SHELF", VARIABLE}
    assert named <= known


def test_the_settings_of_streamlit_that_the_image_names_exist() -> None:
    named = re.findall(r"\b(STREAMLIT_[A-Z_]+)=(\S+)", DOCKERFILE)
    options = {option.env_var: option.key for option in config.get_config_options().values()}
    assert {options[name]: value for name, value in named} == {
        "server.headless": "true", "logger.hideWelcomeMessage": "true",
    }  # fmt: skip


def test_the_servers_believe_the_proxys_network_and_nobody_else() -> None:
    (said,) = re.findall(r"DLCORE_PROXIES: (\S+)", COMPOSE)
    assert f'subnet: "{said}"' in COMPOSE
    assert len(Proxies.from_environment({VARIABLE: said.partition(":-")[2].rstrip("}")}).networks) == 1
    assert "proxy_set_header X-Forwarded-For $remote_addr;" in NGINX  # Not what the browser has written there.


def test_the_servers_share_the_cluster(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: object())
    addresses = re.findall(r"DLCORE_RUNS: (\S+)", COMPOSE)
    assert addresses == ["ray://cluster:10001"]
    assert choose_places({"DLCORE_RUNS": addresses[0]}) == Cluster("ray://cluster:10001")
    assert "--ray-client-server-port=10001\n" in COMPOSE
    assert "--include-dashboard=false\n" in COMPOSE


def test_the_proxy_knows_every_server_and_is_the_only_way_in() -> None:
    services = set(re.findall(r"^  ([a-z0-9-]+):", SERVICES, re.MULTILINE))
    assert services == {"token", "cluster", "server-1", "server-2", "proxy"}
    assert set(re.findall(r"server (\S+):8501 ", NGINX)) == {"server-1", "server-2"}
    assert COMPOSE.count("ports:") == 1
    assert "${DLCORE_LISTEN:-127.0.0.1:8080}:8080" in COMPOSE
    assert "  inside:\n    internal: true\n" in COMPOSE


def test_the_proxy_keeps_a_browser_where_its_cookie_says() -> None:
    (pattern,) = re.findall(r'"~(\S.*playground_owner.*)" \$secret;', NGINX)
    secret = new_secret()
    for cookies in (f"{COOKIE}={secret}", f"a=1; {COOKIE}={secret}; b=2", f"a=1; {SECURE_COOKIE}={secret}"):
        found = re.search(pattern.replace("(?<", "(?P<"), cookies)
        assert found is not None and found["secret"] == secret
    assert re.search(pattern.replace("(?<", "(?P<"), f"another_{COOKIE}=1; x{COOKIE}=2") is None
    assert "hash $browser consistent;" in NGINX


def test_the_proxy_passes_on_none_of_the_paths_that_are_for_this_machine_alone() -> None:
    (pattern,) = re.findall(r"location ~ (\S+) \{\s+return 404;", NGINX)
    assert all(re.fullmatch(pattern, path) for path in INSTRUMENTS)
    assert re.fullmatch(pattern, "/_stcore/agent/mcp") and not re.fullmatch(pattern, "/_stcore/health")


def test_the_proxy_lets_run_what_is_streamlits_inline_script() -> None:
    page = (Path(streamlit.__file__).parent / "static" / "index.html").read_text()
    scripts = [script for script in re.findall(r"<script[^>]*>(.*?)</script>", page, re.DOTALL) if script]
    hashes = ["sha256-" + base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    assert re.findall(r"'(sha256-[^']+)'", NGINX) == hashes


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
def test_nginx_reads_its_configuration(tmp_path: Path) -> None:
    text = NGINX.replace("/tmp/", f"{tmp_path}/").replace("/dev/stderr", f"{tmp_path}/log")
    for service in ("server-1", "server-2"):
        text = text.replace(f"{service}:", "127.0.0.1:")
    (tmp_path / "nginx.conf").write_text(text)
    done = subprocess.run(
        ["nginx", "-t", "-c", str(tmp_path / "nginx.conf"), "-e", str(tmp_path / "log")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
