"""Language: the script decides where it can, the model where it is sure, nobody where it is not."""
# ruff: noqa: RUF001 - letters of other scripts are the point

import socket
import time

import pytest

from alciato.read.language import NOT_WORDS, detect, detect_all

SENTENCES = {
    "en": "when the captain says that dinner is late again",
    "de": "Wenn der Kapitän sagt, dass das Essen wieder kalt ist",
    "es": "Cuando el capitán dice que la cena llega tarde otra vez",
    "fr": "Quand le capitaine annonce que le dîner est encore en retard",
    "it": "Quando il capitano dice che la cena è di nuovo in ritardo",
    "pt": "Quando o capitão diz que o jantar está atrasado outra vez",
    "nl": "Als de kapitein zegt dat het eten alweer te laat is",
    "pl": "Kiedy kapitan mówi, że kolacja znowu się spóźni",
    "tr": "Kaptan akşam yemeğinin yine geç kalacağını söylediğinde",
    "ru": "Когда капитан говорит, что ужин опять опаздывает",
    "uk": "Коли капітан каже, що вечеря знову запізнюється",
    "bn": "ক্যাপ্টেন যখন বলে রাতের খাবার আবার দেরি হবে",
    "hi": "जब कप्तान कहता है कि खाना फिर देर से आएगा",
    "ar": "عندما يقول القبطان إن العشاء سيتأخر مرة أخرى",
    "fa": "وقتی کاپیتان می‌گوید شام دوباره دیر می‌شود",
    "el": "Όταν ο καπετάνιος λέει ότι το δείπνο αργεί πάλι",
    "he": "כשהקפטן אומר שארוחת הערב שוב מתאחרת",
    "zh": "船长说晚饭又要迟到了",
    "ja": "船長が夕食はまた遅れると言うとき",
    "ko": "선장이 저녁이 또 늦는다고 말할 때",
    "th": "เมื่อกัปตันบอกว่าอาหารเย็นจะช้าอีกแล้ว",
}


@pytest.mark.parametrize(("code", "sentence"), SENTENCES.items())
def test_sentences(code, sentence):
    assert detect(sentence).code == code


@pytest.mark.parametrize("code", ["en", "de", "es", "fr", "it", "pt", "nl", "tr", "ru"])
def test_capitals_change_nothing(code):
    assert detect(SENTENCES[code].upper()).code == code


@pytest.mark.parametrize(
    "text", ["", "   ", "ja", "OK", "12345", "https://example.org/wenn-der-kapitän", "@captain", "?!"]
)
def test_too_little_is_unclear(text):
    assert detect(text).code is None


def test_mixed_scripts_are_unclear():
    assert detect("ক্যাপ্টেন যখন বলে captain says dinner").code is None


def test_an_item_is_named_from_all_its_texts():
    assert detect_all(["the end", "when the captain", "says that dinner is late"]).code == "en"


def test_nothing_is_fetched(monkeypatch):
    def refuse(_socket, _address):
        raise AssertionError("a connection was tried")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    assert detect(SENTENCES["pt"]).code == "pt"


@pytest.mark.parametrize("repeated", ["a", "(", "a.", "#a", "1a", "\u4e2d", "www."])
def test_the_time_grows_as_the_length(repeated):
    started = time.process_time()
    detect(repeated * 100_000)
    assert time.process_time() - started < 2


def test_addresses_are_no_words():
    german = "Das ist der schönste Morgen seit langer Zeit"
    assert NOT_WORDS.sub(" ", "write to zork.blip+x@mars.example, or not").split() == ["write", "to", "or", "not"]
    assert detect(f"{german} an (first.last@example.org@more)").code == detect(german).code == "de"
