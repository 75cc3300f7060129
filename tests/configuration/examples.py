"""The file that the documentation shows, and the files that it names."""

from __future__ import annotations

from pathlib import Path

from tests.transports.streams import make_certificate
from wamplite.auth import User
from wamplite.configuration.users_file import Listed, edit

EXAMPLE = """\
[router]                              # every limit and deadline by its name
max_message_size = "1 MiB"            # sizes and times take units: 500 ms, 2 min, 16 MiB
[[listener]]
url = "tcp://127.0.0.1:8080"          # one port: WebSocket, RawSocket, HTTP
[[listener]]
url = "tls://0.0.0.0:8443"
cert = "router.pem"
key = "router.key"
auth = ["scram", "cryptosign"]        # of what the realm offers; none: all that are safe here
[[realm]]
name = "home"
features = ["standard"]
users = "users.toml"                  # made by `wamplite user`, mode 600
anonymous = "guest"                   # the role of whoever does not say who it is; without it nobody such gets in
  [[realm.role]]
  name = "sensor"
    [[realm.role.permission]]
    uri = "home.sensors."
    match = "prefix"
    allow = ["publish", "call"]
  [[realm.role]]
  name = "guest"
    [[realm.role.permission]]
    uri = "home.sensors."
    match = "prefix"
    allow = ["subscribe"]
  [[realm.retain]]
  uri = "home."
  match = "prefix"
  max_age = "7 d"
  store = "retained.db"
"""  # noqa: E501 - as it is shown


def furnish(folder: Path, text: str = EXAMPLE, *users: User) -> Path:
    """Write the example with its users, of joe if nobody is given, and its certificate."""
    for at, to in ((":8080", ":0"), (":8443", ":0")):
        text = text.replace(at, to)
    path = folder / "wamplite.toml"
    path.write_text(text)
    write_users(folder / "users.toml", *(users or (joe(),)))
    certificate = make_certificate(folder)
    Path(certificate.cert).rename(folder / "router.pem")
    Path(certificate.key).rename(folder / "router.key")
    return path


def joe(password: str = "s3cret", role: str = "sensor", authid: str = "joe") -> User:
    return User.of_password(authid, role, password, iterations=4096)


def write_users(path: Path, *users: User, realm: str = "home") -> None:
    with edit(path) as listed:
        listed[:] = [Listed(realm, user) for user in users]
