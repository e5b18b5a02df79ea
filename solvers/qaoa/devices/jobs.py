"""Jobs at a vendor: submitted at most once, waited for, and fetched whenever they are done.

The rules, in full:

- Before anything is sent, the order is noted in the journal (`Journal`); the vendor's id right
  after it was answered. A run that finds its order there fetches the result and submits nothing.
- An order is the device, the circuit (before it was compiled, so that a new calibration does not
  make a new job), shots, seed, and how often the run asked for the same.
- Reading is repeated after time-outs, refusals for load and faults of the server, with pauses that
  double, as long as the run may last. A submission is repeated only where the vendor surely did
  not take it (no connection, refused for load) or takes the same token once.
- Where the fate of a submission is unknown (cut connection, killed process), the vendor is asked
  for a job that bears the order's key. Where it has none, the user decides: ``resubmit=true``.
- A job that failed at its vendor is noted, told, and replaced by a new one by the next run.
- A time limit or an interrupt ends the waiting, never the job.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from math import isfinite
from threading import Thread
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from qopt.errors import VendorError

from .device import Samples, Watch
from .journal import Journal, Order

_T = TypeVar("_T")

CALL_SECONDS = 60.0
"""After so long without an answer a call is given up."""

GRACE_SECONDS = 10.0
"""So long a submission under way is waited for when a run is to end: its id is worth it."""

_FIRST_PAUSE, _LONGEST_PAUSE = 0.5, 15.0
_TRIES = 8
"""Failed calls in a row after which a vendor counts as out of reach: a minute or so."""

_SLICE = 0.05


class Busy(Exception):  # noqa: N818 - a state that passes, told to nobody
    """The call did nothing and may be repeated.

    Parameters
    ----------
    text : str
    after : float, optional
        Seconds that the vendor asks for.
    """

    def __init__(self, text: str, after: float | None = None) -> None:
        super().__init__(text)
        self.after = after


class Unsure(Exception):  # noqa: N818
    """A submission of which nobody knows whether the vendor took it."""


class Over(Exception):  # noqa: N818
    """The run is to end now."""


@dataclass(frozen=True)
class JobState:
    """Where a job stands.

    Parameters
    ----------
    words : str
        The vendor's own.
    done : bool
        Whether there is a result.
    failure : str
        Why there will be none; empty where there may be one.
    """

    words: str
    done: bool = False
    failure: str = ""


@dataclass(frozen=True, eq=False)
class Fetched:
    """A result.

    Parameters
    ----------
    bits : ndarray of int8, shape (shots, n)
        Column ``i`` is classical bit ``i``.
    method : str
        How shots were made of the vendor's answer, in words.
    device_seconds : float, optional
        By the vendor's own count.
    queue_seconds, execution_seconds : float, optional
        From its time stamps.
    """

    bits: NDArray[np.int8] = field(repr=False)
    method: str
    device_seconds: float | None = None
    queue_seconds: float | None = None
    execution_seconds: float | None = None


class VendorJob(Protocol):
    """One circuit for one vendor.

    Every method may raise `Busy` for what passes, and `VendorError` for what does not.

    Attributes
    ----------
    vendor : str
        Name for people.
    idempotent : bool
        Whether submitting with the same key again gives the first job's id.
    """

    vendor: str
    idempotent: bool

    def submit(self, key: str) -> str:
        """Send it, marked with a key; the vendor's id. May raise `Unsure`."""
        ...

    def find(self, key: str) -> str | None:
        """The id of the job that was marked with a key."""
        ...

    def state(self, job: str) -> JobState:
        """Where a job stands."""
        ...

    def fetch(self, job: str) -> Fetched:
        """The result of a job that is done."""
        ...


def execute(
    work: VendorJob, order: Order, journal: Journal, watch: Watch, *, resubmit: bool = False
) -> Samples:
    """The result of an order: of the job that it has, or of a new one.

    Raises
    ------
    VendorError
        Where the vendor refuses, fails or cannot be reached, or the fate of an earlier submission
        is unknown.
    """
    job = ""
    try:
        job, order, known = _obtain(work, order, journal, watch, resubmit=resubmit)
        _await(work, job, order, journal, watch)
        fetched = repeat(lambda: work.fetch(job), watch, f"fetch job {job} of {work.vendor}")
    except Over:
        return _left(work, job)
    came = len(fetched.bits)
    if not 0 < came <= order.shots:
        raise VendorError(
            f"{work.vendor} answered {came} shots for {order.shots} (job {job}): its result is not "
            "used"
        )
    missing = order.shots - came
    lost = f", {missing} of {order.shots} shots lost there" if missing else ""
    told = {
        "id": job, "vendor": work.vendor, "key": order.key, "submitted_before": known,
        "queue_seconds": fetched.queue_seconds, "execution_seconds": fetched.execution_seconds,
    }
    before = ", submitted by an earlier run" if known else ""
    return Samples(
        fetched.bits, method=f"{work.vendor}, job {job}{before}, {fetched.method}{lost}",
        details={"job": told}, device_seconds=fetched.device_seconds,
    )


def _left(work: VendorJob, job: str) -> Samples:
    """No shots, and what to do about it."""
    unfinished = "before a job was submitted"
    details: dict[str, Any] = {}
    if job:
        unfinished = (
            f"while job {job} waited at {work.vendor}, where it stays: run the same command again "
            "to fetch its result; it is not submitted twice (if a time limit cut the training "
            "short, give the angles of this record)"
        )
        details = {"job": {"id": job, "vendor": work.vendor}}
    return Samples(np.zeros((0, 0), dtype=np.int8), details=details, unfinished=unfinished)


def _obtain(
    work: VendorJob, order: Order, journal: Journal, watch: Watch, *, resubmit: bool
) -> tuple[str, Order, bool]:
    """The id of the order's job, the attempt that it belongs to, and whether it was there."""
    while True:
        if watch.over:
            raise Over
        entry = journal.intend(order)
        if entry is None:
            return _submit(work, order, journal, watch), order, False
        if not entry.failure:
            job = entry.job or _recover(work, order, journal, watch)
            if job:
                return job, order, True
            if work.idempotent:
                return _submit(work, order, journal, watch), order, False
            if not resubmit:
                raise VendorError(_unknown_fate(work, journal, entry.intended))
            journal.failed(order, "of unknown fate, given up by resubmit=true")
        order = replace(order, attempt=order.attempt + 1)


def _recover(work: VendorJob, order: Order, journal: Journal, watch: Watch) -> str:
    """The id of a job whose submission was cut off; empty where the vendor knows none."""
    words = f"ask {work.vendor} for an earlier job"
    job = repeat(lambda: work.find(order.key), watch, words)
    if job:
        journal.submitted(order, job)
    return job or ""


def _unknown_fate(work: VendorJob, journal: Journal, intended: str) -> str:
    return (
        f"a submission of this very job to {work.vendor} was cut off on {intended}, and "
        f"{work.vendor} lists no such job: look there whether it is new to you; resubmit=true "
        f"submits it again and may be paid twice (journal {journal.path})"
    )


def _submit(work: VendorJob, order: Order, journal: Journal, watch: Watch) -> str:
    """Submit; the id is in the journal when this returns."""

    def send() -> str:
        job = work.submit(order.key)
        journal.submitted(order, job)  # in this thread: it ends, even if nobody waits any longer
        return job

    try:
        return repeat(send, watch, f"submit to {work.vendor}", submission=True)
    except Unsure as fault:
        text = str(fault)
    except (Over, VendorError):
        journal.withdraw(order)  # surely not taken
        raise
    try:  # cut off: the job may be there, and may show up a little later
        for _ in range(3):
            if job := _recover(work, order, journal, watch):
                return job
            if work.idempotent:
                return _again(send, work, watch)
            pause(2.0 * _FIRST_PAUSE, watch)
    except Over:
        raise VendorError(
            f"{text}, and the run was to end before {work.vendor} was asked whether it has the "
            "job: run the same command again, it asks first"
        ) from None
    entry = journal.intend(order)
    raise VendorError(f"{text}; " + _unknown_fate(work, journal, entry.intended if entry else ""))


def _again(send: Callable[[], str], work: VendorJob, watch: Watch) -> str:
    """Submit with the same token until an answer comes."""

    def safe() -> str:
        try:
            return send()
        except Unsure as fault:
            text = str(fault)
        raise Busy(text)

    return repeat(safe, watch, f"submit to {work.vendor}", submission=True)


def _await(
    work: VendorJob, job: str, order: Order, journal: Journal, watch: Watch
) -> None:
    """Wait until there is a result.

    Raises
    ------
    VendorError
        Where the job failed; a new one is made by the next run.
    Over
    """
    wait = _FIRST_PAUSE
    while True:
        state = repeat(lambda: work.state(job), watch, f"look after job {job} of {work.vendor}")
        if state.failure:
            journal.failed(order, state.failure)
            raise VendorError(
                f"job {job} failed at {work.vendor}: {state.failure}; running the same again "
                "submits a new job"
            )
        if state.done:
            return
        watch.progress.step(None, f"job {job} at {work.vendor}: {state.words}")
        pause(wait, watch)
        wait = min(1.5 * wait, _LONGEST_PAUSE)


def repeat(
    call: Callable[[], _T], watch: Watch, words: str, *, submission: bool = False
) -> _T:
    """Call until it is answered, with pauses that double.

    Raises
    ------
    VendorError
        Where it never is.
    Over
        Where the run is to end; a submission under way is waited for a little longer.
    """
    wait, text = _FIRST_PAUSE, ""
    for tried in range(1, _TRIES + 1):
        if watch.over:
            raise Over
        try:
            return attended(call, watch, CALL_SECONDS, submission=submission)
        except Busy as fault:
            text, after = str(fault), fault.after
        if tried < _TRIES:
            pause(max(wait, after or 0.0), watch)
        wait = min(2.0 * wait, _LONGEST_PAUSE)
    raise VendorError(f"could not {words}, tried {_TRIES} times: {text}; run the same again later")


def pause(seconds: float, watch: Watch) -> None:
    """Wait, unless the run is to end.

    Raises
    ------
    Over
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if watch.over:
            raise Over
        time.sleep(_SLICE)


def attended(
    call: Callable[[], _T], watch: Watch, limit: float, *, submission: bool = False
) -> _T:
    """The answer of a call, which libraries do not interrupt, unless the run is to end first.

    Raises
    ------
    Over
    Busy
        After `limit` seconds; `Unsure` for a submission.
    """
    answers: list[_T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            answers.append(call())
        except BaseException as fault:  # raised again where it was asked for
            faults.append(fault)

    thread = Thread(target=run, daemon=True)
    begin = time.monotonic()
    over_since: float | None = None
    thread.start()
    while thread.is_alive():
        thread.join(_SLICE)
        now = time.monotonic()
        if watch.over:
            over_since = now if over_since is None else over_since
            if not submission:
                raise Over
        ended = over_since is not None and now - over_since > GRACE_SECONDS
        if thread.is_alive() and (ended or now - begin > limit):
            if submission:
                raise Unsure("the submission was not answered in time")
            raise Busy("no answer in time")
    if faults:
        raise faults[0]
    return answers[0]


def plain(text: object, *secrets: str | None) -> str:
    """A vendor's words for a message: one line, not long, without secrets."""
    words = str(text)
    for secret in secrets:
        if secret:
            words = words.replace(secret, "***")
    return " ".join(words.split())[:300]


def shots_of(
    probabilities: dict[int, float], width: int, shots: int, seed: int, vendor: str
) -> tuple[NDArray[np.int8], str]:
    """Shots of a vendor that answers probabilities, and how they were made.

    Shares of whole shots become those shots; other probabilities are drawn from.

    Parameters
    ----------
    probabilities : dict of int to float
        Bit ``i`` of the key is classical bit ``i``.
    width : int
        Number of bits.

    Raises
    ------
    VendorError
        Where they are no probabilities of bit strings of this width.
    """
    keys = sorted(probabilities)
    values = np.array([probabilities[key] for key in keys], dtype=np.float64)
    total = float(values.sum())
    if not (
        keys and keys[0] >= 0 and keys[-1] < 2**width and isfinite(total)
        and values.min() >= 0.0 and abs(total - 1.0) < 1e-3
    ):
        raise VendorError(
            f"{vendor} answered what are no probabilities of {width} bits: they sum to {total:.6g}"
        )
    counts = np.rint(values * shots).astype(np.int64)
    words = "counts from the vendor's shares"
    if np.abs(values * shots - counts).max() > 1e-3 or counts.sum() != shots:
        counts = np.random.default_rng(seed).multinomial(shots, values / total)
        words = "shots drawn here from the vendor's probabilities"
    rows = [[key >> i & 1 for i in range(width)] for key in keys]
    return np.repeat(np.array(rows, dtype=np.int8).reshape(-1, width), counts, axis=0), words
