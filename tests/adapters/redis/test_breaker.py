import logging
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier, current_thread

import pytest

from eggypro_adapters.contracts.waiting import wait_until
from eggypro_adapters.redis.breaker import Breaker
from eggypro_core.errors import UnavailableError


class Remote:
    """A thing that is away or not, and who looked whether it is."""

    def __init__(self) -> None:
        self.is_away = False
        self.asked = 0
        self.looked: list[str] = []

    def question(self) -> str:
        self.asked += 1
        if self.is_away:
            raise UnavailableError("It is away")
        return "answer"

    def come_back(self) -> None:
        self.looked.append(current_thread().name)
        if self.is_away:
            raise UnavailableError("It is away still")


@pytest.fixture
def remote() -> Remote:
    return Remote()


@pytest.fixture
def breaker(remote: Remote) -> Breaker:
    return Breaker(remote.come_back, lost="Lost.", found="Found")


def test_questions_pass_while_it_is_there(breaker: Breaker, remote: Remote) -> None:
    assert [breaker.ask(remote.question) for _ in range(3)] == ["answer"] * 3
    assert not breaker.is_open


def test_once_a_question_failed_none_is_asked(breaker: Breaker, remote: Remote) -> None:
    with breaker.running():
        remote.is_away = True
        assert [breaker.ask(remote.question) for _ in range(3)] == [None] * 3
        assert (remote.asked, breaker.is_open) == (1, True)


def test_those_who_fail_together_tell_it_once(
    breaker: Breaker, caplog: pytest.LogCaptureFixture
) -> None:
    together = Barrier(8)

    def question() -> None:
        together.wait()
        raise UnavailableError("It is away")

    with breaker.running(), ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: breaker.ask(question), range(8)))
    assert [record.getMessage() for record in caplog.records] == ["Lost. It is away"]


def test_one_thread_looks_for_it_and_everybody_has_it_again(
    breaker: Breaker, remote: Remote, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    with breaker.running():
        remote.looked.clear()
        remote.is_away = True
        with ThreadPoolExecutor(8) as threads:
            assert not any(threads.map(lambda _: breaker.ask(remote.question), range(200)))
        wait_until(lambda: len(remote.looked) >= 2)
        remote.is_away = False
        wait_until(lambda: not breaker.is_open)
        assert breaker.ask(remote.question) == "answer"
    assert set(remote.looked) == {"breaker"}
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]


def test_it_ends_while_the_thing_is_away(breaker: Breaker, remote: Remote) -> None:
    remote.is_away = True
    with breaker.running():
        assert breaker.is_open
