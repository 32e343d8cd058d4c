"""Alciato reads, finds, judges and answers from memes, screenshots, photos, clips and threads.

    import alciato
    posts = alciato.open("my-posts")
    posts.add("folder/")
    for hit in posts.search("a cat that wants Monday to end"):
        print(hit.source, hit.text)

Importing this loads no model and no heavy library: each name is loaded when it is first used.
The verbs themselves are functions in the folders of their names, such as `alciato.search.search`.
"""

import lazy_loader

__version__ = "0.1.0"
__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
