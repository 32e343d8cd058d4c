"""Answers of models kept on disk by the content of the question, in one SQLite file that processes may share."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path

from alciato.errors import ModelError

SCHEMA = "CREATE TABLE IF NOT EXISTS answers (key TEXT PRIMARY KEY, answer TEXT NOT NULL, made_at REAL NOT NULL)"


class AnswerCache:
    """Key to answer. Each access opens the file anew, so that threads, forks and other processes are safe."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "answers.sqlite"

    def get(self, key: str) -> str | None:
        """Give the kept answer, or None. Raises `ModelError` if the file cannot be used."""
        if not self.path.exists():
            return None
        row = self._run("SELECT answer FROM answers WHERE key = ?", (key,))
        return None if row is None else str(row[0])

    def put(self, key: str, answer: str) -> None:
        """Keep an answer; a later one for the same key replaces it. Raises `ModelError`."""
        self._run("INSERT OR REPLACE INTO answers VALUES (?, ?, ?)", (key, answer, time.time()))

    def _run(self, statement: str, values: tuple[object, ...]) -> tuple[object, ...] | None:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with closing(sqlite3.connect(self.path, timeout=60)) as connection, connection:
                connection.execute("PRAGMA journal_mode=WAL")
                connection.execute("PRAGMA synchronous=NORMAL")
                connection.execute(SCHEMA)
                row: tuple[object, ...] | None = connection.execute(statement, values).fetchone()
                return row
        except (sqlite3.Error, OSError) as error:
            raise ModelError(
                f"the cache of answers cannot be used: {error}.",
                where=str(self.path),
                remedy="Delete the file, or set `cache` to another folder.",
            ) from error
