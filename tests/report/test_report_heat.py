import pytest

from alciato.item import Finding, Reading
from alciato.report.heat import heat_over


def reading(*findings, part=0, kind="meme"):
    return Reading(item="x", part=part, kind=kind, model="m", version="1", findings=findings)


def meme(heat, score=0.9, start=None):
    return Finding(label="meme", confidence=score, heat=heat, start=start)


def test_cells_lie_on_the_picture_and_the_hottest_is_the_most_opaque():
    heat = heat_over([reading(meme(((0.7, 0.1), (0.1, 0.1))))], 0, None, 200, 100)
    assert heat.score == 0.9
    (cell,) = heat.cells
    assert (cell.left, cell.top, cell.width, cell.height) == (0, 0, 100, 50)
    assert 0 < cell.opacity < 1


def test_an_even_look_draws_nothing_and_no_heat_map_leaves_the_score():
    assert heat_over([reading(meme(((0.25, 0.25), (0.25, 0.25))))], 0, None, 9, 9).cells == ()
    assert heat_over([reading(meme(None))], 0, None, 9, 9).cells == ()


def test_nearly_even_looks_are_faint():
    sharp, soft = (heat_over([reading(meme(rows))], 0, None, 9, 9) for rows in (((0.9, 0.1),), ((0.55, 0.45),)))
    assert sharp.cells[0].opacity > 3 * soft.cells[0].opacity


@pytest.mark.parametrize(("second", "score"), [(0.0, 0.1), (4.9, 0.1), (5.0, 0.8), (9.0, 0.8)])
def test_a_clip_shows_the_look_at_its_shot(second, score):
    shots = reading(meme(None, 0.1, 0.0), meme(None, 0.8, 5.0))
    assert heat_over([shots], 0, second, 9, 9).score == score


def test_other_parts_and_kinds_do_not_count():
    assert heat_over([reading(meme(None), part=1), reading(meme(None), kind="nudity")], 0, None, 9, 9) is None
