import asyncio

from parrot import Parrot

from visavis.engines.contract import check_llm

asyncio.run(check_llm(Parrot(None)))
