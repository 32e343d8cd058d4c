"""`python -m alciato` is the command `alciato`."""

from alciato.cli.main import main

main()
