"""The text of systemd units for the router and the bridge (systemd.service(5), .exec(5)).

Type=notify: the unit is up when the program reports READY, and systemd restarts it when it gives no
sign of life for WATCHDOG seconds. A user's systemd can neither add groups nor restrict devices:
there the sandbox is smaller.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

WATCHDOG = 30  # seconds
UnitLines = Iterable[str]

LASTING = (
    "Type=notify",
    "NotifyAccess=main",
    f"WatchdogSec={WATCHDOG}",
    "Restart=always",
    "RestartSec=2",
    "TimeoutStopSec=15",
    # glibc gives threads arenas of their own (mallopt(3)), and none can use another's free memory.
    "Environment=MALLOC_ARENA_MAX=2",
)
DOCUMENTATION = "Documentation=https://wamp-proto.org"
SANDBOX = (
    "ProtectSystem=strict",
    "ProtectHome=read-only",
    "PrivateTmp=yes",
    "UMask=0077",
    "ProtectKernelTunables=yes",
    "ProtectKernelModules=yes",
    "ProtectKernelLogs=yes",
    "ProtectControlGroups=yes",
    "ProtectHostname=yes",
    "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
    "RestrictNamespaces=yes",
    "RestrictRealtime=yes",
    "RestrictSUIDSGID=yes",
    "LockPersonality=yes",
    "CapabilityBoundingSet=",
    "SystemCallArchitectures=native",
    "SystemCallFilter=@system-service",
)
# systemd reads char-* from /proc/devices at the start of the unit: the modules of USB adapters have
# to be loaded before, even where no adapter is plugged in yet.
TTYS = ("DevicePolicy=closed", "DeviceAllow=char-tty* rw", "SupplementaryGroups=dialout")
MODULES = "modprobe@usbserial.service modprobe@cdc_acm.service"


def router(
    command: list[str], user: bool, account: str | None, again: list[str], files: Path | None
) -> str:
    """Return the router's unit; again: the command that has it read its file again.

    files: the unit is a template, wamplite-router@NAME reads NAME.toml of this folder.
    """
    about = ["Description=WAMP router (wamplite)", DOCUMENTATION]
    words, name = list(map(quoted, command)), "wamplite-router"
    if files is not None:
        file = quoted(str(files / "NAME.toml")).replace("NAME.toml", "%i.toml")
        about[0] += " of %i.toml"
        about.append(f"ConditionPathExists={escaped(str(files))}/%i.toml")
        words += ["--config", file]
        name += "-%i"
    own = [f"ExecReload={' '.join(map(quoted, again))} --pid $MAINPID"]
    own += [*named(name), *memory(30, 40), "TasksMax=2048", "LimitNOFILE=8192"]
    if not user:  # where memory is short, other programs are killed before the router
        own.append("OOMScoreAdjust=-200")
    return unit(about, words, user, account, own)


def named(name: str) -> UnitLines:
    """Return the program's name in the journal, and its directory for state."""
    return f"SyslogIdentifier={name}", f"StateDirectory={name}"


def memory(high: int, most: int) -> UnitLines:
    """Return the bounds of memory, in percent of what the machine has: a Pi Zero has 512 MB."""
    return f"MemoryHigh={high}%", f"MemoryMax={most}%"


def bridge(
    command: list[str], user: bool, account: str | None, config: Path, secret: Path | None
) -> str:
    """Return the bridge's unit. The program finds its secret in $CREDENTIALS_DIRECTORY."""
    about = (
        "Description=Serial devices on WAMP (wamplite bridge)",
        DOCUMENTATION,
        "After=wamplite-router.service",
        f"ConditionPathExists={escaped(str(config))}",
    )
    service = [*named("wamplite-bridge"), *memory(20, 25), "TasksMax=256"]
    if secret is not None:
        service.append(f"LoadCredential={escaped(f'{secret.name}:{secret}')}")
    return unit(about, list(map(quoted, command)), user, account, service)


def unit(
    about: UnitLines, words: list[str], user: bool, account: str | None, own: UnitLines
) -> str:
    """Return a unit from its parts; words: of its command, as systemd reads them."""
    sections = {
        "Unit": [*about, "StartLimitIntervalSec=0"],
        "Service": [*LASTING, f"ExecStart={' '.join(words)}", *own],
        "Install": ["WantedBy=default.target" if user else "WantedBy=multi-user.target"],
    }
    sections["Service"].append("NoNewPrivileges=yes")
    if not user:
        sections["Unit"] += [
            "Wants=network-online.target",
            "After=network-online.target",
            f"Wants={MODULES}",
            f"After={MODULES}",
        ]
        who = f"User={account}" if account else "DynamicUser=yes"
        sections["Service"] += [who, *TTYS, *SANDBOX]
    texts = ["\n".join([f"[{name}]", *lines]) + "\n" for name, lines in sections.items()]
    return "\n".join(texts)


def escaped(text: str) -> str:
    """Return `text` as systemd reads it where it replaces only %-specifiers."""
    return text.replace("%", "%%")


def quoted(word: str) -> str:
    """Return one word of a command line, quoted as systemd splits command lines."""
    word = escaped(word).replace("$", "$$")
    if word and not set(word) & set(" \t\n\"'\\;"):
        return word
    inside = word.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{inside}"'
