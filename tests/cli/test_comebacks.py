"""`wamplite sub` and `register` come back after a loss, and end where they are told to."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import pytest

import wamplite
from tests.cli.asking import run
from tests.processes import Program, RouterProcess, running, running_router
from tests.processes import wamplite as command
from tests.waiting import PATIENCE

LOST = "; trying again"
SUB = ("sub", "com.example.r", "-F", "{0}", "-v")
REGISTER = ("register", "com.example.r", "-v")
ECHO = ("--", "echo")


@pytest.fixture
def listen(tmp_path: Path) -> list[str]:
    return [f"unix://{tmp_path}/sock"]


def verb(listen: list[str], words: tuple[str, ...], *more: str) -> list[str]:
    rest = ECHO if words is REGISTER else ()
    return command(*words, *more, "--url", *listen, *rest)


def served(program: Program, times: int = 1) -> None:
    program.await_stderr("d com.example.r\n", times)


def end(router: RouterProcess) -> None:
    router.interrupt(signal.SIGTERM)
    assert router.wait() == 0


def test_sub_comes_back_and_says_once_that_it_tries(listen: list[str]) -> None:
    with running_router(listen=listen) as router, running(*verb(listen, SUB, "-C", "2")) as sub:
        served(sub)
        assert run("pub", "com.example.r", "1", "--url", *listen).returncode == 0
        assert sub.line() == "1"
        end(router)
        sub.await_stderr(LOST)
        with running_router(listen=listen):
            served(sub, 2)
            assert run("pub", "com.example.r", "2", "--url", *listen).returncode == 0
            assert (sub.line(), sub.wait()) == ("2", 0)
        assert sub.stderr().count(LOST) == 1


def test_register_comes_back(listen: list[str]) -> None:
    with running_router(listen=listen) as router, running(*verb(listen, REGISTER)) as register:
        served(register)
        end(router)
        register.await_stderr(LOST)
        with running_router(listen=listen):
            served(register, 2)
            assert run("call", "com.example.r", "5", "--url", *listen).stdout == "5\n"
        register.await_stderr(LOST, 2)  # the second router has ended, too


def test_a_procedure_that_is_taken_meanwhile_is_asked_for_again(listen: list[str]) -> None:
    with running_router(listen=listen) as router, running(*verb(listen, REGISTER)) as register:
        served(register)
        end(router)
        register.await_stderr(LOST)
        with wamplite.Router() as other, other.connect() as session:
            left = threading.Event()
            session.subscribe("wamp.session.on_leave", lambda *_: left.set())
            registration = session.register("com.example.r", print)
            other.listen(listen[0])
            assert left.wait(PATIENCE)  # it was refused
            registration.unregister()
            served(register, 2)
            assert register.stderr().count(LOST) == 1


@pytest.mark.parametrize("words", [SUB, REGISTER], ids=["sub", "register"])
def test_a_session_that_was_killed_comes_back(listen: list[str], words: tuple[str, ...]) -> None:
    with running_router(listen=listen), running(*verb(listen, words)) as program:
        served(program)
        assert run("kill", "--all", "--url", *listen).stdout == "1\n"
        served(program, 2)
        assert program.stderr().count(LOST) == 1


@pytest.mark.parametrize("words", [SUB, REGISTER], ids=["sub", "register"])
def test_what_is_to_run_once_ends_with_3(listen: list[str], words: tuple[str, ...]) -> None:
    with (
        running_router(listen=listen) as router,
        running(*verb(listen, words, "--once")) as program,
    ):
        served(program)
        end(router)
        assert program.wait() == 3
        assert "Traceback" not in program.stderr()


@pytest.mark.parametrize("words", [SUB, REGISTER], ids=["sub", "register"])
def test_a_router_that_is_not_there_at_first_gives_3(
    listen: list[str], words: tuple[str, ...]
) -> None:
    with running(*verb(listen, words)) as program:
        assert program.wait() == 3


def test_register_waits_for_a_router_where_it_is_told_to(listen: list[str]) -> None:
    with running(*verb(listen, REGISTER, "--retry")) as register:
        register.await_stderr(LOST)
        with running_router(listen=listen):
            served(register)


def test_a_procedure_that_is_taken_at_first_gives_1(listen: list[str]) -> None:
    with running_router(listen=listen), wamplite.connect(listen[0]) as session:
        session.register("com.example.r", print)
        with running(*verb(listen, REGISTER)) as register:
            assert register.wait() == 1
            assert "wamp.error.procedure_already_exists" in register.stderr()


def test_a_realm_that_is_gone_ends_it_with_1(listen: list[str]) -> None:
    with running_router(listen=listen) as router, running(*verb(listen, SUB)) as sub:
        served(sub)
        end(router)
        sub.await_stderr(LOST)
        with running_router(listen=listen, realms=("elsewhere",)):
            assert sub.wait() == 1
            assert "wamp.error.no_such_realm" in sub.stderr()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_while_it_waits_for_the_router(
    listen: list[str], number: int, code: int
) -> None:
    with running_router(listen=listen) as router, running(*verb(listen, REGISTER)) as register:
        served(register)
        end(router)
        register.await_stderr(LOST)
        register.interrupt(number)
        assert register.wait() == code


def test_sub_prints_what_was_kept_in_between(listen: list[str], tmp_path: Path) -> None:
    keeping = ("--feature", "standard", "--history", "com.example.r", "--keep", str(tmp_path))
    publish = ("pub", "com.example.r", "--url", *listen)
    sub_all = verb(listen, SUB, "--history", "3")
    with running_router(*keeping, listen=listen) as router, running(*sub_all) as sub:
        served(sub)
        assert run(*publish, "1").returncode == 0
        assert sub.line() == "1"
        end(router)
        sub.await_stderr(LOST)
        with running_router(*keeping, listen=listen):
            assert run(*publish, "2").returncode == 0
            assert run(*publish, "3").returncode == 0
            assert sub.lines(2) == ["2", "3"]
