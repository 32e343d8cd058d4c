"""Items of every kind, for the laws."""

import string

from hypothesis import strategies as st

from alciato.item import Audio, Image, Item, Link, Table, Text, Video

words = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
names = st.none() | words
integers = st.integers() | st.integers(-(2**13_999), 2**13_999) | st.sampled_from([2**53 + 1, -(2**63), 2**64])
floats = st.floats(allow_nan=False, allow_infinity=False) | st.sampled_from([-0.0, 0.1 + 0.2, 5e-324, 1e308, 1.0])
scalars = st.none() | st.booleans() | integers | floats | words
hashes = st.text("0123456789abcdef", min_size=64, max_size=64)
mimes = st.sampled_from(["image/png", "video/mp4", "audio/wav", "audio/mpeg"])
sides = st.integers(1, 2**31 - 1)
seconds = st.floats(0, 1e9)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3), max_leaves=8
)


@st.composite
def tables(draw):
    columns = tuple(draw(st.lists(words, max_size=4)))
    rows = draw(st.lists(st.tuples(*[scalars] * len(columns)), max_size=4))
    return Table(columns=columns, rows=tuple(rows), name=draw(names))


media = {"media": hashes, "mime": mimes, "name": names}
parts = (
    st.builds(Text, text=words, name=names)
    | st.builds(Image, **media, width=sides, height=sides)
    | st.builds(Audio, **media, duration=seconds)
    | st.builds(Video, **media, width=sides, height=sides, duration=seconds)
    | tables()
)
links = st.builds(Link, kind=words.filter(bool), target=words.filter(bool))
items = st.builds(
    Item,
    id=words.filter(bool),
    parts=st.lists(parts, max_size=4).map(tuple),
    metadata=st.dictionaries(words | st.text(string.ascii_lowercase), json_values, max_size=4),
    links=st.lists(links, max_size=3).map(tuple),
)
