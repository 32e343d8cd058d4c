"""What tests of models share: captions over photographs, speech by eSpeak NG, a server that misbehaves."""

from __future__ import annotations

import ctypes
import io
import json
import socket
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from alciato.models import Encoder, Runtime

FONT = "/usr/share/fonts/truetype/dejavu/DejaVuSansCondensed-Bold.ttf"


def caption(photograph: np.ndarray, top: str, bottom: str, width: int = 512) -> Image.Image:
    """A photograph with white capitals, outlined in black, at its top and bottom."""
    picture = Image.fromarray(photograph).convert("RGB")
    picture = picture.resize((width, round(picture.height * width / picture.width)))
    draw, size = ImageDraw.Draw(picture), width // 12
    longest = max(top, bottom, key=len)
    while ImageFont.truetype(_font(), size).getlength(longest) > 0.9 * width:
        size -= 1
    font = ImageFont.truetype(_font(), size)
    for words, y in ((top, width // 40), (bottom, picture.height - round(1.6 * size))):
        place = ((width - font.getlength(words)) / 2, y)
        draw.text(place, words, font=font, fill="white", stroke_width=max(1, width // 170), stroke_fill="black")
    return picture


def _font() -> Any:
    """DejaVu where the system has it, else the font inside Pillow's own package."""
    if Path(FONT).exists():
        return FONT
    return io.BytesIO(ImageFont.load_default(20).font_bytes)


def speak(words: str, voice: bytes = b"en-us+f5", pace: int = 140) -> tuple[np.ndarray, int]:
    """Samples (n,) and their rate. Of eSpeak's voices, f5 and f2 are those that PocketSphinx understands best."""
    import espeakng_loader

    library = ctypes.CDLL(espeakng_loader.get_library_path())
    rate = library.espeak_Initialize(1, 0, espeakng_loader.get_data_path().encode(), 0)
    pieces: list[np.ndarray] = []

    @ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)
    def hear(wave, count, _events):
        if wave and count > 0:
            pieces.append(np.ctypeslib.as_array(wave, (count,)).copy())
        return 0

    library.espeak_SetSynthCallback(hear)
    library.espeak_SetVoiceByName(voice)
    library.espeak_SetParameter(1, pace, 0)
    said = words.encode()
    library.espeak_Synth(said, len(said) + 1, 0, 0, 0, 1, None, None)
    library.espeak_Synchronize()
    return np.concatenate(pieces).astype(np.float32) / 32768, rate


class Server:
    """A local server that answers as it is told: a list of functions `(body) -> (status, headers, bytes)`."""

    def __init__(self) -> None:
        self.script: list[Callable[[dict], tuple[int, dict[str, str], bytes]]] = []
        self.asked: list[tuple[str, dict, dict[str, str]]] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                outer.asked.append((self.path, body, dict(self.headers)))
                answer = outer.script.pop(0) if len(outer.script) > 1 else outer.script[0]
                status, headers, data = answer(body)
                self.send_response(status)
                for name, value in {"Content-Length": str(len(data)), **headers}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        serve = self._server.serve_forever
        threading.Thread(target=serve, args=(0.01,), daemon=True).start()  # looks that often whether to end
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class RawServer:
    """A local server that does as it is told with each connection, whatever it was asked, and then closes it."""

    def __init__(self, answer: Callable[[socket.socket], None]) -> None:
        self._answer, self._listener = answer, socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/v1"
        self.received: list[bytes] = []
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                wire, _ = self._listener.accept()
                self.received.append(wire.recv(65536))
                with wire:
                    self._answer(wire)
            except OSError:
                if self._listener.fileno() < 0:
                    return

    def close(self) -> None:
        self._listener.close()


def says(text: str, **choice: Any) -> Callable[[dict], tuple[int, dict[str, str], bytes]]:
    """A well-formed chat completion."""
    document = {
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 3},
    }
    return lambda _body: (200, {}, json.dumps(document).encode())


def fails(status: int, message: str = "no", **headers: str) -> Callable[[dict], tuple[int, dict[str, str], bytes]]:
    """An error in OpenAI's form."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _body: (status, named, json.dumps({"error": {"message": message}}).encode())


def check_described(runtime: Runtime, name: str, kind: type) -> Any:
    """Describe a model, load it, and hold the description to the loaded model, which is returned."""
    info = runtime.describe(name, kind)
    model = runtime.load(name, kind)
    assert (info.name, info.fingerprint, info.kind) == (model.name, model.fingerprint, kind.__name__)
    for field in ("dimension", "modalities", "supports_images"):
        if hasattr(model, field):
            assert getattr(info, field) == getattr(model, field), field
    assert info.size_bytes > 0
    assert info.modalities
    return model


def check_law(encoder: Encoder, texts: list[str], tolerance: float = 0.0) -> None:
    """Unit length, right shape, finite, and the same vector alone, in any batch and in any order."""
    together = encoder.encode(texts).dense
    assert together.shape == (len(texts), encoder.dimension)
    assert together.dtype == np.float32
    assert np.isfinite(together).all()
    np.testing.assert_allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)
    alone = np.concatenate([encoder.encode([text]).dense for text in texts])
    np.testing.assert_allclose(alone, together, atol=tolerance)
    np.testing.assert_allclose(encoder.encode(texts[::-1]).dense[::-1], together, atol=tolerance)
    assert encoder.encode([]).dense.shape == (0, encoder.dimension)


def byte_tokenizer(family=None, **more):
    """Byte-level BPE with hardly any merges: it takes every text."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    plain = Tokenizer(models.BPE(unk_token="<unk>"))
    plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    special = ["<unk>", "<pad>", "<s>", "</s>", "<image>"]
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=300, special_tokens=special, initial_alphabet=alphabet)
    plain.train_from_iterator(["the robot sees the moon", "yes no maybe"], trainer)
    return (family or PreTrainedTokenizerFast)(
        tokenizer_object=plain, unk_token="<unk>", pad_token="<pad>", bos_token="<s>", eos_token="</s>", **more
    )
