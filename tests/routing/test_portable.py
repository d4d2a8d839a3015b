"""Does a rulebook come home the same after a journey, and is a stranger told by their place?"""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from routing.documents import document_of, read_rulebook
from routing.portable import Known, with_ids, with_names

KNOWN = Known({11: "Anna@example.com", 12: "bo@example.com"}, {1: "Support", 2: "Sales"})
RULE: dict[str, Any] = {
    "id": "a",
    "name": "A",
    "if": {
        "all": [
            {"fact": "owner", "test": "is_person", "value": [11]},
            {"any": [{"fact": "last_owner", "test": "is_person", "value": [12], "not": True}]},
            {"fact": "attribute", "name": "size", "test": "equals", "value": 11},
        ]
    },
    "then": {
        "to": [{"who": "people", "people": [11, 12]}, {"who": "random", "team": 2}],
        "notify": [12],
    },
}


def test_people_and_teams_travel_by_their_names() -> None:
    away = with_names({"format": 1, "always_first": [], "rules": [RULE]}, KNOWN)

    [rule] = away["rules"]
    assert "always_first" not in away
    assert rule["if"]["all"][0]["value"] == ["Anna@example.com"]
    assert rule["if"]["all"][1]["any"][0]["value"] == ["bo@example.com"]
    # A number that is nobody's id stays a number.
    assert rule["if"]["all"][2]["value"] == 11
    assert rule["then"]["to"][0]["people"] == ["Anna@example.com", "bo@example.com"]
    assert rule["then"]["to"][1]["team"] == "Sales"
    assert rule["then"]["notify"] == ["bo@example.com"]
    # What was given is not touched.
    assert RULE["then"]["notify"] == [12]


def test_names_come_home_whatever_their_case() -> None:
    away = with_names({"rules": [RULE]}, KNOWN)
    away["rules"][0]["then"]["notify"] = [" BO@Example.com "]
    away["rules"][0]["then"]["to"][1]["team"] = "SALES"

    home, problems = with_ids(away, KNOWN)

    assert problems == ()
    assert home == {"rules": [RULE]}


def test_strangers_are_told_by_their_place() -> None:
    strange = {"people": [11], "who": "people"}, {"who": "team", "team": "Nowhere"}, {"team": 9}
    then = {"to": list(strange), "notify": ["x@y.z", 99, True, 11]}
    home, problems = with_ids({"rules": [{"id": "a", "name": "A", "then": then}]}, KNOWN)

    assert [str(problem) for problem in problems] == [
        "rules[0].then.notify[0]: Nobody in this account has the e-mail address “x@y.z”.",
        "rules[0].then.notify[1]: Nobody in this account has the number 99.",
        "rules[0].then.to[1].team: This account has no team “Nowhere”.",
        "rules[0].then.to[2].team: This account has no team “9”.",
    ]
    assert isinstance(home, dict)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["rules", "then", "to", "people", "team", "notify", "if", "all", "any", "value"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=30,
)


@given(_JSON)
def test_nonsense_is_left_for_the_reader_to_refuse(document: Any) -> None:
    with_ids(document, KNOWN)


@given(st.lists(st.sampled_from([11, 12]), min_size=1), st.sampled_from([None, 1, 2]))
def test_every_rulebook_comes_home_the_same(people: list[int], team: int | None) -> None:
    step = {"who": "random", "people": people} if team is None else {"who": "random", "team": team}
    rules = [{"id": "a", "name": "A", "then": {"to": [step], "notify": people}}]
    document = document_of(read_rulebook({"rules": rules}))

    home, problems = with_ids(with_names(document, KNOWN), KNOWN)

    assert problems == ()
    assert document_of(read_rulebook(home)) == document
