"""What gets installed: every package, the types' marker, the dependencies that the code imports."""

from __future__ import annotations

import configparser
import re

from tests.processes import ROOT

SETUP = configparser.ConfigParser()
SETUP.read(ROOT / "setup.cfg")


def names(requirements: str) -> set[str]:
    lines = [line for line in requirements.splitlines() if line and not line.startswith("#")]
    return {re.split(r"[ ;=<>]", line)[0] for line in lines}


def test_every_directory_of_code_is_a_package() -> None:
    directories = {path.parent for path in (ROOT / "wamplite").rglob("*.py")}
    missing = [path for path in directories if not (path / "__init__.py").is_file()]
    assert not missing, f"setuptools leaves these out: {missing}"


def test_the_marker_for_types_is_there() -> None:
    assert (ROOT / "wamplite" / "py.typed").is_file()
    assert SETUP["options.package_data"]["wamplite"] == "py.typed"


def test_there_are_six_packages_at_run_time() -> None:
    # simple-websocket brings wsproto, and that h11
    required = names(SETUP["options"]["install_requires"])
    assert required == {"websocket-client", "simple-websocket", "msgpack", "pyserial", "tomli"}
    extras = SETUP["options.extras_require"]
    assert names(extras["cbor"]) == {"cbor2"}
    assert names(extras["fast"]) == {"orjson", "wsaccel"}


def test_the_build_system_stands_alone_in_pyproject() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert re.findall(r"^\[.*\]", text, re.M) == ["[build-system]"]


def test_the_changelog_tells_of_this_version() -> None:
    import wamplite

    assert f"## {wamplite.__version__} " in (ROOT / "CHANGELOG.md").read_text()
