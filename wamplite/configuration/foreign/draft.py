"""What becomes of a foreign file: tables of wamplite.toml, users, and what has no counterpart."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...auth.permissions import ACTIONS, Permission
from ...auth.users import User
from ...config import in_toml
from ...core.errors import UsageError
from ..users_file import NAME, Listed

LOOPBACK = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::", "")
ALL = {"uri": "", "match": "prefix", "allow": list(ACTIONS)}


@dataclass
class Draft:
    """Our file, as it grows."""

    router: dict[str, Any] = field(default_factory=dict)
    listeners: list[dict[str, Any]] = field(default_factory=list)
    realms: dict[str, dict[str, Any]] = field(default_factory=dict)
    users: dict[tuple[str, str], User] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def lose(self, text: str) -> None:
        """Note what has no counterpart."""
        if text not in self.lost:
            self.lost.append(text)

    def limit(self, name: str, value: float) -> None:
        """Note a limit: the largest of all places that have one."""
        self.router[name] = max(value, self.router.get(name, value))

    def listen(self, scheme: str, host: str, port: int, path: str = "", **keys: Any) -> None:
        """Note a listener; where anybody could come in from the network, it is this machine's."""
        if host in EVERYWHERE and "anonymous" in keys.get("auth", ("anonymous",)):
            self.lose(
                f"port {port}: anonymous sessions from the network: it listens on {LOOPBACK} now;"
                " allow_anonymous_network = true, with the address, lets everybody in"
            )
            host = LOOPBACK
        host = host or "0.0.0.0"
        where = f"[{host}]" if ":" in host else host
        self.add({"url": f"{scheme}://{where}:{port}{path}", **keys}, f"{where}:{port}")

    def add(self, listener: dict[str, Any], place: str) -> None:
        """Note a listener, unless there is one at that place."""
        told = {key: value for key, value in listener.items() if value not in ("", None, False, [])}
        if any(each["_place"] == place for each in self.listeners):
            if not any({**each, "_place": 0} == {**told, "_place": 0} for each in self.listeners):
                self.lose(f"{listener['url']}: another listener is at {place}")
            return
        self.listeners.append({**told, "_place": place})

    def realm(self, name: str) -> dict[str, Any]:
        """Return the table of a realm."""
        return self.realms.setdefault(name, {"name": name, "role": []})

    def role(self, realm: str, name: str) -> dict[str, Any]:
        """Return the table of a role."""
        roles = self.realm(realm)["role"]
        found = next((role for role in roles if role["name"] == name), None)
        if found is None:
            found = {"name": name, "permission": []}
            roles.append(found)
        return found

    def permit(self, where: str, role: dict[str, Any], permission: dict[str, Any]) -> None:
        """Note a permission, unless it cannot be one here."""
        told = {key: value for key, value in permission.items() if value is not None}
        try:
            Permission(**told)
        except (UsageError, TypeError) as error:
            self.lose(f"{where}: {error}")
            return
        same = [each for each in role["permission"] if _place(each) == _place(told)]
        if same:
            self.lose(f"{where}: a second permission for {told['uri']!r}")
            return
        role["permission"].append(told)

    def user(self, realm: str, made: User) -> None:
        """Note a user; what several places know of one belongs together."""
        before = self.users.get((realm, made.authid))
        if before is not None:
            made = User(
                made.authid,
                before.role,
                made.scram or before.scram,
                made.cra or before.cra,
                made.pubkeys | before.pubkeys,
                made.certificates | before.certificates,
            )
        self.users[realm, made.authid] = made
        self.realm(realm)["users"] = NAME

    def finish(self) -> None:
        """Note what would keep our router from starting."""
        for name, realm in self.realms.items():
            roles = {role["name"] for role in realm["role"]}
            anonymous = realm.get("anonymous")
            if anonymous and anonymous not in roles and not realm.get("authorizer"):
                self.lose(f"realm {name}: anonymous: there is no role {anonymous!r}")
                del realm["anonymous"]
            if not any(realm.get(way) for way in ("users", "anonymous", "authenticator")):
                self.lose(f"realm {name}: nobody could join: give it users, or anonymous = ROLE")

    @property
    def listed(self) -> list[Listed]:
        """Return the users for their file."""
        return [Listed(realm, user) for (realm, _), user in self.users.items()]

    def text(self, source: str) -> str:
        """Return the file."""
        lines = [f"# Made of {source} by `wamplite config import`."]
        if self.lost:
            lines += ["# What has no counterpart:", *(f"#   {_plain(text)}" for text in self.lost)]
        lines.append("")
        if self.router:
            lines += _table("[router]", self.router, 0)
        for listener in self.listeners:
            lines += _table("[[listener]]", listener, 0)
        for realm in self.realms.values():
            lines += _table("[[realm]]", realm, 0)
            for name in ("role", "history"):
                for inner in realm.get(name, ()):
                    lines += _table(f"[[realm.{name}]]", inner, 1)
                    for permission in inner.get("permission", ()):
                        lines += _table("[[realm.role.permission]]", permission, 2)
        return "\n".join(lines) + "\n"


def _place(permission: dict[str, Any]) -> tuple[str, str]:
    return permission.get("match", "exact"), permission["uri"]


def _table(header: str, table: dict[str, Any], depth: int) -> list[str]:
    indent = "  " * depth
    keys = [
        f"{indent}{key} = {in_toml(value)}"
        for key, value in table.items()
        if key not in ("_place", "role", "history", "permission")
    ]
    return [f"{indent}{header}", *keys]


def _plain(text: str) -> str:
    return "".join(letter if letter.isprintable() else " " for letter in text)
