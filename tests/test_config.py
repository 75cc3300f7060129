"""Secrets in files of their own; values as TOML has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from wamplite.config import in_toml, load, read_secret, toml
from wamplite.core.errors import UsageError


def secret_file(folder: Path, mode: int, text: str = "s3cret\n") -> Path:
    path = folder / "bridge.secret"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o400])
def test_a_secret_is_the_text_of_its_file(tmp_path: Path, mode: int) -> None:
    assert read_secret(str(secret_file(tmp_path, mode))) == "s3cret"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o644])
def test_a_file_that_others_may_read_is_refused(tmp_path: Path, mode: int) -> None:
    path = secret_file(tmp_path, mode)
    with pytest.raises(UsageError, match=f"others may read it: chmod 600 {path}"):
        read_secret(str(path))


def test_a_name_is_found_among_the_credentials(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CREDENTIALS_DIRECTORY", raising=False)
    with pytest.raises(UsageError, match="CREDENTIALS_DIRECTORY"):
        read_secret("bridge.secret")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    path = secret_file(tmp_path, 0o440)  # an access list shows in the group's bits
    assert read_secret("bridge.secret") == "s3cret"
    path.chmod(0o444)
    with pytest.raises(UsageError, match="others may read it"):
        read_secret("bridge.secret")


def test_a_secret_that_is_not_there_or_empty_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        read_secret(str(tmp_path / "absent"))
    with pytest.raises(UsageError, match="is empty"):
        read_secret(str(secret_file(tmp_path, 0o600, "\n")))


def test_a_key_that_is_no_bare_one_is_quoted() -> None:
    table = {"1-0:1.7.0": "power", "a-b_9": {"": 1}}
    text = in_toml(table)
    assert text == '{ "1-0:1.7.0" = "power", a-b_9 = { "" = 1 } }'
    loads, _ = toml()
    assert loads(f"x = {text}") == {"x": table}


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('a = 1\nstart = "\\xaaU"\n', r': TOML has no "\\xaa", the byte AA is "\\u00aa"$'),
        ('a = "\\q"', r"\(at line 1, column 8\)$"),
        ('a = "\\x1"', r"\(at line 1, column 8\)$"),
    ],
)
def test_an_escape_that_toml_does_not_have_is_told_with_the_one_that_it_has(
    tmp_path: Path, text: str, hint: str
) -> None:
    (tmp_path / "bridge.toml").write_text(text)
    with pytest.raises(UsageError, match=hint):
        load(tmp_path / "bridge.toml")
