"""A service of the Home Assistant world, on Home Assistant's own library: it hears and it speaks.

It hears how much sound came, and what for; its voice is a ramp whose length is that of the text. On stdout: its port."""

import asyncio

from wyoming.asr import Transcribe, Transcript, TranscriptChunk, TranscriptStart, TranscriptStop
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import Event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.server import AsyncEventHandler
from wyoming.tts import Synthesize

RATE = 22_050


def known(kind, **rest):
    return kind(attribution=Attribution(name="", url=""), installed=True, description=None, version=None, **rest)


INFO = Info(
    asr=[known(AsrProgram, name="ears", models=[known(AsrModel, name="small", languages=["en", "de"])])],
    tts=[known(TtsProgram, name="mouth", voices=[known(TtsVoice, name="ann", languages=["en"])])],
)


class Service(AsyncEventHandler):
    asked = Transcribe()
    sound = b""

    async def handle_event(self, event: Event) -> bool:
        if Describe.is_type(event.type):
            await self.write_event(INFO.event())
        elif Transcribe.is_type(event.type):
            self.asked = Transcribe.from_event(event)
        elif AudioStart.is_type(event.type):
            start = AudioStart.from_event(event)
            assert (start.rate, start.width, start.channels) == (16_000, 2, 1), start
            self.sound = b""
        elif AudioChunk.is_type(event.type):
            self.sound += AudioChunk.from_event(event).audio
        elif AudioStop.is_type(event.type):
            await self.hear()
        elif Synthesize.is_type(event.type):
            await self.speak(Synthesize.from_event(event))
        return True

    async def hear(self):
        text = f"{len(self.sound) // 32} ms by {self.asked.name}"
        # As the services do that tell words while they work.
        await self.write_event(TranscriptStart(language=self.asked.language).event())
        for word in text.split():
            await self.write_event(TranscriptChunk(text=f"{word} ").event())
        await self.write_event(Transcript(text=text, language=self.asked.language).event())
        await self.write_event(TranscriptStop().event())

    async def speak(self, wish: Synthesize):
        form = {"rate": RATE, "width": 2, "channels": 1}
        voice = wish.voice.name if wish.voice else None
        samples = [100 if voice == "ann" else 200] * (100 * len(wish.text))
        sound = b"".join(sample.to_bytes(2, "little") for sample in samples)
        await self.write_event(AudioStart(**form).event())
        for at in range(0, len(sound), 1_000):
            await self.write_event(AudioChunk(audio=sound[at : at + 1_000], **form).event())
        await self.write_event(AudioStop().event())


async def main():
    server = await asyncio.start_server(lambda reader, writer: Service(reader, writer).run(), "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


asyncio.run(main())
