"""A language model, measured with questions that have one answer."""

from __future__ import annotations

import re
import statistics
import time
from collections.abc import Sequence
from contextlib import aclosing

from visavis.conversation.history import History
from visavis.engines.protocols import LanguageModel, Sampling
from visavis.evaluation.bench.trial import Question, Told, Trial, entered

_TOKENS = 60  # of an answer at most


async def try_llm(engine: LanguageModel, questions: Sequence[Question], system_prompt: str, told: Told) -> Trial:
    """Answer the questions, each in a conversation of its own."""
    first, rates, right = [], [], 0
    async with entered(engine) as (_, trial):
        for i, question in enumerate(questions):
            history = History.begin(system_prompt).asked(question.ask)
            answer, times = "", [time.perf_counter()]
            options = Sampling(max_tokens=_TOKENS, temperature=0, session=history.session)
            async with aclosing(engine.complete(history.messages, options)) as deltas:
                async for delta in deltas:
                    answer += delta.text
                    times += [time.perf_counter()] * bool(delta.text)
            first.append(times[min(1, len(times) - 1)] - times[0])
            if len(times) > 2:
                rates.append((len(times) - 2) / max(times[-1] - times[1], 1e-9))
            right += bool(re.search(question.right, answer, re.IGNORECASE))
            told(i + 1)
    trial.first_s, trial.right, trial.asked = statistics.median(first), right, len(questions)
    trial.pieces_per_s = statistics.median(rates) if rates else None
    return trial
