# parrot.py
from visavis.engines.protocols import Availability, Delta, EngineInfo


class Parrot:
    info = EngineInfo("parrot", "llm", "says your words back, last word first", "Apache-2.0", rank=-1)

    def __init__(self, settings):
        self.greeting = "You said:"

    @classmethod
    def availability(cls):
        return Availability(ready=True)

    async def __aenter__(self):
        return self  # load weights here

    async def __aexit__(self, *exc):
        pass  # free them here

    async def complete(self, messages, options):
        words = [self.greeting, *reversed(messages[-1].content.split())]
        for word in words[: options.max_tokens]:
            yield Delta(word + " ")
        yield Delta(finish="stop")
