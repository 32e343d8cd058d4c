import pytest

from alciato.errors import UsageError
from alciato.search.filters import checked_filter


@pytest.mark.parametrize(
    ("written", "given"),
    [
        ("created_at > '2024-01-01'", "created_at > timestamp '2024-01-01 00:00:00'"),
        ("'2024-01-01' <= created_at", "timestamp '2024-01-01 00:00:00' <= created_at"),
        ("created_at > '2024-05-01T18:30:00+02:00'", "created_at > timestamp '2024-05-01 16:30:00'"),
        ("created_at > timestamp '2024-01-01'", "created_at > timestamp '2024-01-01'"),
        (
            "created_at > '2024-01-01' and author = 'zork'",
            "created_at > timestamp '2024-01-01 00:00:00' and author = 'zork'",
        ),
        (
            "created_at > '2024-01-01' and 'zork' = author",
            "created_at > timestamp '2024-01-01 00:00:00' and 'zork' = author",
        ),
        (
            "created_at between '2024-01-01' and '2024-02-01'",
            "created_at between timestamp '2024-01-01 00:00:00' and timestamp '2024-02-01 00:00:00'",
        ),
        ("author in ('zork', 'it''s me')", "author in ( 'zork' , 'it''s me' )"),
        ("date_part('year', created_at) = 2024", "date_part ( 'year' , created_at ) = 2024"),
        ("not (label is null) or lower(author) like 'z%'", "not ( label is null ) or lower ( author ) like 'z%'"),
    ],
)
def test_what_is_allowed_and_how_the_store_gets_it(written, given):
    assert checked_filter(written) == given


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("autor = 'zork'", "Did you mean 'author'"),
        ("pg_sleep(3) = 1", "no function is named 'pg_sleep'"),
        ("author = 'zork'; drop table items", "cannot be understood"),
        ("author = 'zork' -- and more", "cannot be understood"),
        ("author = 'zork", "cannot be understood"),
        ("(author = 'zork'", "brackets"),
        ("author = 'zork')", "brackets"),
        ("created_at > 'yesterday'", "is no time"),
        ("select author from items", "no column is named 'select'"),
        ("  ", "empty"),
    ],
)
def test_errors_say_what_is_wrong_and_what_to_do(written, told):
    with pytest.raises(UsageError, match=told.replace("(", "\\(")) as caught:
        checked_filter(written)
    assert caught.value.remedy


def test_no_filter_is_no_filter():
    assert checked_filter(None) is None
