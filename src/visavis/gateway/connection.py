"""One page's WebSocket, from its hello to its end: what it says is done, and what is wrong with it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import ValidationError
from starlette.types import Message
from starlette.websockets import WebSocket, WebSocketDisconnect

from visavis.conversation.naming import system_prompt
from visavis.conversation.question import check_text
from visavis.errors import Overloaded, VisavisError
from visavis.gateway import events as wire
from visavis.gateway.microphone import Microphone
from visavis.gateway.outbox import Outbox
from visavis.gateway.showing import HAS_WEBRTC, Showing
from visavis.telemetry import session_id

if TYPE_CHECKING:
    from visavis.avatars.avatar import Avatar
    from visavis.engines.protocols import Slot
    from visavis.gateway.live import Live
    from visavis.gateway.visit import Visit

Code = Literal["bad_message", "bad_input", "engine", "rate", "version", "idle", "expired", "internal"]
_FORGIVEN = 50
"""Messages that may be wrong before the connection is given up."""


class _Over(Exception):
    """The connection ends: why is in the last event."""


class Connection:
    """Made for one WebSocket, which it accepts."""

    def __init__(self, live: Live, websocket: WebSocket) -> None:
        self._live, self._websocket = live, websocket
        self._outbox = Outbox(websocket)
        self._visit: Visit | None = None
        self._showing: Showing | None = None
        self._microphone: Microphone | None = None
        self._wrong = 0
        self._closing = asyncio.Event()

    async def run(self) -> None:
        """Until the page goes, or is asked to."""
        await self._websocket.accept()
        sending = asyncio.create_task(self._outbox.run())
        talking = asyncio.create_task(self._talk())
        closing = asyncio.create_task(self._closing.wait())
        try:
            await asyncio.wait([sending, talking, closing], return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (talking, closing):
                task.cancel()
            await asyncio.gather(talking, closing, return_exceptions=True)
            await self._leave()
            drained = asyncio.ensure_future(self._outbox.drained())  # what was said last should arrive
            await asyncio.wait([sending, drained], timeout=1.0, return_when=asyncio.FIRST_COMPLETED)
            drained.cancel()
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            with suppress(Exception):
                await self._websocket.close()

    def replaced(self) -> None:
        """The conversation goes on in another page."""
        self._fail("expired", "the conversation goes on in another window; reload to bring it here")

    def equipped(self, slots: Collection[Slot]) -> None:
        """Other engines took over."""
        if (visit := self._visit) is not None:
            session = visit.session
            voice = self._live.voice_of(session.avatar, session.manner)
            engines = self._live.used(session.animation)
            self._outbox.event(
                wire.Equipped(slots=list(slots), voice=voice, voices=self._live.voices(), engines=engines)
            )

    def ended(self, failed: bool) -> None:
        """The conversation is over, not by the page's wish."""
        self._visit = None
        if failed:
            self._fail("internal", "this was our mistake; reload to begin anew")
        self._closing.set()

    # ---- the page

    async def _talk(self) -> None:
        try:
            visit = await self._enter()
            while True:
                wait = self._quiet_for(visit)
                try:
                    async with asyncio.timeout(wait):
                        message = await self._websocket.receive()
                except TimeoutError:
                    if self._quiet_for(visit) == 0.0:
                        self._fail("idle", "the conversation ended because nobody spoke; reload to begin anew")
                        self._live.end(visit)
                    continue
                if message["type"] == "websocket.disconnect":
                    return
                await self._received(visit, message)
        except (_Over, WebSocketDisconnect):
            return

    def _quiet_for(self, visit: Visit) -> float | None:
        """Seconds that the person may still do nothing; None: for ever."""
        limit = self._live.settings.idle_timeout
        if not limit:
            return None
        return max(visit.active + limit - asyncio.get_running_loop().time(), 0.0)

    async def _enter(self) -> Visit:
        """From the hello to the welcome."""
        hello = await self._hello()
        visit = self._live.session_of(hello.resume) if hello.resume else None
        resumed = visit is not None
        if visit is None:
            visit = await self._begin(hello)
        self._visit = visit
        session_id.set(visit.id)
        self._showing = Showing(self._live, self._outbox, visit.session, hello.media)
        self._live.came(visit, self)
        session = visit.session
        session.detach()  # from the page that was there before
        visit.send, visit.to_microphone = self._outbox.event, self._to_page
        self._outbox.event(
            wire.Welcome(
                session=visit.id,
                resume=visit.resume,
                resumed=resumed,
                start=session.media,
                epoch=session.epoch,
                fps=self._live.settings.fps,
                avatar=visit.avatar_name,
                voice=self._live.voice_of(session.avatar, session.manner),
                avatars=self._live.avatars(),
                voices=self._live.voices(),
                animator=session.animation.info.name,
                animators=self._live.animators(),
                engines=self._live.used(session.animation),
                emotion=str(session.manner.mood),
                hears=self._live.hears,
                language=self._live.settings.language,
                webrtc=HAS_WEBRTC,
                max_upload=self._live.settings.max_upload,
                history=visit.said(),
            )
        )
        self._outbox.event(wire.State(state=session.doing))
        self._showing.by_websocket()
        return visit

    async def _hello(self) -> wire.Hello:
        while True:
            event = self._parsed(await self._websocket.receive())
            if isinstance(event, wire.Hello):
                if event.version == wire.VERSION:
                    return event
                self._fail("version", f"this page is of version {event.version}, the server {wire.VERSION}: reload")
                raise _Over
            if event is not None:
                self._wrong_with("say hello first")

    async def _begin(self, hello: wire.Hello) -> Visit:
        """A place, at once or in turn, and a conversation in it."""

        async def tell(before: int) -> None:
            self._outbox.event(wire.Busy(before=before))

        entering = asyncio.ensure_future(self._live.admission.enter(tell))
        place = None
        try:
            while not entering.done():
                hearing = asyncio.ensure_future(self._websocket.receive())
                await asyncio.wait([entering, hearing], return_when=asyncio.FIRST_COMPLETED)
                if not hearing.done():
                    hearing.cancel()
                    await asyncio.gather(hearing, return_exceptions=True)
                elif isinstance(event := self._parsed(hearing.result()), wire.Ping):
                    self._outbox.event(wire.Pong(sent=event.sent))
            place = entering.result()
            avatar, name = await self._wanted(hello.avatar)
            try:
                manner = self._live.manner(hello.voice, size=hello.size)
            except VisavisError as error:
                self._refuse(str(error))
                manner = self._live.manner(size=hello.size)
            visit = self._live.begin(avatar, manner, name, place)
            place = None
            return visit
        except Overloaded as error:
            self._fail("rate", str(error))
            raise _Over from None
        finally:
            if place is not None:
                place.leave()
            elif not entering.done():
                entering.cancel()
                await asyncio.gather(entering, return_exceptions=True)

    async def _wanted(self, name: str | None) -> tuple[Avatar, str | None]:
        """The avatar asked for, or the server's own, and what it is called."""
        try:
            return await self._live.avatar(name), self._live.named(name)
        except VisavisError as error:
            self._refuse(str(error))
            return await self._live.avatar(None), self._live.named(None)

    # ---- what it says

    async def _received(self, visit: Visit, message: Message) -> None:
        if (data := message.get("bytes")) is not None:
            self._heard(visit, data)
            return
        event = self._parsed(message)
        session, showing = visit.session, self._showing
        assert showing is not None
        match event:
            case None | wire.Hello():
                if event is not None:
                    self._wrong_with("hello is said once")
                return
            case wire.Played():
                showing.played(event)
                return
            case wire.Ping(sent=sent):
                self._outbox.event(wire.Pong(sent=sent))
                return
            case wire.Shown(turn=turn, waited=waited):
                visit.shown(turn, waited)
                return
        visit.active = asyncio.get_running_loop().time()
        match event:
            case wire.Microphone(open=opened, rate=rate):
                session.hush()
                self._microphone = Microphone(rate, session.microphone) if opened else None
            case wire.Talk(down=down):
                session.talk(down)
            case wire.Text(text=text):
                try:
                    session.ask(check_text(text))
                except VisavisError:
                    self._refuse("there is nothing in that to answer")
            case wire.Interrupt():
                session.interrupt()
            case wire.Configure():
                await self._configure(visit, showing, event)
            case wire.Offer(sdp=sdp):
                host = self._websocket.client.host if self._websocket.client else None
                try:
                    self._outbox.event(wire.Answer(sdp=await showing.offered(sdp, host)))
                except VisavisError as error:
                    self._refuse(str(error))

    def _heard(self, visit: Visit, data: bytes) -> None:
        """Sound of the page's microphone."""
        if len(data) < wire.HEADER.size or (len(data) - wire.HEADER.size) % 2 or data[0] != wire.SOUND:
            self._wrong_with("a binary message is sound: 16 bytes of header, then 16-bit samples")
            return
        if self._microphone is None:
            return  # what was on its way when it was closed
        samples = np.frombuffer(data, "<i2", offset=wire.HEADER.size)
        visit.session.hear(self._microphone.heard(samples))

    def _to_page(self, sample: int) -> float | None:
        return self._microphone.to_page(sample) if self._microphone is not None else None

    async def _configure(self, visit: Visit, showing: Showing, event: wire.Configure) -> None:
        session = visit.session
        try:
            if event.avatar is not None:
                own = visit.own.get(event.avatar)
                avatar = own or await self._live.avatar(event.avatar)
                name = None if own else self._live.named(event.avatar)
                session.change(avatar)
                session.history = session.history.prompted(system_prompt(self._live.settings, name))
                # a face brings its own voice
                session.manner = replace(session.manner, voice=self._live.settings.voice)
                visit.avatar_name = event.avatar
            if event.voice is not None:
                session.manner = replace(session.manner, voice=self._live.manner(event.voice).voice)
            if event.animator is not None:
                session.draw_with(await self._live.animator(event.animator))
            if event.emotion is not None:
                session.manner = replace(session.manner, mood=self._live.manner(None, event.emotion).mood)
        except VisavisError as error:
            self._refuse(str(error))
        if event.transport is not None:
            try:
                showing.move(event.transport)
            except VisavisError as error:
                self._refuse(str(error))
        if event.half_duplex is not None:
            session.half_duplex = event.half_duplex
        if event.push_to_talk is not None:
            session.push_to_talk = event.push_to_talk
        self._outbox.event(
            wire.Configured(
                avatar=visit.avatar_name,
                voice=self._live.voice_of(session.avatar, session.manner),
                animator=session.animation.info.name,
                emotion=str(session.manner.mood),
                half_duplex=session.half_duplex,
                push_to_talk=session.push_to_talk,
                transport=showing.transport,
            )
        )

    async def _leave(self) -> None:
        """The page has gone; its conversation may go on with another connection."""
        visit = self._visit
        if visit is not None and self._live.went(visit, self):
            visit.session.hush()
            visit.session.detach()
            visit.send, visit.to_microphone = lambda event: None, lambda sample: None
        if self._showing is not None:
            await self._showing.close()

    # ---- what is wrong

    def _parsed(self, message: Message) -> wire.PageEvent | None:
        """The event in a message; None, and the page is told, if there is none in it."""
        if message["type"] == "websocket.disconnect":
            raise _Over
        try:
            return wire.page_event.validate_json(message.get("text") or "")
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            place = ".".join(map(str, first["loc"]))
            self._wrong_with(f"{place}: {first['msg']}" if place else str(first["msg"]))
            return None

    def _wrong_with(self, message: str) -> None:
        self._wrong += 1
        if self._wrong > _FORGIVEN:
            self._fail("bad_message", "too many messages that are none of the protocol's")
            raise _Over
        self._outbox.event(wire.Error(code="bad_message", message=message))

    def _refuse(self, message: str) -> None:
        """What was asked for cannot be had; everything else goes on."""
        self._outbox.event(wire.Error(code="bad_input", message=message))

    def _fail(self, code: Code, message: str) -> None:
        self._outbox.event(wire.Error(code=code, message=message, fatal=True))
        self._closing.set()
