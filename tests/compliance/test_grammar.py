"""Is nothing overlooked when a text is put aside for want of words that could ask for anything?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.grammar import NO_WISH, Clause, asked_in, can_ask
from compliance.lexicon import CONCEPTS, Term

_TERMS = st.builds(
    Term,
    st.just("word"),
    st.frozensets(st.sampled_from(sorted(CONCEPTS)), max_size=2),
    st.booleans(),
)
_CLAUSES = st.lists(
    st.builds(Clause, st.lists(_TERMS, min_size=1, max_size=6).map(tuple), st.booleans()),
    min_size=1,
    max_size=3,
)


@pytest.mark.parametrize("first", sorted(CONCEPTS))
def test_no_two_words_that_ask_for_something_are_put_aside(first: str) -> None:
    for second in CONCEPTS:
        terms = [Term("one two", frozenset({first})), Term("three", frozenset({second}))]
        everything = Clause(tuple(terms), free_order=True)
        for clauses in ([everything], [Clause((term,), free_order=True) for term in terms]):
            is_asked = asked_in(clauses, everything) != NO_WISH
            assert can_ask(everything.concepts) or not is_asked, second


@given(_CLAUSES)
def test_what_can_ask_for_nothing_asks_for_nothing(clauses: list[Clause]) -> None:
    everything = Clause(tuple(t for clause in clauses for t in clause.terms), free_order=False)
    if not can_ask(everything.concepts):
        assert asked_in(clauses, everything) == NO_WISH
