"""`gguf:PATH`, the packaged chat models: any llama.cpp model, in this process, through xllamacpp.

The engine serves on a loopback port that only this process has the key of; we speak to it as to any other
OpenAI-compatible server, with two additions.
`generate_json` holds the answer to a bounded schema by a grammar (llguidance), compact and without free white space,
so that even a model of 135M parameters ends with valid JSON; if the tokens run out, it is asked again with tighter
bounds.
`choice_logprobs` is exact: each token of a choice is forced in turn by a logit bias, and the engine reports its
log-probability before the bias, over the whole vocabulary. log P(choice) = sum of those of its tokens, then
normalised over the choices. The end of the turn is not counted, so "yes" is never less likely than "yes please",
and choices of more tokens are at a disadvantage: give choices of equal length, or letters.

Names: `gguf:/models/qwen.gguf?mmproj=/models/mmproj.gguf&context=16384`. Without `mmproj`, a file of the same
folder whose name has `mmproj` in it is taken as vision projector if there is exactly one. (No package ships a
projector, so the way of a picture into llama.cpp is the one part here that no test has walked to its end.)
Measured: SmolLM2-135M writes 135 tokens/s on two free cores and 20 beside ten other processes; a forced token takes
9 ms.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from alciato.errors import MissingPackage, ModelError, UsageError
from alciato.models.answer_schema import TIGHT, TRIES, WIDE, bounded, parse
from alciato.models.chat_openai import ChatOpenAI, data_url, normalised, turn
from alciato.models.endpoint import Credentials, Endpoint, TimedOut
from alciato.models.gguf import read_header
from alciato.models.openmp import REMEDY, lacks_openmp, openmp
from alciato.models.protocols import Answer, AnyModel, Chat, Message, ModelInfo, Usage
from alciato.models.replies import ChatChoice, Completion, Detokenized, ForcedStep, RenderedPrompt, Tokens
from alciato.models.runtime import Runtime, wrong_kind
from alciato.models.weights import Source, remembered_hash
from alciato.settings import Settings

CONTEXT = 8192
"""Tokens of prompt and answer together, unless the name says otherwise."""
FORCE = 1e6
"""A bias that leaves no other token a chance."""
WHOLE_VOCABULARY = 10**7
PREFIX = 22  # characters of a data URL before its base64: data:image/png;base64,


def load_gguf(rest: str, kind: type, runtime: Runtime) -> Any:
    """Load `gguf:PATH[?mmproj=PATH&context=TOKENS]` as a `Chat`."""
    files, settings = _files(rest, kind), runtime.settings
    return ChatLlama(
        f"gguf:{rest}",
        files.fingerprint(settings),
        files.model,
        settings,
        projector=files.projector,
        context=files.context,
    )


def describe(rest: str, kind: type, runtime: Runtime, *, fetch: bool = True) -> ModelInfo:
    """Describe `gguf:REST` from the header of the file and its hash. Raises as `load_gguf` does."""
    del fetch  # files on this disk
    files = _files(rest, kind)
    header = read_header(files.model)
    trained_on = header.get(f"{header.get('general.architecture')}.context_length", files.context)
    return ModelInfo(
        name=f"gguf:{rest}",
        kind=kind.__name__,
        fingerprint=files.fingerprint(runtime.settings),
        modalities=frozenset({"text", "image"} if files.projector else {"text"}),
        context_length=min(files.context, int(trained_on)),
        supports_images=files.projector is not None,
        licence=str(header.get("general.license", "unknown")),
        size_bytes=sum(path.stat().st_size for path in files.all),
    )


@dataclass(frozen=True)
class _Files:
    """The files and options that a `gguf:` name gives."""

    model: Path
    projector: Path | None
    context: int

    @property
    def all(self) -> list[Path]:
        return [path for path in (self.model, self.projector) if path]

    def fingerprint(self, settings: Settings) -> str:
        """Hashes of the files, and the version of llama.cpp."""
        hashes = [remembered_hash(path, settings.cache.expanduser())[:12] for path in self.all]
        return f"{'+'.join(hashes)}/llama.cpp-{engine_version()}"


def _files(rest: str, kind: type) -> _Files:
    if kind is not Chat:
        raise wrong_kind(f"gguf:{rest}", kind, ["Chat"])
    place, _, query = rest.partition("?")
    options = {key: values[-1] for key, values in parse_qs(query).items()}
    if unknown := set(options) - {"mmproj", "context"}:
        raise UsageError(f"gguf: takes no option {unknown.pop()!r}.", remedy="Known: mmproj, context.")
    context = options.get("context", str(CONTEXT))
    if not context.isdecimal() or not 1 <= int(context[:9]) <= 10**7:
        raise UsageError(f"gguf: context={context!r} is not a number of tokens.", remedy="Such as context=16384.")
    path = checked(Path(place).expanduser())
    projector = checked(Path(options["mmproj"]).expanduser()) if "mmproj" in options else sibling_projector(path)
    return _Files(path, projector, int(context))


def packaged_chat(source: Source, settings: Settings) -> ChatLlama:
    """A packaged chat model, which is one file."""
    (path,) = source.files
    return ChatLlama(source.name, packaged_fingerprint(source, settings), source.folder / path, settings)


def packaged_fingerprint(source: Source, settings: Settings) -> str:
    """Weights, and the version of llama.cpp."""
    del settings  # none of them changes an answer
    return f"{source.fingerprint}/llama.cpp-{engine_version()}"


class ChatLlama(ChatOpenAI):
    """A `Chat` run by llama.cpp in this process."""

    def __init__(
        self,
        name: str,
        fingerprint: str,
        path: Path,
        settings: Settings,
        *,
        projector: Path | None = None,
        context: int = CONTEXT,
    ) -> None:
        self._server, key = start(path, projector, settings, context)
        address, timeout = self._server.listening_address, settings.calls.timeout
        super().__init__(path.stem, Endpoint(f"{address}/v1", Credentials.of_key(key), timeout=timeout))
        self._root = Endpoint(address, Credentials.of_key(key), timeout=timeout)
        self.name, self.fingerprint, self.supports_images = (
            name,
            fingerprint,
            projector is not None,
        )
        self._context = context

    def ask(self, messages: Sequence[Message], **parameters: Any) -> tuple[ChatChoice, Usage]:
        """One call. A time-out is not transient here: the same work would take the same time again."""
        try:
            return super().ask(messages, **parameters)
        except TimedOut as error:
            raise ModelError(f"{self.name}: {error.what}", remedy="Raise calls.timeout.") from error

    def generate(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Answer:
        """Give the text that follows. The same question at temperature 0 gives the same answer."""
        choice, usage = self.ask(messages, max_tokens=max_tokens, temperature=temperature, seed=7)
        return Answer(self.text_of(choice), usage)

    def generate_json(self, messages: Sequence[Message], schema: type[AnyModel], *, max_tokens: int = 1024) -> AnyModel:
        """Give an instance of `schema`. What a grammar cannot hold is asked for again, with the reason."""
        turns, bounds = list(messages), WIDE
        for _ in range(TRIES):
            grammar = guidance(bounded(schema, bounds))
            choice, _usage = self.ask(turns, max_tokens=max_tokens, temperature=0, grammar=grammar)
            if choice.finish_reason == "length":
                trouble = ModelError(f"{self.name}: the answer did not end within {max_tokens} tokens.")
                bounds, max_tokens = TIGHT, min(4 * max_tokens, self._context // 2)
                continue
            try:
                return parse(self.text_of(choice), schema)
            except ModelError as error:
                trouble = error
                turns = [*turns, Message("assistant", self.text_of(choice)), Message("user", f"That is wrong: {error}")]
        raise trouble

    def choice_logprobs(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Give log P(choice | messages) of each choice, exact, normalised over the choices. Raises `ModelError`."""
        prompt = self._root.post(
            "/apply-template", {"messages": [turn(one) for one in messages]}, RenderedPrompt
        ).prompt
        pictures = [data_url(picture)[PREFIX:] for message in messages for picture in message.pictures]
        return normalised({choice: self._log_probability(prompt, pictures, choice) for choice in choices})

    def _log_probability(self, prompt: str, pictures: list[str], choice: str) -> float:
        """Sum of the log-probabilities of the choice's tokens after the prompt."""
        tokens = self.tokens(choice)
        before: Any = self.tokens(prompt, special=True) if not pictures else prompt
        total = 0.0
        for place, token in enumerate(tokens):
            given = before + tokens[:place] if not pictures else self._with_pictures(prompt, pictures, tokens[:place])
            total += self._forced(given, token)
        return total

    def _forced(self, prompt: Any, token: int) -> float:
        """Log-probability of one token after a prompt, over the whole vocabulary."""
        for step in self._steps(prompt, token, alternatives=1):
            if step.id != token:
                raise ModelError(f"{self.name}: token {token} could not be forced; the engine said {step.id}.")
            return step.logprob
        # The engine keeps back a token that is a part of a character: another one is forced, and the whole
        # distribution read. It takes a second; only scripts that the model hardly knows are written in such tokens.
        for step in self._steps(prompt, self.tokens("a")[0], alternatives=WHOLE_VOCABULARY):
            for entry in step.top_logprobs:
                if entry.id == token:
                    return entry.logprob
        raise ModelError(f"{self.name}: the engine gives no log-probabilities.")

    def _steps(self, prompt: Any, token: int, *, alternatives: int) -> list[ForcedStep]:
        """What the engine reports of one forced token; empty if that is only a part of a character."""
        body = {
            "prompt": prompt,
            "n_predict": 1,
            "temperature": 0,
            "n_probs": alternatives,
            "logit_bias": [[token, FORCE]],
            "cache_prompt": True,
        }
        reply = self._root.post("/completion", body, Completion)
        self.meter.add(Usage(reply.timings.prompt_n, 1))
        return reply.completion_probabilities or []

    def _with_pictures(self, prompt: str, pictures: list[str], said: list[int]) -> dict[str, Any]:
        text = self._root.post("/detokenize", {"tokens": said}, Detokenized).content if said else ""
        return {"prompt_string": prompt + text, "multimodal_data": pictures}

    def tokens(self, text: str, *, special: bool = False) -> list[int]:
        """The tokens of a text; with `special`, as a whole prompt."""
        body = {"content": text, "add_special": special, "parse_special": special}
        return self._root.post("/tokenize", body, Tokens).tokens


def guidance(schema: dict[str, Any]) -> str:
    """A JSON schema as a grammar of llguidance, without white space between the parts."""
    return "%llguidance {}\nstart: %json " + json.dumps({**schema, "x-guidance": {"whitespace_flexible": False}})


def checked(path: Path) -> Path:
    """A GGUF file with a header that can be read. Raises `ModelError`."""
    read_header(path)
    return path


def sibling_projector(path: Path) -> Path | None:
    """The vision projector beside a model, if there is exactly one."""
    found = [other for other in sorted(path.parent.glob("*.gguf")) if "mmproj" in other.name and other != path]
    return found[0] if len(found) == 1 else None


def engine_version() -> str:
    """Version of xllamacpp, which is that of llama.cpp."""
    from importlib.metadata import version

    return version("xllamacpp")


def start(path: Path, projector: Path | None, settings: Settings, context: int) -> tuple[Any, str]:
    """Start the engine, silent, one question at a time; and the key that it was given."""
    try:
        with openmp():
            import xllamacpp
    except ImportError as error:  # also where the system lacks OpenMP's library
        remedy = REMEDY if lacks_openmp() else "pip install xllamacpp"
        raise MissingPackage(f"llama.cpp is not there: {error}.", remedy=remedy) from error
    parameters = xllamacpp.CommonParams()
    parameters.model.path = str(path)
    if projector is not None:
        parameters.mmproj.path = str(projector)
    parameters.verbosity = -1
    parameters.n_ctx, parameters.n_parallel = context, 1
    parameters.cache_ram_mib = 0  # else up to 8 GB of old prompts are kept
    parameters.warmup = parameters.ui = parameters.endpoint_slots = False
    parameters.offline = True
    parameters.endpoint_metrics = True
    if settings.threads is not None:
        parameters.cpuparams.n_threads = parameters.cpuparams_batch.n_threads = settings.threads
    key = secrets.token_hex(16)
    parameters.api_keys = [key]
    try:
        server = xllamacpp.Server(parameters)
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelError(f"llama.cpp cannot load the model: {error}", where=str(path)) from error
    # The metrics are answered by the loop that works through the questions. An engine that is dropped before its
    # loop runs waits for it for ever, with the interpreter's lock held.
    server.handle_metrics()
    return server, key
