"""Where msgpack is not installed, as on 32-bit ARM, all the rest of wamplite is there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.processes import ROOT

CLIENT = """
import wamplite
from wamplite import serializers
assert "msgpack" not in serializers.available(), serializers.available()
with wamplite.Router(realms=["realm1"]) as router:
    for scheme, path in (("rs", ""), ("ws", "/ws")):
        url = router.listen(f"{scheme}://127.0.0.1:0").rstrip("/")
        url = url if url.endswith(path) else url + path
        try:
            wamplite.connect(url, serializer="msgpack")
        except wamplite.UsageError as error:
            print(error)
        with wamplite.connect(url) as session:
            session.register("com.example.echo", lambda value: value)
            print(session.call("com.example.echo", b"\\0\\xff"))
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Return the environment of programs that do not find msgpack."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['msgpack'] = None\n")
    return os.environ | {"PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}


def run(environment: dict[str, str], *command: str) -> str:
    done = subprocess.run(
        [sys.executable, *command], env=environment, cwd=ROOT,
        capture_output=True, text=True, timeout=50,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_router_and_client_speak_json_and_name_what_is_missing(environment: dict[str, str]) -> None:
    told = run(environment, "-c", CLIENT).splitlines()
    assert told == ["serializer msgpack needs msgpack: pip install msgpack", "b'\\x00\\xff'"] * 2


def test_the_demo_with_its_bridge_runs(environment: dict[str, str]) -> None:
    lines = run(environment, str(ROOT / "tools" / "demo.py"), "--count", "2").splitlines()
    assert [json.loads(line)["topic"] for line in lines] == ["com.example.sensor"] * 2
