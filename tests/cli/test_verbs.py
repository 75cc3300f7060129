"""The client verbs against a running router: output, exit codes, and how they end."""

from __future__ import annotations

import json
import os
import random
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.cli.asking import ask, run, subscribed
from tests.processes import ROOT, Program, RouterProcess, running, running_router, wamplite
from tests.waiting import until
from wamplite.cli import VERBS

SERVED = """
import sys, wamplite
session = wamplite.connect(sys.argv[1])
@session.register("com.example.echo")
def echo(*args, **kwargs):
    return wamplite.Result(args, kwargs)
@session.register("com.example.fail")
def fail():
    raise wamplite.ApplicationError("com.example.error.broken", "no", why="so")
@session.register("com.example.bytes")
def binary():
    return b"\\x10\\xff"
@session.register("com.example.slow")
def slow():
    import time
    time.sleep(3)
print("ready", flush=True)
session.run_forever()
"""


@pytest.fixture(scope="module")
def router() -> Iterator[RouterProcess]:
    features = ("--feature", "pattern_based_subscription", "--feature", "publisher_exclusion")
    with running_router(*features) as process:
        yield process


@pytest.fixture(scope="module")
def callee(router: RouterProcess) -> Iterator[Program]:
    with running(sys.executable, "-c", SERVED, router.rs) as program:
        assert program.line() == "ready"
        yield program


@pytest.fixture
def nap() -> str:
    """Return a time in seconds that no other test sleeps, in this run or another."""
    return str(random.SystemRandom().randrange(10**8, 10**9))


# ---- call


@pytest.mark.parametrize(
    ("arguments", "printed"),
    [
        ([], "null"),
        (["2"], "2"),
        (["two words"], '"two words"'),
        (["-1"], "-1"),
        (["[1,null]"], "[1,null]"),
        (["1", "a", "-k", "unit=C"], '{"args":[1,"a"],"kwargs":{"unit":"C"}}'),
        (["-k", "n=1", "-k", "s=x y"], '{"args":[],"kwargs":{"n":1,"s":"x y"}}'),
        (["-k", "n=1", "5"], '{"args":[5],"kwargs":{"n":1}}'),
        (["--", "--flag"], '"--flag"'),
    ],
)
@pytest.mark.usefixtures("callee")
def test_call_prints_the_result(router: RouterProcess, arguments: list[str], printed: str) -> None:
    before = arguments[: arguments.index("--")] if "--" in arguments else arguments
    after = arguments[len(before) :]
    done = run("call", "com.example.echo", *before, "--url", router.rs, *after)
    assert (done.returncode, done.stdout, done.stderr) == (0, printed + "\n", "")


@pytest.mark.usefixtures("callee")
def test_call_prints_bytes_as_wamps_json_does(router: RouterProcess) -> None:
    assert ask(router, "call", "com.example.bytes").stdout == '"\\u0000EP8="\n'


@pytest.mark.parametrize("serializer", ["json", "msgpack", "cbor"])
@pytest.mark.usefixtures("callee")
def test_call_speaks_every_serializer_over_websocket_too(
    router: RouterProcess, serializer: str
) -> None:
    words = ["call", "com.example.echo", "1", "--serializer", serializer]
    for url in (router.rs, router.ws):
        assert run(*words, "--url", url).stdout == "1\n"


@pytest.mark.usefixtures("callee")
def test_url_realm_and_serializer_come_from_the_environment(router: RouterProcess) -> None:
    settings = {"WAMPLITE_URL": router.ws, "WAMPLITE_REALM": "realm1"}
    settings |= {"WAMPLITE_SERIALIZER": "msgpack", "WAMPLITE_TIMEOUT": "5"}
    done = run("call", "com.example.echo", "1", env=os.environ | settings)
    assert (done.returncode, done.stdout) == (0, "1\n")


@pytest.mark.usefixtures("callee")
def test_a_wamp_error_gives_1_and_its_uri(router: RouterProcess) -> None:
    done = ask(router, "call", "com.example.fail")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("wamplite: com.example.error.broken")
    assert done.stderr.endswith(": 'no', why='so'\n")
    done = ask(router, "call", "com.example.nobody")
    assert done.returncode == 1
    assert done.stderr.startswith("wamplite: wamp.error.no_such_procedure")


def test_a_realm_that_is_not_there_gives_1(router: RouterProcess) -> None:
    done = ask(router, "call", "com.example.echo", "--realm", "elsewhere")
    assert done.returncode == 1
    assert "wamp.error.no_such_realm" in done.stderr


@pytest.mark.sampled
@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["no_such_verb"],
        ["call"],
        ["call", "com.example.echo", "-k", "novalue"],
        ["call", "com.example.echo", "--timeout", "0"],
        ["call", "com.example.echo", "--serializer", "xml"],
        ["call", "com.example.echo", "--url", "http://localhost"],
        ["call", "not a uri"],
        ["call", "com.example.echo", "--nonsense"],
        ["sub"],
        ["sub", "com.example.t", "-F", "{"],
        ["sub", "com.example.t", "-C", "0"],
        ["pub"],
        ["register", "com.example.p"],
        ["version", "surplus"],
        ["sub", "com.example.t", "--", "surplus"],
    ],
    ids=" ".join,
)
def test_what_is_not_understood_gives_2(router: RouterProcess, arguments: list[str]) -> None:
    done = run(*arguments, env=os.environ | {"WAMPLITE_URL": router.rs})
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr and "Traceback" not in done.stderr


def test_a_router_that_is_not_there_gives_3(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    for url in (f"rs://127.0.0.1:{port}", f"ws://127.0.0.1:{port}/ws", f"unix://{tmp_path}/none"):
        done = run("call", "com.example.echo", "--url", url)
        assert done.returncode == 3, done.stderr
        assert url in done.stderr and "Traceback" not in done.stderr


def test_a_router_that_is_silent_gives_3_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"rs://127.0.0.1:{server.getsockname()[1]}"
        done = run("call", "com.example.echo", "--url", url, "-W", "0.3")
    assert done.returncode == 3
    assert "Traceback" not in done.stderr


@pytest.mark.usefixtures("callee")
def test_an_answer_that_does_not_come_gives_4(router: RouterProcess) -> None:
    done = ask(router, "call", "com.example.slow", "-W", "0.5")
    assert done.returncode == 4
    assert "wamp.error.timeout" in done.stderr


@pytest.mark.usefixtures("callee")
def test_ctrl_c_ends_a_call_quietly(router: RouterProcess) -> None:
    with running(*wamplite("call", "com.example.slow", "--url", router.rs)) as program:
        await_session(router, program)
        program.interrupt()
        assert (program.wait(), program.stderr()) == (130, "")


def await_session(router: RouterProcess, program: Program) -> None:
    """Wait until a program has connected to the router."""

    def has_connected() -> bool:
        assert program.process.poll() is None, f"it has ended: {program.stderr()}"
        return not connected(router.port).isdisjoint(links(program.pid))

    until(has_connected, "it has connected")


def connected(port: int) -> set[str]:
    """Return the sockets that are connected to a port, as descriptors name them."""
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    ours = [words for words in lines if words[2].endswith(f":{port:04X}") and words[3] == "01"]
    return {f"socket:[{words[9]}]" for words in ours}


def links(pid: int) -> list[str]:
    """Return what the descriptors of a process stand for."""
    found = []
    for path in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.append(os.readlink(path))
        except OSError:  # closed meanwhile
            continue
    return found


# ---- pub and sub


def test_sub_prints_a_line_of_json_for_each_event(router: RouterProcess) -> None:
    with subscribed(router, "com.example.t", "-C", "2") as sub:
        assert ask(router, "pub", "com.example.t", "21.5", "°C", "-k", "n=1").returncode == 0
        assert ask(router, "pub", "com.example.t").returncode == 0
        first, second = map(json.loads, sub.lines(2))
        assert sub.wait() == 0
    details = first.pop("details")
    assert first == {"topic": "com.example.t", "args": [21.5, "°C"], "kwargs": {"n": 1}}
    assert isinstance(details, dict)
    assert (second["args"], second["kwargs"]) == ([], {})


def test_sub_fills_a_format(router: RouterProcess) -> None:
    with subscribed(router, "com.example.f", "-F", "{topic} {0:.1f} {unit}{none}") as sub:
        ask(router, "pub", "com.example.f", "21.55", "-k", "unit=C")
        assert sub.line() == "com.example.f 21.6 C"


def test_sub_takes_several_topics_and_patterns(router: RouterProcess) -> None:
    words = ["com.a.", "com.b.", "--match", "prefix", "-F", "{topic}", "-C", "2"]
    with subscribed(router, *words) as sub:
        sub.await_stderr("subscribed com.b.")
        ask(router, "pub", "com.b.2")
        ask(router, "pub", "com.a.1")
        assert sub.lines(2) == ["com.b.2", "com.a.1"]
        assert sub.wait() == 0


def test_pub_publishes_the_lines_of_stdin_in_order(router: RouterProcess) -> None:
    lines = ["1", "two", "", '{"a": 3}', "NaN", "°"]
    with subscribed(router, "com.example.l", "-C", str(len(lines) + 1)) as sub:
        done = ask(router, "pub", "com.example.l", "x", "-l", input="\n".join(lines) + "\nlast")
        assert done.returncode == 0, done.stderr
        came = [json.loads(line)["args"] for line in sub.lines(len(lines) + 1)]
    values = [1, "two", "", {"a": 3}, "NaN", "°", "last"]
    assert came == [["x", value] for value in values]


def test_pub_publishes_lines_that_are_not_utf8_as_bytes(router: RouterProcess) -> None:
    with subscribed(router, "com.example.u", "-F", "{0}", "-C", "2") as sub:
        command = wamplite("pub", "com.example.u", "-l", "--url", router.rs)
        subprocess.run(command, cwd=ROOT, input=b"a\xffb\nc\n", timeout=30, check=True)
        assert sub.lines(2) == ['"\\u0000Yf9i"', "c"]


def test_pub_to_a_reserved_topic_gives_1(router: RouterProcess) -> None:
    done = ask(router, "pub", "wamp.session.on_join")
    assert done.returncode == 1
    assert "wamp.error." in done.stderr


def test_what_a_client_logs_is_not_told_by_a_verb(router: RouterProcess) -> None:
    done = ask(router, "pub", "com.example.topic", "-k", "acknowledge=true")  # an option
    assert (done.returncode, done.stderr) == (0, "")


def test_sub_gives_4_when_the_time_is_up(router: RouterProcess) -> None:
    done = ask(router, "sub", "com.example.silent", "-C", "1", "-W", "0.5")
    assert (done.returncode, done.stdout) == (4, "")


def test_ctrl_c_ends_sub_quietly(router: RouterProcess) -> None:
    with subscribed(router, "com.example.t") as sub:
        sub.interrupt()
        assert sub.wait() == 130
        assert sub.stderr() == "subscribed com.example.t\n"


def test_a_reader_that_has_seen_enough_ends_sub_quietly(router: RouterProcess) -> None:
    with subscribed(router, "com.example.t") as sub:
        assert sub.process.stdout is not None
        sub.process.stdout.close()
        ask(router, "pub", "com.example.t")
        assert sub.wait() == 0
        assert sub.stderr() == "subscribed com.example.t\n"
        sub.process.stdout = None


def test_sub_ends_at_once_while_events_pour_in(router: RouterProcess) -> None:
    lines = "x\n" * 5000
    with subscribed(router, "com.example.flood", "-C", "1") as sub:
        command = wamplite("pub", "com.example.flood", "-l", "--url", router.rs)
        with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, text=True) as pub:
            pub.communicate(lines, timeout=40)
        assert json.loads(sub.line())["args"] == ["x"]
        assert sub.wait(3) == 0


def test_sub_that_is_to_run_once_gives_3_when_the_router_goes_away() -> None:
    with running_router() as router, subscribed(router, "com.example.t", "--once") as sub:
        router.interrupt(signal.SIGTERM)
        assert sub.wait() == 3 and router.wait() == 0
        assert "Traceback" not in sub.stderr()


def test_sub_waits_for_a_router_and_comes_back_where_it_is_told_to(tmp_path: Path) -> None:
    listen = [f"unix://{tmp_path}/sock"]
    topic = ["com.example.r", "-F", "{0}", "-C", "2", "--retry", "-v"]
    with running(*wamplite("sub", *topic, "--url", *listen)) as sub:
        sub.await_stderr("is a router running there?; trying again")
        for number in (1, 2):
            with running_router(listen=listen):
                sub.await_stderr("subscribed com.example.r\n", number)
                assert run("pub", "com.example.r", str(number), "--url", *listen).returncode == 0
                assert sub.line() == str(number)
        assert sub.wait() == 0


def test_the_time_for_all_events_includes_the_retries(tmp_path: Path) -> None:
    words = ["sub", "t", "--retry", "-W", "0.5", "--url", f"unix://{tmp_path}/none"]
    done = run(*words)
    assert done.returncode == 4 and "time is up" in done.stderr


def test_a_router_that_does_not_match_is_told_with_what_would() -> None:
    with running_router("--feature", "basic") as router:
        done = ask(router, "sub", "com.a.", "--match", "prefix")
    assert done.returncode == 1
    assert "lacks the feature pattern_based_subscription" in done.stderr
    assert "--feature pattern_based_subscription, in Python features=, switches it" in done.stderr


def test_a_feature_that_is_assumed_is_left_to_the_router() -> None:
    with running_router("--feature", "basic") as router:
        words = ("--match", "prefix", "--assume-feature", "pattern_based_subscription")
        done = ask(router, "sub", "com.a.", *words)
    assert done.returncode == 1
    assert "SUBSCRIBE was not sent" not in done.stderr
    assert "this router does not match by 'prefix': it lacks the feature" in done.stderr


@pytest.mark.sampled
@pytest.mark.parametrize("topic", ["#", "t.+", "sensors/+/x", "t.*", "t.>"])
def test_wildcards_of_others_are_told_of(router: RouterProcess, topic: str) -> None:
    done = ask(router, "sub", topic, "-W", "0.2")
    assert "mean nothing in a topic of WAMP: see --match prefix" in done.stderr


# ---- register


@contextmanager
def registered(router: RouterProcess, *words: str, **options: str) -> Iterator[Program]:
    more = [word for key, value in options.items() for word in (f"--{key}", value)]
    command = ["register", "com.example.run", "-v", *more, "--url", router.rs, "--", *words]
    with running(*wamplite(*command)) as program:
        program.await_stderr("registered ")
        yield program


def python(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_a_command_gets_words_and_json_and_answers(router: RouterProcess) -> None:
    program = "import sys, json; print(json.dumps([sys.argv[1:], json.load(sys.stdin)]))"
    with registered(router, *python(program)):
        done = ask(router, "call", "com.example.run", "1", "two", "[3]", "-k", "n=4")
    assert json.loads(done.stdout) == [["1", "two", "[3]"], [[1, "two", [3]], {"n": 4}]]


def test_a_pattern_is_served_and_the_command_is_told_what_was_called() -> None:
    program = "import os; print(os.environ['WAMPLITE_PROCEDURE'])"
    with (
        running_router("--feature", "pattern_based_registration") as router,
        registered(router, *python(program), match="prefix"),
    ):
        for procedure in ("com.example.run", "com.example.run.now"):
            assert ask(router, "call", procedure).stdout == f'"{procedure}"\n'


def test_several_serve_in_turn_and_none_where_one_wants_to_be_alone() -> None:
    turns = {"invoke": "roundrobin"}
    with (
        running_router("--feature", "shared_registration") as router,
        registered(router, "echo", "one", **turns),
        registered(router, "echo", "two", **turns),
    ):
        said = [ask(router, "call", "com.example.run").stdout for _ in range(4)]
        assert sorted(said[:2]) == ['"one"\n', '"two"\n'] and said[2:] == said[:2]
        alone = run("register", "com.example.run", "--url", router.rs, "--once", "--", "echo")
    assert alone.returncode == 1 and "procedure_already_exists" in alone.stderr


@pytest.mark.parametrize(
    ("program", "printed"),
    [("print('two words')", '"two words"'), ("pass", "null"), ("print(1); print(2)", '"1\\n2"')],
)
def test_what_is_not_json_is_text(router: RouterProcess, program: str, printed: str) -> None:
    with registered(router, *python(program)):
        assert ask(router, "call", "com.example.run").stdout == printed + "\n"


@pytest.mark.parametrize(
    ("format_", "printed"),
    [
        (r"\377\376\000A", '"\\u0000//4AQQ=="'),
        (r"\377\n", '"\\u0000/wo="'),
        (r"\302\260C", '"°C"'),
    ],
    ids=["bytes", "bytes and a newline", "text"],
)
def test_what_is_not_utf8_is_bytes(router: RouterProcess, format_: str, printed: str) -> None:
    with registered(router, "printf", format_):
        assert ask(router, "call", "com.example.run").stdout == printed + "\n"


def test_a_command_that_fails_is_an_error(router: RouterProcess) -> None:
    with registered(router, *python("import sys; sys.exit('it is broken')")) as program:
        done = ask(router, "call", "com.example.run")
        assert program.stderr().splitlines()[1:] == [
            "wamplite: wamplite.error.command_failed: 'it is broken', code=1"
        ]
    assert done.returncode == 1
    assert done.stderr.startswith("wamplite: wamplite.error.command_failed")
    assert done.stderr.endswith(": 'it is broken', code=1\n")


def test_a_command_that_is_gone_is_an_error(router: RouterProcess, tmp_path: Path) -> None:
    command = tmp_path / "command"
    command.touch(mode=0o700)
    with registered(router, str(command)):
        command.unlink()
        done = ask(router, "call", "com.example.run")
    assert done.returncode == 1
    assert "wamplite.error.command_failed" in done.stderr


def test_an_argument_that_cannot_be_a_word_is_refused(router: RouterProcess) -> None:
    with registered(router, "echo"):
        done = ask(router, "call", "com.example.run", '"a\\u0000b"')
    assert done.returncode == 1
    assert "wamp.error.invalid_argument" in done.stderr


def test_a_command_that_hangs_is_ended_with_its_children(router: RouterProcess, nap: str) -> None:
    program = f"import subprocess; subprocess.run(['sleep', '{nap}'])"
    with registered(router, *python(program), timeout="0.5"):
        done = ask(router, "call", "com.example.run")
    assert "no end within 0.5 s" in done.stderr
    assert not sleeping(nap)


def test_ctrl_c_ends_register_and_its_commands(router: RouterProcess, nap: str) -> None:
    with registered(router, "sleep", nap) as program:
        with running(*wamplite("call", "com.example.run", "--url", router.rs)) as caller:
            until(lambda: sleeping(nap), "the command runs")
            program.interrupt()
            assert program.wait() == 130
            assert caller.wait() == 1
        assert program.stderr() == "registered com.example.run\n"
    assert not sleeping(nap)


def test_a_command_that_ignores_sigterm_is_ended_too(router: RouterProcess, nap: str) -> None:
    stubborn = f"trap '' TERM; while :; do sleep {nap}; done"
    with (
        registered(router, "sh", "-c", stubborn, "sh") as program,
        running(*wamplite("call", "com.example.run", "--url", router.rs)),
    ):
        until(lambda: sleeping(nap), "the command runs")
        program.interrupt(signal.SIGTERM)
        assert program.wait(10) == 0
    assert not sleeping(nap)


def test_sigterm_ends_register_with_0(router: RouterProcess) -> None:
    with registered(router, "true") as program:
        program.interrupt(signal.SIGTERM)
        assert program.wait() == 0


def sleeping(nap: str) -> list[str]:
    """Return the processes that sleep so long, as nothing but one test asks for."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if path.read_bytes() == f"sleep\0{nap}\0".encode():
                found.append(path.parent.name)
        except OSError:  # it ended meanwhile
            continue
    return found


# ---- the rest


def test_version_prints_json() -> None:
    import wamplite as package

    done = run("version")
    assert json.loads(done.stdout)["wamplite"] == package.__version__


def test_what_is_asked_for_by_habit_is_answered() -> None:
    import wamplite as package

    for words in (["--version"], ["-V"]):
        done = run(*words)
        assert (done.returncode, done.stdout) == (0, f"wamplite {package.__version__}\n")
    usual = run("--help").stdout
    assert run("help").stdout == usual and "verbs:" in usual
    assert run("help", "sub").stdout == run("sub", "--help").stdout
    bare = run()
    assert (bare.returncode, bare.stdout, bare.stderr) == (2, "", usual)


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("rotuer", "there is no verb 'rotuer', perhaps router"),
        ("--vresion", "perhaps --version"),
        ("--url x pub t", "the verb comes first: wamplite pub --url ..."),
        ("sub t --coutn=3", "unrecognized arguments: --coutn=3; perhaps --count"),
        ("router --relm home", "unrecognized arguments: --relm home; perhaps --realm"),
    ],
)
def test_what_is_misspelt_is_told_with_what_was_meant(words: str, meant: str) -> None:
    done = run(*words.split())
    assert done.returncode == 2 and done.stderr.endswith(f"{meant}\n")


@pytest.mark.sampled
@pytest.mark.parametrize(
    ("words", "meant"),
    [
        ("call --port 8080 com.example.p", "--url ws://HOST:PORT/ws says where the router is"),
        ("sub t --host=pi", "--url ws://HOST:PORT/ws says where the router is"),
        ("top -p 8080", "--url ws://HOST:PORT/ws says where the router is"),
        ("serial /dev/null --publish t --port 1", "--url ws://HOST:PORT/ws says where the router"),
        ("pub -t x -m y", "the topic is the first word, without an option"),
        ("pub x -m y", "arguments follow the topic, without an option"),
        ("sub x --user joe", "--authid NAME says who we are"),
        ("sub x --password y", "--secret file:PATH, with --authid, proves who we are"),
        ("router --port 8080", "say --listen tcp://127.0.0.1:PORT"),
        ("router --host=pi", "say --listen tcp://HOST:PORT"),
        ("router --url ws://pi:1", "say --listen tcp://HOST:PORT"),
    ],
)
def test_what_other_programs_call_it_is_understood(words: str, meant: str) -> None:
    done = run(*words.split())
    assert done.returncode == 2 and f"; {meant}" in done.stderr


def test_a_word_like_no_verb_is_told_all_of_them() -> None:
    done = run("xyz")
    assert done.returncode == 2 and all(verb in done.stderr for verb in VERBS)


def test_a_listener_without_a_scheme_is_told_all_of_them() -> None:
    done = run("router", "--listen", "8080")
    assert done.returncode == 2 and "tcp, tls, rs, rss, ws, wss, unix, serial, like" in done.stderr


@pytest.mark.parametrize("command", ["no-such-command", "/etc/passwd"])
def test_register_refuses_a_command_that_cannot_run_before_anything_is_registered(
    router: RouterProcess, command: str
) -> None:
    done = run("register", "com.example.p", "--url", router.rs, "--", command)
    assert done.returncode == 2
    assert done.stderr.startswith(f"wamplite: register: {command}: there is no such command")


def test_pub_asks_for_a_topic_alone() -> None:
    done = run("pub")
    assert done.returncode == 2 and done.stderr.endswith("arguments are required: TOPIC\n")


def test_a_router_that_is_not_there_is_asked_after(tmp_path: Path) -> None:
    done = run("pub", "t", "--url", f"unix://{tmp_path}/none")
    assert done.returncode == 3 and done.stderr.endswith(": is a router running there?\n")


@pytest.mark.sampled
@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str) -> None:
    done = run(verb, "--help")
    assert done.returncode == 0 and f"wamplite {verb}" in done.stdout
    assert verb in run("--help").stdout
