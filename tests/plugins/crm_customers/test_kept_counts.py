"""Counts that take long are kept for a hundred times as long, with their time; quick ones are made anew."""

from plugins.crm_customers.kept_counts import KeptCounts


class Book:
    """Customers that take a number of seconds to count."""

    def __init__(self, seconds):
        self.now, self.seconds, self.customers = 0.0, seconds, 5

    def count(self):
        self.now += self.seconds
        return [self.customers]


def test_quick_counts_are_always_new():
    book = Book(0.01)
    counts = KeptCounts(lambda: book.now)

    first = counts.get("north", book.count)
    book.customers = 6

    assert (first.rows, counts.get("north", book.count).rows) == ([5], [6])


def test_slow_counts_are_kept_and_say_of_when_they_are():
    book = Book(1.0)
    counts = KeptCounts(lambda: book.now)

    first = counts.get("north", book.count)
    book.customers = 6
    book.now += 99
    again = counts.get("north", book.count)

    assert (first.rows, first.as_of) == ([5], None)
    assert again.rows == [5]
    assert again.as_of is not None


def test_slow_counts_are_counted_again_after_a_hundred_times_as_long():
    book = Book(1.0)
    counts = KeptCounts(lambda: book.now)

    counts.get("north", book.count)
    book.customers = 6
    book.now += 101

    assert counts.get("north", book.count).rows == [6]


def test_another_scope_is_counted_for_itself():
    book = Book(1.0)
    counts = KeptCounts(lambda: book.now)

    counts.get("north", book.count)
    book.customers = 7

    assert counts.get("south", book.count).rows == [7]
