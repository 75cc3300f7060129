from __future__ import annotations

import pytest

from wamplite.core.books import Book


def test_a_record_is_found_by_its_uri_alone() -> None:
    book: Book[str] = Book()
    book.add("com.app.a", "record")
    assert list(book.find("com.app.a")) == ["record"]
    assert list(book.find("com.app")) == []
    assert list(book.find("com.app.a.b")) == []


def test_a_record_that_is_struck_out_is_not_found() -> None:
    book: Book[str] = Book()
    book.add("com.app.a", "record")
    book.remove("com.app.a")
    assert list(book.find("com.app.a")) == []
    assert book.records == {}


@pytest.mark.parametrize(
    ("uri", "valid"),
    [("a", True), ("com.App-1.ü", True), ("", False), ("a..b", False), ("a\n", False)],
)
def test_an_exact_record_is_made_with_a_loose_uri(uri: str, valid: bool) -> None:
    assert Book[str]().is_valid(uri) is valid
