from .html import write_report as write_report
from .jsonl import verdict_line as verdict_line
from .jsonl import write_jsonl as write_jsonl
from .terminal import verdict_table as verdict_table
