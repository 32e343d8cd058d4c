"""`hf:` as a `Chat`: language models, and models that see, through transformers.

`generate_json` says the schema in words and validates the answer, up to three times: it gives a valid
instance or raises.
`choice_logprobs` is exact: one forward pass for each choice, log P(choice) = sum of the log-probabilities of its tokens
after the prompt, then normalised over the choices. The end of the turn is not counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from alciato.errors import ModelError
from alciato.models.answer_schema import ask_until_valid
from alciato.models.calls import Meter
from alciato.models.chat_openai import normalised
from alciato.models.device import device_for, dtype_for, moved
from alciato.models.hugging_face import check_safe, configuration, folder_fingerprint, need
from alciato.models.protocols import Answer, AnyModel, Message, Usage
from alciato.settings import Settings


class ChatTransformers:
    """A `Chat` run by transformers in this process, one question at a time."""

    def __init__(self, name: str, folder: Path, settings: Settings) -> None:
        need("torch", "transformers")
        check_safe(folder)
        self.name, self.meter = name, Meter()
        self.fingerprint = folder_fingerprint(folder, settings, "transformers")
        self.supports_images = "vision_config" in configuration(folder)
        self._model, self._processor = _loaded(folder, settings, supports_images=self.supports_images)
        self._tokenizer = getattr(self._processor, "tokenizer", self._processor)
        self._timeout, self._lock = settings.calls.timeout, Lock()

    def generate(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Answer:
        """Give the text that follows. Raises `ModelError` if it takes longer than settings allow."""
        import torch

        given = self._inputs(messages)
        length = given["input_ids"].shape[1]
        sampling = {"do_sample": True, "temperature": temperature} if temperature > 0 else {"do_sample": False}
        padding = self._tokenizer.pad_token_id
        with self._lock, torch.inference_mode():
            made = self._model.generate(
                **given,
                **sampling,
                max_new_tokens=max_tokens,
                max_time=self._timeout,
                pad_token_id=self._tokenizer.eos_token_id if padding is None else padding,
            )
        usage = Usage(length, made.shape[1] - length)
        self.meter.add(usage)
        return Answer(self._tokenizer.decode(made[0, length:], skip_special_tokens=True).strip(), usage)

    def stream(self, messages: Sequence[Message], *, max_tokens: int = 512, temperature: float = 0.0) -> Iterator[str]:
        """Yield the text that follows in one piece: this model answers whole. Raises `ModelError`."""
        yield self.generate(messages, max_tokens=max_tokens, temperature=temperature).text

    def generate_json(self, messages: Sequence[Message], schema: type[AnyModel], *, max_tokens: int = 1024) -> AnyModel:
        """Give a valid instance of `schema`. Raises `ModelError` if the model gave none."""
        return ask_until_valid(lambda turns: self.generate(turns, max_tokens=max_tokens).text, messages, schema)

    def choice_logprobs(self, messages: Sequence[Message], choices: Sequence[str]) -> Mapping[str, float]:
        """Give log P(choice | messages) of each choice, exact, normalised over the choices."""
        given = self._inputs(messages)
        return normalised({choice: self._log_probability(given, choice) for choice in choices})

    def _log_probability(self, given: Mapping[str, Any], choice: str) -> float:
        import torch

        tokens = torch.tensor([self._tokenizer.encode(choice, add_special_tokens=False)], device=self._model.device)
        extended = dict(given)
        for key, fill in (("input_ids", tokens), ("attention_mask", torch.ones_like(tokens))):
            extended[key] = torch.cat([given[key], fill], dim=1)
        for key in ("token_type_ids", "mm_token_type_ids"):
            if key in given:
                extended[key] = torch.cat([given[key], torch.zeros_like(tokens)], dim=1)
        with self._lock, torch.inference_mode():
            logits = self._model(**extended).logits[0, -tokens.shape[1] - 1 : -1]  # (tokens, vocabulary)
        self.meter.add(Usage(given["input_ids"].shape[1], tokens.shape[1]))
        logs = torch.log_softmax(logits.double(), dim=-1)
        return float(logs.gather(1, tokens[0, :, None]).sum())

    def _inputs(self, messages: Sequence[Message]) -> dict[str, Any]:
        """Tensors of the whole conversation up to where the answer begins; input_ids is (1, tokens)."""
        pictures = [picture.convert("RGB") for message in messages for picture in message.pictures]
        if not getattr(self._processor, "chat_template", None) and not self._tokenizer.chat_template:
            raise ModelError(f"{self.name} has no chat template.", remedy="Name an instruction-tuned model.")
        prompt = self._processor.apply_chat_template(
            [_turn(message, parts=self.supports_images) for message in messages],
            tokenize=False,
            add_generation_prompt=True,
        )
        shown = {"images": pictures} if pictures else {}
        # The template has written the special tokens already.
        given = self._processor(text=[prompt], return_tensors="pt", add_special_tokens=False, **shown)
        return moved(given, self._model)


def _turn(message: Message, *, parts: bool) -> dict[str, Any]:
    if not parts:
        return {"role": message.role, "content": message.text}
    typed = [{"type": "text", "text": part} if isinstance(part, str) else {"type": "image"} for part in message.parts]
    return {"role": message.role, "content": typed}


def _loaded(folder: Path, settings: Settings, *, supports_images: bool) -> tuple[Any, Any]:
    from transformers import AutoModelForCausalLM, AutoModelForImageTextToText, AutoProcessor, AutoTokenizer

    family = AutoModelForImageTextToText if supports_images else AutoModelForCausalLM
    device = device_for(settings)
    dtype = dtype_for(settings, device)
    model = family.from_pretrained(str(folder), use_safetensors=True, local_files_only=True, dtype=dtype)
    reader = AutoProcessor if supports_images else AutoTokenizer
    return model.to(device).eval(), reader.from_pretrained(str(folder), local_files_only=True)
