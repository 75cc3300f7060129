"""What gets installed: every package, the types' marker, the dependencies that the code imports."""

from __future__ import annotations

import configparser
import re

import pytest
from packaging.requirements import Requirement

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


def brought(requirements: str, machine: str, version: str) -> set[str]:
    """Return what is installed on a machine by a Python."""
    place = {"platform_machine": machine, "python_version": version}
    wanted = [Requirement(line) for line in requirements.splitlines() if line[:1] not in ("", "#")]
    return {one.name for one in wanted if one.marker is None or one.marker.evaluate(place)}


@pytest.mark.parametrize(
    ("machine", "version", "msgpack", "fast"),
    [
        ("x86_64", "3.11", True, {"orjson", "wsaccel"}),
        ("aarch64", "3.13", True, {"orjson", "wsaccel"}),
        ("arm64", "3.13", True, {"orjson", "wsaccel"}),
        ("x86_64", "3.14", True, {"orjson"}),
        ("armv7l", "3.11", False, {"orjson"}),
        ("armv6l", "3.11", False, set()),
        ("i686", "3.13", False, {"orjson"}),
        ("riscv64", "3.13", True, set()),
    ],
)
def test_what_has_no_wheel_for_a_machine_is_not_installed_there(
    machine: str, version: str, msgpack: bool, fast: set[str]
) -> None:
    required = brought(SETUP["options"]["install_requires"], machine, version)
    assert required == {"websocket-client", "simple-websocket", "pyserial"} | (
        {"msgpack"} if msgpack else set()
    )
    extras = SETUP["options.extras_require"]
    assert brought(extras["fast"], machine, version) == fast
    assert brought(extras["test"], machine, version) & {"orjson", "wsaccel"} == fast
    (cbor,) = map(Requirement, extras["cbor"].splitlines()[1:] or [extras["cbor"]])
    assert "5.9.0" in cbor.specifier and "6.0" not in cbor.specifier


def test_the_build_system_stands_alone_in_pyproject() -> None:
    text = (ROOT / "pyproject.toml").read_text()
    assert re.findall(r"^\[.*\]", text, re.M) == ["[build-system]"]


def test_the_changelog_tells_of_this_version() -> None:
    import wamplite

    assert f"## {wamplite.__version__} " in (ROOT / "CHANGELOG.md").read_text()
