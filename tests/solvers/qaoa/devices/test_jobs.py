"""A paid job is submitted at most once, whatever happens in between."""

import os
import stat
import subprocess
import sys
import threading
import time

import numpy as np
import pytest

from qopt.errors import CredentialsError, StoreError, VendorError
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa.devices import Watch, jobs
from qopt.solvers.qaoa.devices.jobs import Busy, Fetched, JobState, Unsure, execute, shots_of
from qopt.solvers.qaoa.devices.journal import Journal, Order, journal_path

ORDER = Order("far:away", "abc", 3, 7)
BITS = np.array([[0, 1], [1, 1], [0, 0]], dtype=np.int8)


class Desk:
    """A vendor's desk: it takes jobs, keeps them by their keys, and stumbles as it is told."""

    vendor = "Faraway"

    def __init__(self, stumbles=(), *, idempotent=False, states=("done",), lost=False):
        self.idempotent = idempotent
        self.stumbles = list(stumbles)
        self.states = list(states)
        self.lost = lost
        self.taken: list[str] = []
        self.calls = 0

    def submit(self, key):
        self.calls += 1
        fault = self.stumbles.pop(0) if self.stumbles else None
        surely_not = isinstance(fault, Busy | VendorError)
        known = self.idempotent and key in self.taken
        if not surely_not and not known and not self.lost:
            self.taken.append(key)
        if fault is not None:
            self.lost = False
            raise fault
        return f"job-{self.taken.index(key)}"

    def find(self, key):
        return f"job-{self.taken.index(key)}" if key in self.taken else None

    def state(self, job):
        word = self.states.pop(0) if len(self.states) > 1 else self.states[0]
        if isinstance(word, Exception):
            raise word
        return JobState(word, done=word == "done", failure="it broke" if word == "failed" else "")

    def fetch(self, job):
        return Fetched(BITS, "shots", device_seconds=2.0, queue_seconds=5.0)


@pytest.fixture
def watch():
    return Watch(Budget().start(), Progress())


def test_a_second_run_fetches_what_the_first_submitted(watch):
    desk, journal = Desk(), Journal()
    first = execute(desk, ORDER, journal, watch)
    second = execute(desk, ORDER, Journal(), watch)
    assert desk.calls == 1
    assert np.array_equal(first.bits, second.bits)
    assert not first.details["job"]["submitted_before"]
    assert second.details["job"]["submitted_before"]
    assert second.details["job"]["id"] == "job-0"
    assert second.device_seconds == 2.0
    assert second.details["job"]["queue_seconds"] == 5.0


@pytest.mark.parametrize("change", [
    {"device": "far:off"}, {"circuit": "abd"}, {"shots": 4}, {"seed": 8}, {"repetition": 1},
])
def test_another_order_is_another_job(watch, change):
    desk, journal = Desk(), Journal()
    execute(desk, ORDER, journal, watch)
    other = Order(**(vars(ORDER) | change))
    assert other.key != ORDER.key
    samples = execute(desk, other, journal, watch)
    assert ("1 of 4 shots lost there" in samples.method) == ("shots" in change)
    assert desk.calls == 2


def test_more_shots_than_were_asked_for_are_refused(watch):
    with pytest.raises(VendorError, match="3 shots for 2"):
        execute(Desk(), Order("far:away", "abc", 2, 7), Journal(), watch)


def test_refusals_for_load_are_repeated(watch):
    desk = Desk([Busy("later"), Busy("later", after=0.01)])
    assert len(execute(desk, ORDER, Journal(), watch).bits) == 3
    assert len(desk.taken) == 1
    assert desk.calls == 3


def test_reads_are_repeated_and_a_vendor_out_of_reach_is_told(watch):
    desk = Desk(states=[Busy("HTTP 503"), "queued", "done"])
    assert len(execute(desk, ORDER, Journal(), watch).bits) == 3
    gone = Desk(states=[Busy("HTTP 503")])
    with pytest.raises(VendorError, match=r"look after job job-0.*HTTP 503"):
        execute(gone, Order("far:away", "x", 3, 7), Journal(), watch)
    gone.states = ["done"]
    assert len(execute(gone, Order("far:away", "x", 3, 7), Journal(), watch).bits) == 3
    assert gone.calls == 1


def test_a_definite_refusal_leaves_no_intent(watch):
    desk = Desk([CredentialsError("no key")])
    with pytest.raises(CredentialsError):
        execute(desk, ORDER, Journal(), watch)
    assert len(execute(desk, ORDER, Journal(), watch).bits) == 3
    assert len(desk.taken) == 1


def test_a_cut_submission_that_was_taken_is_found_again(watch):
    desk = Desk([Unsure("cut")])
    assert len(execute(desk, ORDER, Journal(), watch).bits) == 3
    assert desk.calls == len(desk.taken) == 1


def test_a_cut_submission_that_the_vendor_does_not_know_is_told(watch):
    desk = Desk([Unsure("cut")], lost=True)
    with pytest.raises(VendorError, match="resubmit=true"):
        execute(desk, ORDER, Journal(), watch)
    with pytest.raises(VendorError, match="resubmit=true"):
        execute(desk, ORDER, Journal(), watch)
    assert desk.calls == 1
    assert len(execute(desk, ORDER, Journal(), watch, resubmit=True).bits) == 3
    assert len(execute(desk, ORDER, Journal(), watch, resubmit=True).bits) == 3
    assert len(desk.taken) == 1


def test_an_idempotent_vendor_is_sent_the_same_token(watch):
    desk = Desk([Unsure("cut"), Unsure("cut again")], idempotent=True, lost=True)
    assert len(execute(desk, ORDER, Journal(), watch).bits) == 3
    assert len(desk.taken) == 1


def test_a_failed_job_is_replaced_by_the_next_run_alone(watch):
    desk = Desk(states=["failed"])
    with pytest.raises(VendorError, match="job job-0 failed at Faraway: it broke"):
        execute(desk, ORDER, Journal(), watch)
    assert desk.calls == 1
    desk.states = ["done"]
    samples = execute(desk, ORDER, Journal(), watch)
    assert samples.details["job"]["id"] == "job-1"
    assert desk.calls == 2


def test_an_interrupt_leaves_the_job_and_says_how_to_fetch_it(watch):
    desk = Desk(states=["queued"])
    threading.Timer(0.1, watch.progress.stop).start()
    samples = execute(desk, ORDER, Journal(), watch)
    assert len(samples.bits) == 0
    assert "job job-0 waited at Faraway" in samples.unfinished
    assert "same command again" in samples.unfinished
    desk.states = ["done"]
    assert len(execute(desk, ORDER, Journal(), Watch(Budget().start(), Progress())).bits) == 3
    assert desk.calls == 1


def test_a_time_limit_ends_the_waiting_and_calls_that_hang():
    class Hanging(Desk):
        def state(self, job):
            time.sleep(30.0)

    begin = time.monotonic()
    samples = execute(
        Hanging(), ORDER, Journal(), Watch(Budget(time_limit=0.3).start(), Progress())
    )
    assert not len(samples.bits)
    assert time.monotonic() - begin < 10.0


def test_nothing_is_submitted_when_the_run_is_over():
    desk, progress = Desk(), Progress()
    progress.stop()
    samples = execute(desk, ORDER, Journal(), Watch(Budget().start(), progress))
    assert desk.calls == 0
    assert samples.unfinished == "before a job was submitted"


def test_an_interrupted_submission_is_awaited_for_its_id(watch):
    class Slow(Desk):
        def submit(self, key):
            watch.progress.stop()
            time.sleep(0.2)
            return super().submit(key)

    samples = execute(Slow(), ORDER, Journal(), watch)
    assert "job job-0" in samples.unfinished


def test_an_unanswered_submission_counts_as_unsure(watch, monkeypatch):
    monkeypatch.setattr(jobs, "CALL_SECONDS", 0.05)

    class Mute(Desk):
        def submit(self, key):
            super().submit(key)
            time.sleep(20.0)

    desk = Mute()
    assert len(execute(desk, ORDER, Journal(), watch).bits) == 3
    assert desk.calls == 1


_KILLED = """
import os
from qopt.solver import Budget, Progress
from qopt.solvers.qaoa.devices import Watch
from qopt.solvers.qaoa.devices.jobs import execute
from qopt.solvers.qaoa.devices.journal import Journal, Order

class Deadly:
    vendor, idempotent = "Faraway", False
    def submit(self, key):
        os._exit(9)

execute(Deadly(), Order("far:away", "abc", 3, 7), Journal(), Watch(Budget().start(), Progress()))
"""


def test_a_process_killed_between_intent_and_id_does_not_make_a_second_job(watch):
    done = subprocess.run([sys.executable, "-c", _KILLED], env=dict(os.environ), timeout=120)
    assert done.returncode == 9
    desk = Desk()
    with pytest.raises(VendorError, match=r"cut off on 20.*lists no such job.*resubmit=true"):
        execute(desk, ORDER, Journal(), watch)
    assert desk.calls == 0
    desk.taken.append(ORDER.key)  # it was taken after all
    assert len(execute(desk, ORDER, Journal(), watch).bits) == 3
    assert desk.calls == 0


def test_of_many_threads_one_submits(watch):
    desk, faults = Desk(), []

    def run():
        try:
            execute(desk, ORDER, Journal(), watch)
        except VendorError as fault:  # another one's submission was still under way
            faults.append(fault)

    threads = [threading.Thread(target=run) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.calls == 1


def test_the_journal_is_its_owners_alone(tmp_path):
    journal = Journal(tmp_path / "new" / "jobs.sqlite")
    assert stat.S_IMODE(journal.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(journal.path.parent.stat().st_mode) == 0o700


def test_a_journal_that_cannot_be_written_ends_the_run(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StoreError, match="QOPT_JOBS"):
        Journal(tmp_path / "file" / "jobs.sqlite")
    (tmp_path / "other").write_bytes(b"no database at all" * 100)
    with pytest.raises(StoreError, match="QOPT_JOBS"):
        Journal(tmp_path / "other")


def test_the_journal_lies_with_the_users_data(tmp_path, monkeypatch):
    monkeypatch.delenv("QOPT_JOBS")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert journal_path() == tmp_path / "qopt" / "jobs.sqlite"


def test_shares_of_shots_become_those_shots():
    bits, words = shots_of({5: 0.25, 2: 0.75}, 3, 8, 1, "Faraway")
    assert sorted(map(tuple, bits.tolist())) == [(0, 1, 0)] * 6 + [(1, 0, 1)] * 2
    assert words.startswith("counts")


def test_other_probabilities_are_drawn_from_by_the_seed():
    shares = {0: 0.1234567, 3: 0.8765433}
    bits, words = shots_of(shares, 2, 1000, 1, "Faraway")
    again, _ = shots_of(shares, 2, 1000, 1, "Faraway")
    assert np.array_equal(bits, again)
    assert len(bits) == 1000
    assert abs(bits.mean() - 0.877) < 0.06
    assert words.startswith("shots drawn here")


@pytest.mark.parametrize("shares", [
    {}, {0: 0.4}, {4: 1.0}, {-1: 1.0}, {0: 1.5, 1: -0.5}, {0: float("nan")},
])
def test_what_are_no_probabilities_is_refused(shares):
    with pytest.raises(VendorError, match="no probabilities"):
        shots_of(shares, 2, 10, 1, "Faraway")


def test_a_cut_submission_at_the_end_of_a_run_is_asked_after_by_the_next(watch):
    class Cut(Desk):
        def submit(self, key):
            watch.progress.stop()
            return super().submit(key)

    desk = Cut([Unsure("cut")])
    with pytest.raises(VendorError, match="it asks first"):
        execute(desk, ORDER, Journal(), watch)
    later = Watch(Budget().start(), Progress())
    assert len(execute(desk, ORDER, Journal(), later).bits) == 3
    assert desk.calls == 1
