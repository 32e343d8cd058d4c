"""What holds for the package as a whole: it is light to import, and its parts hang together one way."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import alciato

SOURCE = Path(alciato.__file__).parent
HEAVY = {"torch", "onnxruntime", "lancedb", "daft", "cv2", "av", "transformers", "pyarrow", "numpy", "rapidocr", "PIL"}


def loaded_by(code: str) -> set[str]:
    script = f"import sys\n{code}\nprint('\\n'.join(sys.modules), file=sys.stderr)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stderr.split())


@pytest.mark.parametrize(
    "code",
    [
        "import alciato",
        "import alciato.cli.main",
        "sys.argv = ['alciato', '--help']\nfrom alciato.cli.main import app\napp(standalone_mode=False)",
        "sys.argv = ['alciato', 'add', '--help']\nfrom alciato.cli.main import app\napp(standalone_mode=False)",
    ],
)
def test_nothing_heavy_is_loaded_for_help(code: str):
    assert not HEAVY & loaded_by(code)


def test_every_public_name_is_there():
    for name in alciato.__all__:
        assert getattr(alciato, name) is not None


def test_an_unknown_name_is_an_error():
    with pytest.raises(AttributeError, match="nothing"):
        _ = alciato.nothing


def test_every_public_class_has_a_name_of_its_own():
    """A reader who meets a name knows what it is."""
    found: dict[str, list[str]] = {}
    for path in sorted(SOURCE.rglob("*.py")):
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found.setdefault(node.name, []).append(path.name)
    twice = {name: places for name, places in found.items() if len(places) > 1}
    assert twice == {}
