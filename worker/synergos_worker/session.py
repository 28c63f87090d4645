"""A session: one run's rows, network and rounds, from ``initialise`` to ``terminate``."""

from __future__ import annotations

import math
import threading
import weakref
from collections.abc import Callable, Hashable, Mapping, Sequence
from contextlib import suppress
from contextvars import Context
from functools import partial
from types import MappingProxyType

import structlog
import torch
from msgspec import UNSET, to_builtins
from structlog.contextvars import bind_contextvars

from synergos.domain.feature_space import Action, FeatureSpace
from synergos.domain.keys import RunKey
from synergos.domain.tags import Purpose
from synergos.errors import Conflict, InvalidRequest, JobCancelled, RecordNotFound
from synergos.learning.algorithms import Step
from synergos.learning.families import Array, Evaluation
from synergos.learning.metrics import Figures, figures, scored
from synergos.program.freed_memory import give_back
from synergos.wire import Encoded, answers
from synergos.wire.answers import EVALUATION_ANSWER, ROUND_ANSWER, EvaluationAnswer, RoundAnswer
from synergos_worker import what_left
from synergos_worker.arrival import Arrival
from synergos_worker.computing import Computing
from synergos_worker.disclosure.figures import figures_shown
from synergos_worker.memory import SetAside
from synergos_worker.message import Message
from synergos_worker.model import Rows, SessionModel
from synergos_worker.prediction_files import Inference, PredictionFiles
from synergos_worker.unseen_rows import unseen_rows
from synergos_worker.what_left import WhatLeft
from synergos_worker.work import Outcome, Work
from synergos_worker.work_order import WorkKind, refuse_misdirected, refuse_older

log = structlog.get_logger(__name__)

WorkMethod = Callable[..., Outcome]
"""A function of a session that does one piece of its work: it is given the session, then the work."""

_READING_SECONDS = 60.0
_GIVING_UP_SECONDS = 2.0
"""For those who use a connection to find that somebody has ended it."""


class Session:
    """One piece of work at a time, asked for by any number of requests at once.

    Args:
        compute: the one thread that all sessions compute in, so that they share neither cores nor random numbers.
        about: the ids that every log line about it has.
        held: the memory that was set aside for it.
        owner: the secret of who may put another one in its place.
        peer: the fingerprint of whose it is; None where that did not show who it is.
        digests: of the datasets whose rows it has, by purpose, in the order of their tags.
    """

    def __init__(
        self,
        session_id: str,
        run: RunKey,
        space: FeatureSpace,
        model: SessionModel,
        rows: Mapping[Purpose, Rows],
        compute: Computing,
        files: PredictionFiles,
        about: Mapping[str, str],
        held: SetAside,
        owner: str | None = None,
        peer: str | None = None,
        digests: Mapping[str, Sequence[str]] = MappingProxyType({}),
    ) -> None:
        self.id = session_id
        self.digests = digests
        self.peer = peer
        self.owner = owner
        self.run = run
        self._space = space
        self._model = model
        self._rows = rows
        self._compute = compute
        self._files = files
        self._works: dict[WorkKind, Work] = {}
        # Of those who are fetching a result: have them give it up.
        self._readers: list[Callable[[], None]] = []
        # The message that came last, or is coming.
        self._arrival: Arrival | None = None
        self._held = held
        self._left = WhatLeft()
        self._ended = threading.Event()
        # Guards the works and the readers between request threads and the computing thread.
        self._changed = threading.Condition()
        self.about = about
        # What lines of the computing thread are about.
        self._context = Context()
        self._context.run(bind_contextvars, **about)
        self._log = log.bind(**about)

    @property
    def counts(self) -> dict[str, int]:
        """How many rows it has for each purpose."""
        return {purpose.value: len(rows) for purpose, rows in self._rows.items()}

    @property
    def left(self) -> dict[str, int]:
        """What kinds of figures have left until now, and how many of each."""
        return self._left.summary()

    @property
    def measurable(self) -> dict[str, int]:
        """Of rows to evaluate on, how many have a label that the model has, so that it is measured on them."""
        rows = self._rows.get(Purpose.EVALUATE)
        if rows is None:
            return {}
        return {Purpose.EVALUATE.value: 0 if rows.labelled is None else len(rows.labelled)}

    def maximum_message(self, exchange: int | None = None) -> int:
        """The most bytes a message can have: that asks for an exchange of a round, or brings weights alone."""
        return self._model.maximum_message(exchange)

    @property
    def is_being_read(self) -> bool:
        """Whether somebody is fetching a result."""
        return bool(self._readers)

    def put_round(self, step: Step, message: Message) -> Work:
        """Do the algorithm's part of one exchange; a repeat of the same exchange joins it.

        Raises:
            Conflict: it is older than the newest, or of a round that the run does not have, or other work is still running.
            WireFormatError: it is not a message of this run's algorithm and network.
        """
        rows = self._rows.get(Purpose.TRAIN)
        if rows is None or rows.labelled is None:
            self._refuse_ended()
            raise Conflict("this session has no rows to train on")
        self._refuse_beyond(step.round)
        work = Work(step, epochs=self._model.hyperparameters.epochs)
        return self._put(WorkKind.ROUND, work, message, Session._train, step)

    def put_evaluation(self, number: int, message: Message) -> Work:
        """Measure the weights of ``message`` on the evaluation rows; raises what :meth:`put_round` does."""
        self._refuse_beyond(number)
        return self._put(WorkKind.EVALUATION, Work(number), message, Session._evaluate, number)

    def _refuse_beyond(self, number: int) -> None:
        # The schedule of learning rates is taken forward step by step: an absurd number would keep the worker for ever.
        if number >= (rounds := self._model.hyperparameters.rounds):
            raise Conflict(f"the run has {rounds} rounds, counted from 0; there is no round {number}")

    def put_model(self, message: Message) -> None:
        """Take the weights that :meth:`predict` is to use; raises what :meth:`put_round` does."""
        self._put(WorkKind.MODEL, Work(object()), message, None).perform(lambda _: Outcome())

    def find(self, kind: WorkKind, number: Step | int) -> Work:
        """That exchange of a round, or the evaluation of that number.

        Raises:
            RecordNotFound: it was never put.
            Conflict: it is older than the newest.
        """
        with self._changed:
            work = self._works.get(kind)
            if work is not None and work.key != number:
                refuse_older(kind, number, work)
            if work is None or work.key != number:
                raise RecordNotFound(f"{kind} {number} was never put")
            return work

    def predict(self, purposes: Sequence[Purpose]) -> Work:
        """Predict and measure the rows of some purposes with the model that was put; a repeat joins.

        Raises:
            InvalidRequest: the session has no such rows.
            Conflict: no model was put, or other work is still running.
        """
        for position, purpose in enumerate(purposes):
            if not self._rows.get(purpose):
                self._refuse_ended()
                raise InvalidRequest(f"this session has no {purpose} rows", f"metas[{position}]")
        with self._changed:
            self._refuse_ended()
            known = self._works.get(WorkKind.PREDICTION)
            if known is not None and known.key == tuple(purposes) and not known.may_be_retried:
                return known
            self._refuse_busy()
            if WorkKind.MODEL not in self._works:
                raise Conflict("no model was put into this session")
            work = self._works[WorkKind.PREDICTION] = Work(tuple(purposes))
        self._submit(work, Session._predict, tuple(purposes))
        return work

    def received(self, kind: WorkKind, number: Step | int | None) -> Message | None:
        """The message for that work, as far as it has come; None where nothing has.

        Whoever asks has lost the connection by which it came: if it is still read from there, that ends.

        Raises:
            Conflict: it does not end.
        """
        with self._changed:
            self._refuse_ended()
            arrival = self._arrival
            if arrival is None or arrival.place != (kind, number):
                return None
            if not arrival.is_over:
                arrival.message.give_up()
                if not self._changed.wait_for(lambda: arrival.is_over, _GIVING_UP_SECONDS):
                    raise Conflict("the message is still being received by another connection")
            return arrival.message

    def trained(self, work: Work, give_up: Callable[[], None] = lambda: None) -> tuple[Encoded, Callable[[], None]]:
        """A finished round's weights as a message, and what to call when it has been sent.

        Args:
            give_up: ends the sending before that; any thread may call it.

        Raises:
            GridError: the round failed.
            Conflict: the next round has begun meanwhile.
        """
        outcome = work.result()
        with self._changed:
            self._refuse_ended()
            if self._works.get(WorkKind.ROUND) is not work:
                raise Conflict("a newer round was put meanwhile")
            self._left.note([*what_left.of_tensors(*self._model.answer), *outcome.kinds])
            message = self._model.trained(outcome.told)
            # As often as somebody fetches it, also by one connection.
            self._readers.append(give_up)
            return message, _once(partial(self._stop_reading, give_up))

    def found(self, work: Work) -> Mapping[str, object]:
        """What a finished evaluation found, or what finished predictions are worth, by purpose; raises what :meth:`Work.result` does."""
        outcome = work.result()
        self._left.note(outcome.kinds)
        return outcome.told

    def end(self, why: str) -> None:
        """Stop the work in hand; no matter in which state the session is, or how often.

        Args:
            why: for the log, which also says what has left by then.
        """
        if self._ended.is_set():
            return
        self._ended.set()
        with self._changed:
            for work in self._works.values():
                work.abandon()
            self._changed.notify_all()
        self._held.is_about_to_go = True
        self._let_go()
        self._log.info("session ended", why=why, left=self.left)

    def release(self) -> None:
        """Free the memory of rows and network, of a session that has ended."""
        with self._changed:
            self._rows = {}
            self._model.release()

    def _put(self, kind: WorkKind, work: Work, message: Message, job: WorkMethod | None, *args: object) -> Work:
        """Register the work, receive its weights, and have it done."""
        arrival = Arrival((kind, None if kind is WorkKind.MODEL else work.key), message)
        with self._changed:
            self._refuse_ended()
            if message.offset:
                arrival.refuse_other_rest(self._arrival)
            known = self._works.get(kind)
            if known is None or known.key != work.key or known.may_be_retried:
                self._register(kind, work, known)
                self._arrival = arrival
            else:
                work = known
        if work is known:
            message.discard()
            return work
        try:
            self._receive(work, arrival)
        except BaseException:
            self._withdraw(kind, work, known)
            raise
        finally:
            self._has_arrived(arrival)
        if job is not None:
            self._submit(work, job, *args)
        return work

    def _register(self, kind: WorkKind, work: Work, known: Work | None) -> None:
        if known is not None and kind is not WorkKind.MODEL:
            refuse_older(kind, work.key, known)
        self._refuse_busy()
        # The buffer is about to be overwritten, and with it what predictions are made with.
        self._works.pop(WorkKind.MODEL, None)
        self._works.pop(WorkKind.PREDICTION, None)
        self._works[kind] = work

    def _receive(self, work: Work, arrival: Arrival) -> None:
        step = work.key if isinstance(work.key, Step) else None
        metadata = self._model.receive(arrival.message, None if step is None else step.exchange)
        self._has_arrived(arrival)
        refuse_misdirected(metadata, work.key)
        with self._changed:
            # The network is trained in place, so nobody may be reading the round before.
            if not self._changed.wait_for(self._may_train, _GIVING_UP_SECONDS):
                # Who sends what comes next has the answer, or has lost the connection by which it came.
                for give_up in self._readers:
                    give_up()
            if not self._changed.wait_for(self._may_train, _READING_SECONDS):
                raise Conflict("the result of the round before is still being fetched")
            self._refuse_ended()

    def _may_train(self) -> bool:
        return not self._readers or self._ended.is_set()

    def _has_arrived(self, arrival: Arrival) -> None:
        """Nothing more of a message will come by its connection; called once more when what it asks for is given up."""
        with self._changed:
            arrival.is_over = True
            arrival.message.let_go()
            self._changed.notify_all()

    def _withdraw(self, kind: WorkKind, work: Work, known: Work | None) -> None:
        """Forget work whose weights never came; a result that was there before still is."""
        with self._changed:
            if self._works.get(kind) is work:
                del self._works[kind]
                if known is not None and kind is not WorkKind.MODEL:
                    self._works[kind] = known
        work.abandon()

    def _submit(self, work: Work, job: WorkMethod, *args: object) -> None:
        # A session that has ended must not live on in the queue behind another one's round.
        context = self._context.copy()
        context.run(bind_contextvars, **_where(work.key))
        context.run(self._compute.submit, _perform, weakref.ref(self), job, work, *args)

    def _train(self, work: Work, step: Step) -> Outcome:
        self._cancel_if_ended()
        evaluation = self._measured() if step.exchange == 0 else None
        rows = self._rows[Purpose.TRAIN].labelled
        assert rows is not None  # noqa: S101 - a round is not put otherwise
        done = self._model.train(rows, step, work.progress, self._should_stop)
        seconds = sum(training.seconds for training in done)
        epochs = sum(training.epochs for training in done)
        self._log.debug("exchange done", rows=len(rows), epochs=epochs, seconds=seconds)
        answer = RoundAnswer(
            round=step.round,
            exchange=step.exchange,
            rows=len(rows),
            train_loss=_finite(done[-1].loss) if done else None,
            first_loss=UNSET if not done or done[0].first_loss is None else _finite(done[0].first_loss),
            epochs=epochs,
            seconds=seconds,
            evaluation=evaluation,
        )
        return Outcome(ROUND_ANSWER.write(answer), what_left.of_training(answer))

    def _evaluate(self, _work: Work, number: int) -> Outcome:
        self._cancel_if_ended()
        answer = EvaluationAnswer(evaluation=self._measured())
        return Outcome({"round": number, **EVALUATION_ANSWER.write(answer)}, what_left.of_evaluation(answer))

    def _measured(self) -> answers.Evaluation | None:
        """The loss of the weights received on the evaluation rows, where there are any."""
        rows = self._rows.get(Purpose.EVALUATE)
        found: Evaluation | None = self._model.evaluate(rows, self._should_stop) if rows else None
        return answers.Evaluation(found.rows, _finite(found.loss)) if found else None

    def _predict(self, _work: Work, purposes: Sequence[Purpose]) -> Outcome:
        found = [self._infer(purpose) for purpose in purposes]
        told = {purpose.value: each.told for purpose, each in zip(purposes, found, strict=True)}
        return Outcome(told, tuple(kind for each in found for kind in each.kinds))

    def _infer(self, purpose: Purpose) -> Outcome:
        self._cancel_if_ended()
        rows = self._rows[purpose]
        scores, predicted = self._model.infer(rows, self._should_stop)
        self._cancel_if_ended()
        found = self._figures(rows, scores, predicted)
        inference = Inference(rows.origins, scores, predicted, found.statistics, rows.never_trained, rows.ids)
        # A run that was deleted meanwhile is not to have files again.
        self._cancel_if_ended()
        path = self._files.write(self.run, purpose, self._space, inference, self._cancel_if_ended)
        self._log.info("predictions written", purpose=purpose.value, rows=len(rows))
        unseen = unseen_rows(rows.never_trained, rows.origins, rows.policy)
        told = {"never_trained": to_builtins(unseen)} if unseen else {}
        return Outcome({**found.to_dict(), "res_path": str(path), **told}, what_left.of_measurement(purpose, found))

    def _figures(self, rows: Rows, scores: Array, predicted: Array) -> Figures:
        """How good predictions are on the rows with a label that the model has."""
        if rows.labelled is None:
            return figures(self._space.action, self._space.labels, None, predicted, scores)
        places, truth = rows.labelled.places, rows.labelled.truth
        scores, predicted = scores[places], predicted[places]
        found = figures(self._space.action, self._space.labels, truth, predicted, scores)
        if self._space.action is Action.CLASSIFY:
            has_scores = scored(scores)
            truth, predicted, scores = truth[has_scores], predicted[has_scores], scores[has_scores]
        return figures_shown(found, truth, predicted, scores, rows.policy)

    def _should_stop(self) -> bool:
        """Asked in the computing thread, between pieces of work."""
        self._compute.seen()
        return self._ended.is_set()

    def _cancel_if_ended(self) -> None:
        if self._should_stop():
            raise JobCancelled("the session has ended")

    def _refuse_ended(self) -> None:
        if self._ended.is_set():
            raise RecordNotFound("the session has ended")

    def _refuse_busy(self) -> None:
        for kind, work in self._works.items():
            if not work.is_done:
                raise Conflict(f"this session is still busy with a {kind}")

    def _stop_reading(self, give_up: Callable[[], None]) -> None:
        with self._changed:
            self._readers.remove(give_up)
            self._changed.notify_all()
            is_last = not self._readers and self._ended.is_set()
        if is_last:
            self._let_go()
        elif not self._ended.is_set():
            # Now that nobody waits for it.
            self._model.settle()

    def _let_go(self) -> None:
        # After the work in hand, which may be using it. A worker that is about to end takes nothing more.
        with suppress(RuntimeError):
            self._compute.submit(_free, weakref.ref(self), self._held)


def _where(key: Hashable) -> dict[str, int]:
    """Of a piece of work's key, what lines about it say: of which round it is, if it is of one."""
    if isinstance(key, Step):
        return {"round": key.round, "exchange": key.exchange}
    return {"round": key} if isinstance(key, int) else {}


def _perform(reference: weakref.ref[Session], job: WorkMethod, work: Work, *args: object) -> None:
    """Do a piece of work in the computing thread, unless its session is gone."""
    if (session := reference()) is not None:
        work.perform(lambda own: job(session, own, *args))


def _free(session: weakref.ref[Session], held: SetAside) -> None:
    """Free the memory of a session that has ended, also while a request still holds on to it."""
    if (ended := session()) is not None:
        ended.release()
        if ended.is_being_read:
            # Its answer lies in the network's memory; whoever stops reading it last comes here again.
            return
    # What torch keeps of a GPU for later; nothing where none was ever used.
    torch.cuda.empty_cache()
    give_back()
    held.release()


def _once(action: Callable[[], None]) -> Callable[[], None]:
    """The same, doing nothing when it is called again, by whatever thread."""
    # Never released.
    is_done = threading.Lock()

    def act() -> None:
        if is_done.acquire(blocking=False):
            action()

    return act


def _finite(loss: float) -> float | None:
    return loss if math.isfinite(loss) else None
