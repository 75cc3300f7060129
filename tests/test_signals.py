"""Ending: what ends a program while its threads run, and what is put back afterwards."""

from __future__ import annotations

import signal
import subprocess
import sys

import pytest

from tests.processes import ROOT

HEAD = "import os, signal, threading, time\nfrom wamplite.signals import Ending, ENDING\n"


def ended(program: str) -> subprocess.CompletedProcess[str]:
    """Run a program that hears signals, to its end."""
    return subprocess.run(
        [sys.executable, "-c", HEAD + program], cwd=ROOT, capture_output=True, text=True, timeout=20
    )


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_to_the_process_ends_the_wait(name: str) -> None:
    program = "with Ending() as ending:\n"
    program += "    thread = threading.Thread(target=time.sleep, args=(0.3,)); thread.start()\n"
    program += f"    os.kill(os.getpid(), signal.{name})\n"
    program += "    print(ending.wait(20), ending.wait(0))\n"
    done = ended(program)
    assert (done.stdout, done.stderr, done.returncode) == ("True False\n", "", 0)


def test_a_signal_that_means_nothing_is_logged_and_the_wait_goes_on() -> None:
    program = "import logging; logging.basicConfig(format='%(message)s')\n"
    program += "with Ending() as ending:\n"
    program += "    os.kill(os.getpid(), signal.SIGUSR1); os.kill(os.getpid(), signal.SIGUSR2)\n"
    program += "    print(ending.wait(0.01, lambda: 'figures of two\\nlines'))\n"
    done = ended(program)
    assert done.stdout == "False\n"
    assert done.stderr.splitlines() == [
        "SIGUSR1: figures of two",
        "SIGUSR1: lines",
        "SIGUSR2: it means nothing here",
    ]


def test_after_the_block_signals_are_as_before_and_those_that_came_in_it_are_over() -> None:
    program = "before = signal.pthread_sigmask(signal.SIG_BLOCK, ())\n"
    program += "with Ending():\n"
    program += "    with Ending():\n"
    program += "        os.kill(os.getpid(), signal.SIGINT)\n"
    program += "    os.kill(os.getpid(), signal.SIGTERM)\n"
    program += "print(signal.pthread_sigmask(signal.SIG_BLOCK, ()) == before)\n"
    program += "print(signal.getsignal(signal.SIGINT) is signal.default_int_handler)\n"
    done = ended(program)
    assert (done.stdout, done.stderr, done.returncode) == ("True\nTrue\n", "", 0)


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_second_signal_ends_a_program_that_is_ending(name: str) -> None:
    program = "with Ending() as ending:\n"
    program += f"    os.kill(os.getpid(), signal.{name})\n"
    program += "    assert ending.wait(20)\n    ending.release()\n"
    program += f"    os.kill(os.getpid(), signal.{name})\n"
    program += "    time.sleep(20)\n"
    assert ended(program).returncode == -signal.Signals[name]
