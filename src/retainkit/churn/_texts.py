"""TextRules: transparent rules that read a reason out of free text, or abstain."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import Annotated, NamedTuple, Protocol, Self, runtime_checkable

import numpy as np
import numpy.typing as npt
import pandas as pd
from pydantic import Field, model_validator

from retainkit._core.catalogue import read_catalogue
from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit._core.frames import text_series
from retainkit.churn._causes import ChurnCause, EvidenceSource
from retainkit.churn._codes import OWN_NAMES, CodeBook, normalize_code
from retainkit.churn._coverage import require_event_columns, resolve_books
from retainkit.churn._statements import Statement, read_statements
from retainkit.churn._taxonomy import CauseCatalog, Identifier
from retainkit.errors import AlignmentError, SchemaError

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

    Examples
    --------
    >>> from retainkit.churn import default_text_rules
    >>> default_text_rules().classify(["Your staff was rude."])[0].code
    'staff_attitude'
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
