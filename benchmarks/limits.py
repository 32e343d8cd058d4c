"""Measures the limits that the README states: one word in another language, and crops, over the demo's posts.

    python benchmarks/limits.py FOLDER      # the demo's posts are built and read there, some minutes

Words: twelve things that posts of the demo are about, each as one word in six languages; a word counts where one of the
ten best hits is about it. Crops: each distinct picture of the demo, with a share of its width and height cut off each
side, as `search --image`; it counts where the picture, or a near copy of it, is found.
"""

from __future__ import annotations

import sys
from pathlib import Path

from PIL import Image

import alciato
from alciato.demo.build import build_demo
from alciato.demo.measure import named, search_figures
from alciato.library import Library
from alciato.settings import Models, Settings

LANGUAGES = ("de", "es", "fr", "ru", "zh", "bn")
WORDS: dict[str, tuple[set[str], str]] = {
    "dog": ({"lonely-dog", "dog-small"}, "Hund perro chien собака 狗 কুকুর"),
    "cat": ({"cat-cup", "lost-cat", "lost-cat-2", "lost-cat-3", "lost-cat-4"}, "Katze gato chat кошка 猫 বিড়াল"),
    "coffee": ({"coffee-second-cup", "coffee-small"}, "Kaffee café café кофе 咖啡 কফি"),
    "printer": ({"printer-deadline"}, "Drucker impresora imprimante принтер 打印机 প্রিন্টার"),
    "plant": ({"plant-spite"}, "Pflanze planta plante растение 植物 গাছ"),
    "rocket": ({"rocket-friday", "rocket-rough"}, "Rakete cohete fusée ракета 火箭 রকেট"),
    "library": ({"sign-library", "voice-library"}, "Bibliothek biblioteca bibliothèque библиотека 图书馆 গ্রন্থাগার"),
    "astronaut": ({"astronaut-space", "astronaut-crop"}, "Astronaut astronauta astronaute космонавт 宇航员 মহাকাশচারী"),
    "pancake": ({"recipe-note"}, "Pfannkuchen panqueque crêpe блин 煎饼 প্যানকেক"),
    "bread": ({"bakery-prices"}, "Brot pan pain хлеб 面包 রুটি"),
    "wedding": ({"wedding-ru"}, "Hochzeit boda mariage - 婚礼 বিয়ে"),  # the post is in Russian
    "keys": ({"chat-keys"}, "Schlüssel llaves clés ключи 钥匙 চাবি"),
}
CROPS = (0.05, 0.10, 0.15, 0.20)


def measure_words(library: Library, names: dict[str, str]) -> None:
    """Print, for each language, how many words found their post, nothing, or only other posts."""
    outcomes: dict[str, list[str]] = {language: [] for language in LANGUAGES}
    for posts, words in WORDS.values():
        for language, word in zip(LANGUAGES, words.split(), strict=True):
            if word != "-":
                found = {names.get(hit.item, hit.item) for hit in library.search(word)}
                outcomes[language].append("right" if found & posts else "wrong" if found else "nothing")
    outcomes["all"] = [one for told in outcomes.values() for one in told]
    for language, told in outcomes.items():
        counts = ", ".join(f"{told.count(kind)} {kind}" for kind in ("right", "nothing", "wrong"))
        print(f"words, {language}: {counts} of {len(told)}")


def main(folder: Path) -> None:
    """Build and read the demo's posts, then measure."""
    truth, settings = build_demo(folder), Settings(cache=folder / "cache")
    library = alciato.open(folder / "collection", settings=settings)
    library.add(folder / "posts")
    names = named(library.items(), truth)
    measure_words(library, names)
    figures = search_figures(truth, names, lambda words: [hit.item for hit in library.search(words)])
    print(figures.model_dump_json(exclude={"missed"}))
    family = {post.id: post.family or post.id for post in truth.posts}
    pictures = {family[post.id]: post for post in reversed(truth.posts) if post.kind == "picture" and post.file}
    by_picture = alciato.open(folder / "collection", settings=settings.model_copy(update={"models": Models(ocr=None)}))
    for share in CROPS:
        found = 0
        for name, post in pictures.items():
            picture = Image.open(folder / "posts" / str(post.file)).convert("RGB")
            width, height = picture.size
            edges = (width * share, height * share, width * (1 - share), height * (1 - share))
            picture.crop(tuple(map(int, edges))).save(folder / "crop.png")
            hits = by_picture.search(image=folder / "crop.png", k=5)
            found += any(family.get(names.get(hit.item, "")) == name for hit in hits)
        print(f"crops of {share:.0%} a side: {found} of {len(pictures)} found")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
