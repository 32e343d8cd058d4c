from __future__ import annotations

import random

import pytest
import yaml

from alciato.errors import UsageError
from alciato.judge.policy import Policy, load_policy, shipped_policies

BASE = """\
name: mine
categories:
  - id: hate
    title: Attack
    definition: Attacks a group.
"""


def written(tmp_path, text: str | bytes):
    path = tmp_path / "policy.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_every_shipped_policy_loads_and_can_be_used_by_examples():
    assert "general" in list(shipped_policies())
    for name in shipped_policies():
        policy = load_policy(name)
        for category in policy.categories:
            assert len(category.examples) >= 8, category.id
            assert len(category.counterexamples) >= 8, category.id
            assert category.not_, category.id


def test_examples_in_the_shipped_policy_come_with_benign_counterparts():
    """The words of a pair are benign over another picture, and the picture under other words, or the pair teaches
    the words or the picture alone."""
    hate = load_policy("general").category("hate")
    pairs = [e for e in hate.examples if e.words and e.picture]
    benign = {e.words for e in hate.counterexamples if e.picture}
    assert sum(e.words in benign for e in pairs) / len(pairs) > 0.6


def test_the_hash_is_of_the_content_not_of_its_form(tmp_path):
    policy = load_policy("general")
    content = yaml.safe_load(yaml.safe_dump(policy.model_dump(mode="json", by_alias=True)))
    keys = list(content)
    random.Random(3).shuffle(keys)
    other = yaml.safe_dump({key: content[key] for key in keys}, sort_keys=False, default_flow_style=True, width=40)
    assert load_policy(written(tmp_path, "# a comment\n" + other)).hash == policy.hash
    assert load_policy(written(tmp_path, other.replace("vermin", "pests"))).hash != policy.hash
    assert policy.label == f"general@{policy.hash[:8]}"


def test_a_policy_without_benign_texts_is_weighed_against_the_shipped_ones(tmp_path):
    assert len(load_policy(written(tmp_path, BASE)).benign) > 30


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("    treshold: {review: 0.1}\n", 6, "did you mean 'thresholds'?"),
        ("    thresholds: {reviw: 0.1}\n", 6, "did you mean 'review'?"),
        ("    thresholds: {review: 0.9, remove: 0.1}\n", 6, r"review \(0.9\) must not be above remove \(0.1\)"),
        ("    thresholds:\n      review: 1.5\n", 7, "less than or equal to 1"),
        ("    examples:\n      - fine\n      - 12\n", 8, "put it into quotes"),
        ("    examples:\n      - fine\n      - {wrds: a}\n", 8, "did you mean 'words'?"),
        ("    examples: [{picture: ''}]\n", 6, "needs words, a picture, or both"),
        ("    action: delete\n", 6, "'allow', 'review' or 'remove'"),
        ("    title: again\n", 6, "key 'title' is there twice"),
        ("    definition2: &a x\n    not: *a\n", 7, "aliases"),
        ("  - id: hate\n    title: B\n    definition: c\n", 1, "two categories have the id 'hate'"),
        ("    title: [\n", 7, "opened here and not closed"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(tmp_path, more, line, said):
    path = written(tmp_path, BASE + more)
    with pytest.raises(UsageError, match=said) as caught:
        load_policy(path)
    assert caught.value.where == f"{path}:{line}"
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"name: \xff\xfe", "not UTF-8"),
        (b"a" * (2**20 + 1), "larger than"),
        (b"[" * 500, "nested deeper"),
        (b"- 1\n", "a mapping"),
        (b"", "a mapping"),
        (b"name: !!python/object/apply:os.system ['true']", "a tag"),
        (b"name: 2026-99-99\n", "month must be"),
    ],
)
def test_hostile_files_are_refused(tmp_path, data, said):
    with pytest.raises(UsageError, match=said):
        load_policy(written(tmp_path, data))


def test_an_unknown_name_and_a_missing_file_say_what_there_is(tmp_path):
    with pytest.raises(UsageError, match="Did you mean 'general'"):
        load_policy("genral")
    with pytest.raises(UsageError, match="no policy file here"):
        load_policy(tmp_path / "none.yaml")


def test_policy_round_trips_through_json():
    policy = load_policy("general")
    assert Policy.model_validate_json(policy.model_dump_json(by_alias=True)) == policy


def test_all_faults_are_told_at_once_each_with_its_line_and_a_typo_once(tmp_path):
    """Issue 9, items 30 and 38: only the first was told, and a misspelt key as a missing one of line 1."""
    text = "name: mine\nverson: 2\ncategories:\n"
    text += "  - id: hate\n    title: A\n    defnition: d\n    action: delete\n  - id: b\n"
    path = written(tmp_path, text)
    with pytest.raises(UsageError) as caught:
        load_policy(path)
    said = str(caught.value)
    assert "5 faults" in said
    assert "line 2: verson: there is no key 'verson'; did you mean 'version'?" in said
    assert "line 6: categories[1].defnition: there is no key 'defnition'; did you mean 'definition'?" in said
    assert "line 7: categories[1].action: Input should be 'allow', 'review' or 'remove'" in said
    assert "line 8: categories[2]: the key 'title' is missing" in said
    assert "line 8: categories[2]: the key 'definition' is missing" in said
    assert "categories[1]: the key 'definition' is missing" not in said
    assert "docs/policies.md" in said


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        ("   examples:\n      - fine\n", 6, "not indented like the others"),
        ("     examples:\n", 6, "indented deeper than the one above"),
        ("\taction: review\n", 6, "a tab"),
        ("    title: 'open\n", 6, "a quote that is opened here"),
    ],
)
def test_bad_indentation_is_told_in_plain_words(tmp_path, more, line, said):
    path = written(tmp_path, BASE + more)
    with pytest.raises(UsageError, match=said) as caught:
        load_policy(path)
    assert caught.value.where == f"{path}:{line}"
    assert "docs/policies.md" in str(caught.value)


def test_the_documented_example_is_a_policy(tmp_path):
    from pathlib import Path

    page = Path(__file__).parents[2].joinpath("docs", "policies.md").read_text(encoding="utf-8")
    policy = load_policy(written(tmp_path, page.split("```yaml\n")[1].split("```")[0]))
    assert [category.id for category in policy.categories] == ["mockery", "nudity"]
    assert policy.categories[0].examples[1].picture == "a withered plant"


def test_a_wrong_key_of_a_benign_text_names_the_keys_of_a_text(tmp_path):
    with pytest.raises(UsageError, match="did you mean 'picture'"):
        load_policy(written(tmp_path, BASE + "benign:\n  - {words: Good morning, pictur: a sunrise}\n"))
