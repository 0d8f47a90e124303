"""check_codes and code_texts: which codes no book covers, and free text read by rules."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from retainkit._core.catalogue import read_catalogue
from retainkit._core.columns import Column, plain
from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.frames import text_series
from retainkit._core.result import ResultTable
from retainkit.churn.causes._codes import (
    OWN_NAMES,
    CodeBook,
    catalog_code_book,
    check_code_book,
    default_catalog,
    default_code_books,
    normalize_code,
)
from retainkit.churn.causes._statements import Statement, read_statements
from retainkit.churn.causes._taxonomy import CauseCatalog, ChurnCause, EvidenceSource, Identifier
from retainkit.errors import AlignmentError, SchemaError
from retainkit.typing import BoolArray

_ENDS = ("deceased", "closed_down")


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class CodeCoverage(ResultTable):
    """One row per distinct (kind, code, source) with a code: how often, and which book reads it.

    Parameters
    ----------
    statements : tuple of Statement
        The distinct codes with their readings.
    events, customers : numpy.ndarray of int64
        Rows that carry the code, and distinct customers among them.
    """

    statements: tuple[Statement, ...]
    events: npt.NDArray[np.int64]
    customers: npt.NDArray[np.int64]

    _what: ClassVar[str] = "codes"
    _next_step: ClassVar[str] = ".uncovered()"
    _schema: ClassVar[tuple[Column, ...]] = (
        Column("kind", "statements.kind", dtype="str"),
        Column("code", "statements.code", dtype="str"),
        Column("source", "statements.source", dtype="str"),
        Column("book", "statements.book", dtype="str"),
        Column("cause", "statements.entry.cause.value", dtype="str"),
        Column(
            "covered",
            lambda t: np.array([said.entry is not None for said in t.statements], dtype=np.bool_),
        ),
        Column("reason", "statements.gap", dtype="str"),
        *plain("events", "customers"),
    )

    def __len__(self) -> int:
        return len(self.statements)

    @property
    def share(self) -> float:
        """Share of the coded events that a book covers; NaN when no event carries a code."""
        total = int(self.events.sum())
        covered = sum(int(n) for s, n in zip(self.statements, self.events, strict=True) if s.entry)
        return covered / total if total else float("nan")

    def uncovered(self) -> pd.DataFrame:
        """Return the codes no book covers, most frequent first.

        Rows of `to_frame` that are not covered.
        """
        frame = self.to_frame()
        missing = frame[~frame["covered"]]
        order = missing.sort_values(["events", "kind", "code"], ascending=[False, True, True])
        return order.reset_index(drop=True)

    def summary(self) -> pd.DataFrame:
        """Return codes and events, covered and not.

        Two rows: covered (True, False), codes, events.
        """
        frame = self.to_frame()
        covered = frame["covered"].to_numpy(dtype=np.bool_)
        events = frame["events"].to_numpy()
        return pd.DataFrame(
            {
                "covered": [True, False],
                "codes": [int(covered.sum()), int((~covered).sum())],
                "events": [int(events[covered].sum()), int(events[~covered].sum())],
            }
        )


def check_codes(
    events: pd.DataFrame,
    *,
    catalog: CauseCatalog | None = None,
    code_books: Sequence[CodeBook] | None = None,
) -> CodeCoverage:
    """Report which reason codes of the events the code books cover.

    Parameters
    ----------
    events : pandas.DataFrame
        Valid events: customer_id, timestamp, kind; code and source where there are any.
    catalog : CauseCatalog, optional
        The taxonomy; the built-in one by default.
    code_books : sequence of CodeBook, optional
        Your own books, in the order tried; the built-in ones (`default_code_books()`) follow them.

    Returns
    -------
    CodeCoverage
        One row per distinct code, kind and source; events without a code are left out.

    Raises
    ------
    SchemaError
        If a column is missing or a book names an unknown sub-reason.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import check_codes
    >>> events = pd.DataFrame({"customer_id": [1], "timestamp": pd.to_datetime(["2026-01-05"]),
    ...                        "kind": ["service_ended"], "code": ["4"], "source": ["apple"]})
    >>> check_codes(events).to_frame()[["book", "cause"]]
                          book           cause
    0  apple.expiration_intent  administrative
    """
    checked_catalog, books = resolve_books(catalog, code_books)
    require_event_columns(events)
    statements, place = read_statements(events, checked_catalog, books)
    return count_codes(events, statements, place)


def resolve_books(
    catalog: CauseCatalog | None, code_books: Sequence[CodeBook] | None
) -> tuple[CauseCatalog, tuple[CodeBook, ...]]:
    """Return the catalogue and books in use, checked against each other.

    Own books add to the built-in ones and are tried first; beside a catalogue of one's own they add
    to its own names.
    """
    used = default_catalog() if catalog is None else catalog
    books = default_code_books()
    if code_books is not None:
        more = books if used is default_catalog() else (catalog_code_book(used),)
        own = tuple(code_books)
        books = (*own, *(book for book in more if book not in own))
    if used is not default_catalog() or code_books is not None:
        for book in books:
            check_code_book(book, used)
    return used, books


def record_an_end(
    events: pd.DataFrame, *, code_books: Sequence[CodeBook] | None = None
) -> BoolArray:
    """Return which events record a death or a closure: by their kind, or by a covered code."""
    catalog, books = resolve_books(None, code_books)
    statements, place = read_statements(events, catalog, books)
    ends = np.array([_is_end(statement) for statement in statements], dtype=np.bool_)
    return ends[place]


def _is_end(statement: Statement) -> bool:
    """Return whether a statement says that there is no customer any more."""
    coded = statement.entry is not None and statement.entry.sub_reason in _ENDS
    return coded or (statement.reading.final and statement.reading.sub_reason in _ENDS)


def require_event_columns(events: pd.DataFrame) -> None:
    """Raise unless the frame looks like valid events."""
    missing = [c for c in ("customer_id", "timestamp", "kind") if c not in events.columns]
    dated = not missing and (events["timestamp"].dtype.kind == "M" or not len(events))
    if missing or not dated or bool(events["timestamp"].isna().any()):
        wrong = f"events lack the columns {missing}" if missing else "timestamps are not all days"
        raise SchemaError(
            wrong,
            rule="an event has a customer, a naive timestamp and a kind",
            where="events",
            fix="pass the frame that validate_table returns",
        )


def count_codes(
    events: pd.DataFrame, statements: tuple[Statement, ...], place: npt.NDArray[np.int32]
) -> CodeCoverage:
    """Count events and distinct customers per statement that carries a code."""
    size = len(statements)
    customer, _ = pd.factorize(events["customer_id"])
    rows = np.bincount(place, minlength=size)
    key = place.astype(np.int64) * (int(customer.max(initial=0)) + 2) + customer + 1
    distinct = np.unique(key, return_index=True)[1]
    people = np.bincount(place[distinct], minlength=size)
    coded = [i for i, s in enumerate(statements) if s.code is not None and s.reading.reads_code]
    return CodeCoverage(
        statements=tuple(statements[i] for i in coded),
        events=rows[coded].astype(np.int64) if coded else np.empty(0, np.int64),
        customers=people[coded].astype(np.int64) if coded else np.empty(0, np.int64),
    )


_CLAUSE = re.compile(r"[.;!?\n。;!?,,、]|\bbut\b|\bhowever\b|但是|但|不过|然而")
_REACH_WORDS, _REACH_CHARACTERS = 3, 4


class TextReading(NamedTuple):
    """What a classifier read in one text.

    Attributes
    ----------
    code : str
        A sub-reason or leaf of the catalogue, such as "staff_attitude".
    words : str
        The words it rests on.
    """

    code: str
    words: str


@runtime_checkable
class ReasonClassifier(Protocol):
    """Anything that reads reasons out of texts: rules, or a trained model wrapped in a class.

    Examples
    --------
    >>> from retainkit.churn import ReasonClassifier, default_text_rules
    >>> isinstance(default_text_rules(), ReasonClassifier)
    True
    """

    @property
    def source(self) -> EvidenceSource | None:
        """How far its readings are trusted; None = as far as the event's own source."""
        ...

    def classify(self, texts: Sequence[str]) -> Sequence[TextReading | None]:
        """Return one reading per text, None where it abstains."""
        ...


class TextRule(FrozenConfig):
    """Phrases that name one reason.

    Parameters
    ----------
    cause : ChurnCause
        The leaf.
    code : str
        The sub-reason of the leaf.
    en, zh : tuple of str
        Phrases in lower case; English ones match from the beginning of a word.

    Examples
    --------
    >>> from retainkit.churn import TextRule
    >>> TextRule(cause="active.natural", code="moved", en=("moved away",)).zh
    ()
    """

    cause: ChurnCause
    code: Identifier
    en: tuple[str, ...] = ()
    zh: tuple[str, ...] = ()


class TextRules(FrozenModel):
    """A set of phrases with negation, in English and Chinese; a `ReasonClassifier`.

    Parameters
    ----------
    name, version : str
        What rules they are.
    rules : tuple of TextRule
        The phrases.
    negations_en, negations_zh : tuple of str
        Words that turn a phrase off when they stand shortly before it in the same clause: up to
        three words, or four characters, before.
    source : EvidenceSource or None
        How far the readings are trusted; None = as far as the event's own source.

    Examples
    --------
    >>> from retainkit.churn import TextRule, TextRules
    >>> rules = TextRules(name="own", version="1", negations_en=("not",), rules=(
    ...     TextRule(cause="active.fault", code="staff_attitude", en=("rude",)),))
    >>> rules.classify(["They were rude", "They were not rude", "Hello"])
    [TextReading(code='staff_attitude', words='rude'), None, None]
    """

    name: Annotated[str, Field(min_length=1)]
    version: str
    rules: tuple[TextRule, ...]
    negations_en: tuple[str, ...] = ()
    negations_zh: tuple[str, ...] = ()
    source: EvidenceSource | None = None

    @model_validator(mode="after")
    def _in_lower_case(self) -> Self:
        """Refuse phrases that are empty or not in lower case."""
        loud = [
            p for rule in self.rules for p in (*rule.en, *rule.zh) if p != p.casefold() or not p
        ]
        if loud:
            raise ValueError(f"phrases are in lower case and not empty: {loud[:3]}")
        return self

    def classify(self, texts: Sequence[str]) -> list[TextReading | None]:
        """Read each text, in English, Chinese or both: the first reason named, or None.

        None where no phrase stands without negation, or where phrases name different leaves.
        """
        read: dict[str, TextReading | None] = {}
        for text in texts:
            if text not in read:
                read[text] = self._read(text)
        return [read[text] for text in texts]

    def _read(self, text: str) -> TextReading | None:
        """Return the code of the only leaf with phrases not negated, else None."""
        plain = text.casefold().replace("’", "'")
        found: list[tuple[int, int, TextRule, str]] = []
        for rule in self.rules:
            for phrase in (*rule.en, *rule.zh):
                found.extend(
                    (hit.start(), -len(phrase), rule, phrase)
                    for hit in re.finditer(_pattern(phrase), plain)
                    if not self._is_negated(plain[: hit.start()], phrase)
                )
        if len({rule.cause for _, _, rule, _ in found}) != 1:
            return None
        _, _, rule, phrase = min(found, key=lambda one: one[:2])
        return TextReading(rule.code, phrase)

    def _is_negated(self, before: str, phrase: str) -> bool:
        """Return whether a negation stands shortly before the phrase in its clause."""
        clause = _CLAUSE.split(before)[-1]
        if phrase.isascii():
            words = re.findall(r"[a-z']+", clause)[-_REACH_WORDS:]
            return any(word in self.negations_en for word in words)
        return any(word in clause[-_REACH_CHARACTERS:] for word in self.negations_zh)


def _pattern(phrase: str) -> str:
    """Return the pattern of a phrase: from the start of a word in English, anywhere in Chinese."""
    return (r"\b" if phrase.isascii() else "") + re.escape(phrase)


@cache
def default_text_rules() -> TextRules:
    """Return the built-in phrases, English and Chinese.

    Returns
    -------
    TextRules
        A small set meant to be right where it speaks, not to speak often.

    Examples
    --------
    >>> from retainkit.churn import default_text_rules
    >>> [r.code if r else None for r in default_text_rules().classify(["客服态度恶劣", "不是太贵"])]
    ['staff_attitude', None]
    """
    return TextRules.model_validate(read_catalogue("retainkit.churn", "text_rules"))


def check_text_rules(rules: TextRules, catalog: CauseCatalog) -> None:
    """Raise if a rule names a sub-reason its leaf does not have."""
    wrong = [
        f"{rule.code} under {rule.cause}"
        for rule in rules.rules
        if not catalog.has_sub_reason(rule.cause, rule.code)
    ]
    if wrong:
        raise SchemaError(
            f"text rules {rules.name!r} name unknown sub-reasons: {wrong[:3]}",
            rule=f"a code is a sub-reason of its leaf in the catalogue (version {catalog.version})",
        )


def code_texts(
    events: pd.DataFrame,
    *,
    classifier: ReasonClassifier | None = None,
    catalog: CauseCatalog | None = None,
    code_books: Sequence[CodeBook] | None = None,
) -> pd.DataFrame:
    """Read the reason out of the text of events whose code says nothing.

    A text is read where there is no code, where no book covers it, and where it only says "other"
    or "don't know".

    Parameters
    ----------
    events : pandas.DataFrame
        Valid events with a column `text`.
    classifier : ReasonClassifier, optional
        What reads the texts; `default_text_rules()` by default. A trained model needs `classify`
        and `source` only.
    catalog, code_books
        As in `attribute_causes`: they say which codes are covered.

    Returns
    -------
    pandas.DataFrame
        A copy with `code` filled where there was none and the classifier did not abstain, `source`
        set to the classifier's where it has one, and `coded_from` with the words each reading rests
        on (missing elsewhere). Codes already there are never changed: what the text beside them
        says stands in a row of its own below, so that the code still counts as not covered.

    Raises
    ------
    SchemaError
        If there is no column `text`.
    AlignmentError
        If the classifier returns another number of readings.

    Examples
    --------
    >>> import pandas as pd
    >>> from retainkit.churn import attribute_causes, code_texts, detect_churn
    >>> events = pd.DataFrame({"customer_id": ["a", "b"], "kind": "agent_note",
    ...                        "timestamp": pd.to_datetime(["2026-03-01", "2026-03-02"]),
    ...                        "code": [None, "X17"],
    ...                        "text": ["Found a better deal elsewhere", "Moving to another city"]})
    >>> code_texts(events)[["customer_id", "code", "coded_from"]]
      customer_id              code         coded_from
    0           a  competitor_offer        better deal
    1           b               X17                NaN
    2           b             moved  moving to another
    """
    require_event_columns(events)
    if "text" not in events.columns:
        raise SchemaError(
            "events have no column 'text'", rule="free text stands in `text`", where="events"
        )
    used = default_text_rules() if classifier is None else classifier
    known, books = resolve_books(catalog, code_books)
    statements, place = read_statements(events, known, books)
    says = np.array([_names_a_leaf(s) for s in statements], dtype=np.bool_)
    unread = np.flatnonzero(~says[place] & events["text"].notna().to_numpy())
    texts = events["text"].astype("object").iloc[unread].tolist()
    readings = list(used.classify(texts))
    if len(readings) != len(texts):
        raise AlignmentError(
            f"{len(readings)} readings of {len(texts)} texts", rule="one reading per text"
        )
    named = {name for book in books for name in (book.name, book.system)}
    return _write_readings(events, unread, readings, used.source, named)


def _names_a_leaf(statement: Statement) -> bool:
    """Return whether a code is covered and names a leaf, so that no text need be read."""
    entry = statement.entry
    return entry is not None and entry.cause is not ChurnCause.UNKNOWN


def _write_readings(
    events: pd.DataFrame,
    rows: npt.NDArray[np.int64],
    readings: Sequence[TextReading | None],
    trusted: EvidenceSource | None,
    books: set[str],
) -> pd.DataFrame:
    """Return the events with the readings: in place where there was no code, else below."""
    out = events.copy()
    for name in ("code", "source"):
        there = out[name] if name in out.columns else text_series([None] * len(out))
        out[name] = there.astype("object").where(there.notna(), None)
    said = np.array([reading is not None for reading in readings], dtype=np.bool_)
    found = [reading for reading in readings if reading is not None]
    rows, size = rows[said], len(out)
    coded = out["code"].notna().to_numpy(dtype=np.bool_)[rows]
    if coded.any():
        out = pd.concat([out, out.iloc[rows[coded]]], ignore_index=True)
    target = rows.copy()
    target[coded] = size + np.arange(int(coded.sum()))
    code, source = out["code"].tolist(), out["source"].tolist()
    words: list[str | None] = [None] * len(out)
    for row, reading in zip(target.tolist(), found, strict=True):
        code[row], words[row] = reading.code, reading.words
        if trusted is not None:
            source[row] = trusted.value
        elif normalize_code(str(source[row])) in books:
            source[row] = OWN_NAMES  # the code is one of the catalogue's, not of that book
    out["code"], out["source"] = text_series(code).to_numpy(), text_series(source).to_numpy()
    out["coded_from"] = text_series(words).to_numpy()
    return out
