import subprocess
import sys

import alciato.item


def test_every_public_name_is_there():
    assert all(hasattr(alciato.item, name) for name in alciato.item.__all__)
    assert not hasattr(alciato.item, "items_to_arow")


def test_nothing_heavy_is_loaded_before_it_is_used():
    heavy = ["numpy", "PIL", "av", "pyarrow", "pypdfium2"]
    code = f"import sys, alciato.item, alciato.sources; print([name for name in {heavy} if name in sys.modules])"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "[]"
