from .export import export_posts as export_posts
from .html import write_report as write_report
from .jsonl import verdict_line as verdict_line
from .jsonl import write_jsonl as write_jsonl
