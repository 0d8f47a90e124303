"""Code books: a source's own codes as causes and sub-reasons; those that come with the package."""

from __future__ import annotations

import csv
import io
import tomllib
from collections.abc import Mapping
from datetime import date
from functools import cache
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from retainkit._core.catalogue import read_catalogue, read_data
from retainkit._core.config import FrozenConfig, FrozenModel
from retainkit.churn.causes._taxonomy import (
    CauseCatalog,
    ChurnCause,
    Identifier,
    Mechanism,
    Signals,
)
from retainkit.errors import SchemaError
from retainkit.typing import Rate

OWN_NAMES = "retainkit"
"""Name of the book of the catalogue's own names."""


def normalize_code(code: str) -> str:
    """Return the spelling codes are compared in: no case, single spaces, plain apostrophes."""
    text = " ".join(code.split()).casefold().replace("’", "'")
    whole, point, rest = text.partition(".")
    return whole if point and whole.lstrip("-").isdigit() and not rest.strip("0") else text


class CodeEntry(FrozenConfig):
    """What one reason code stands for.

    Parameters
    ----------
    code : str
        The code as the other system writes it; case and spacing do not matter.
    cause : ChurnCause
        The leaf it points to; `unknown` for "don't know", "other" and the like.
    sub_reason : str or None
        The finer reason, one of the catalogue's for that leaf.
    passive_cause, passive_sub_reason : ChurnCause or None, str or None
        What replaces them where a missed payment ended the relation.
    mechanism : Mechanism or None
        What ended the relation, where the code says so.
    signals : frozenset of Signal
        What it establishes besides: `price` marks a reason that needs a tie-break.
    reliability : float, default 1
        How far the code is trusted [share].
    fallback : ChurnCause or None
        Leaf used when a veto strikes `cause`; None sets the evidence aside.
    retry : {"soft", "hard"} or None
        For declined payments: whether trying again may work.
    valid_from, valid_until : date or None
        First and last day the code means this, both inclusive; None = open. An event dated
        outside is not covered by the entry.
    """

    code: Annotated[str, Field(min_length=1)]
    cause: ChurnCause
    sub_reason: Identifier | None = None
    passive_cause: ChurnCause | None = None
    passive_sub_reason: Identifier | None = None
    mechanism: Mechanism | None = None
    signals: Signals = frozenset()
    reliability: Rate = 1.0
    fallback: ChurnCause | None = None
    retry: Literal["soft", "hard"] | None = None
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _dates_in_order(self) -> Self:
        """Refuse an entry that ends before it begins."""
        if self.valid_from and self.valid_until and self.valid_until < self.valid_from:
            raise ValueError(f"code {self.code!r} ends on {self.valid_until}, before it begins")
        return self

    @property
    def is_dated(self) -> bool:
        """Whether the entry holds for a time only."""
        return self.valid_from is not None or self.valid_until is not None

    def holds_on(self, day: date) -> bool:
        """Return whether the code means this on a day: valid_from to valid_until, inclusive."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and (self.valid_until is None or day <= self.valid_until)


class CodeBook(FrozenModel):
    """A list of reason codes of one system and what each stands for.

    Parameters
    ----------
    name : str
        "system.field"; events whose `source` is the name or the system are read with this book.
    title, reference : str
        What it is and where it comes from.
    kinds : tuple of str
        Event kinds it applies to; empty = all.
    needs_source : bool, default False
        Whether it is read only for events whose `source` names it (codes that are bare numbers).
    entries : tuple of CodeEntry
        The codes; each once, or several times where each entry says from when or until when it
        holds. On days on which entries hold that disagree the code is ambiguous: not covered.

    Examples
    --------
    >>> from retainkit.churn import CodeBook
    >>> book = CodeBook.from_mapping("shop.reason", {"Umzug": "active.natural", "teuer":
    ...     {"cause": "active.natural", "sub_reason": "price_too_high", "signals": ["price"]}})
    >>> book.find(" umzug ").cause.value
    'active.natural'
    >>> book.find("sonstiges") is None
    True
    """

    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+(\.[a-z0-9_]+)*$")]
    title: str = ""
    reference: str = ""
    kinds: tuple[Identifier, ...] = ()
    needs_source: bool = False
    entries: tuple[CodeEntry, ...]

    @model_validator(mode="after")
    def _each_code_once(self) -> Self:
        """Refuse a code listed twice without dates to tell the entries apart."""
        doubled = [
            entries[0].code
            for entries in self.index().values()
            if len(entries) > 1 and not all(entry.is_dated for entry in entries)
        ]
        if doubled:
            raise ValueError(f"code book {self.name!r} lists codes twice: {sorted(doubled)[:5]}")
        return self

    @property
    def system(self) -> str:
        """The system the codes belong to: the part of the name before the first point."""
        return self.name.partition(".")[0]

    def index(self) -> dict[str, tuple[CodeEntry, ...]]:
        """Return the entries by normalised code.

        Normalised code to its entries: one, or one per time of validity.
        """
        found: dict[str, tuple[CodeEntry, ...]] = {}
        for entry in self.entries:
            code = normalize_code(entry.code)
            found[code] = (*found.get(code, ()), entry)
        return found

    def find(self, code: str, *, on: date | None = None) -> CodeEntry | None:
        """Return what a code stands for; case and spacing do not matter.

        None when the book does not list it, when no entry holds on the day `on`, and when several
        that disagree do. `on` is needed where entries hold for a time only.
        """
        entries = self.index().get(normalize_code(code), ())
        return choose_entry(entries, on)

    @classmethod
    def from_mapping(
        cls, name: str, codes: Mapping[str, ChurnCause | str | Mapping[str, Any]], **fields: Any
    ) -> Self:
        """Build a book from a mapping of code to leaf, or of code to the fields of an entry.

        Parameters
        ----------
        name : str
            "system.field".
        codes : mapping
            Code to leaf ("active.fault"), or to a mapping with at least `cause`.
        **fields : Any
            Other fields of the book.

        Returns
        -------
        CodeBook
            The book, validated.

        Raises
        ------
        pydantic.ValidationError
            If a leaf or field is unknown.
        """
        entries = [
            {"code": code, **meaning}
            if isinstance(meaning, Mapping)
            else {"code": code, "cause": meaning}
            for code, meaning in codes.items()
        ]
        return cls.model_validate({"name": name, "entries": entries, **fields})

    @classmethod
    def from_csv(cls, name: str, text: str, **fields: Any) -> Self:
        r"""Read a book written as a table: a header line, then one code per line.

        Parameters
        ----------
        name : str
            "system.field".
        text : str
            CSV with the columns `code` and `cause`, and any other field of an entry; empty cells
            take the default, several signals are separated by spaces, days are ISO 8601.
        **fields : Any
            Other fields of the book.

        Returns
        -------
        CodeBook
            The book, validated.

        Raises
        ------
        SchemaError
            If `code` or `cause` is missing from the header, or a line is longer than it.
        pydantic.ValidationError
            If a column, leaf or value is unknown.

        Examples
        --------
        >>> from retainkit.churn import CodeBook
        >>> book = CodeBook.from_csv("shop.reason", "code,cause,sub_reason\n7,active.fault,\n")
        >>> book.find("7").cause.value
        'active.fault'
        """
        rows = list(csv.DictReader(io.StringIO(text.lstrip("\ufeff"))))
        header = set(rows[0]) if rows else {"code", "cause"}
        if None in header or not {"code", "cause"} <= header:
            raise SchemaError(
                f"the columns of {name!r} are {sorted(str(one) for one in header)}",
                rule="the columns are code, cause and others; no line is longer than the header",
                where=f"code book {name!r}",
            )
        entries = []
        for row in rows:
            entry: dict[str, Any] = {k: v for k, v in row.items() if v not in (None, "")}
            if "signals" in entry:
                entry["signals"] = entry["signals"].split()
            entries.append(entry)
        return cls.model_validate({"name": name, "entries": entries, **fields})

    @classmethod
    def from_toml(cls, text: str) -> Self:
        """Read a book written as TOML.

        Parameters
        ----------
        text : str
            A document with `name` and `[[entries]]`.

        Returns
        -------
        CodeBook
            The book, validated.

        Raises
        ------
        pydantic.ValidationError
            If a leaf or field is unknown.
        tomllib.TOMLDecodeError
            If the text is not TOML.
        """
        return cls.model_validate(tomllib.loads(text))


def choose_entry(entries: tuple[CodeEntry, ...], day: date | None) -> CodeEntry | None:
    """Return the entry that holds on a day; None where none does or those that do disagree."""
    holding = [e for e in entries if (not e.is_dated if day is None else e.holds_on(day))]
    undated = {"valid_from": None, "valid_until": None}
    meanings = {entry.replace(**undated) for entry in holding}
    return holding[0] if len(meanings) == 1 else None


def check_code_book(book: CodeBook, catalog: CauseCatalog) -> None:
    """Raise if the book names a sub-reason its leaf does not have."""
    wrong = [
        f"{entry.code!r}: {reason} under {cause}"
        for entry in book.entries
        for cause, reason in (
            (entry.cause, entry.sub_reason),
            (entry.passive_cause, entry.passive_sub_reason),
        )
        if reason is not None and not catalog.has_sub_reason(cause, reason)
    ]
    if wrong:
        raise SchemaError(
            f"code book {book.name!r} names {len(wrong)} unknown sub-reasons: {wrong[:3]}",
            rule=f"a sub-reason is one of the catalogue's (version {catalog.version}) for its leaf",
            where=f"code book {book.name!r}",
            fix="leave sub_reason out, or add it to the catalogue",
        )


def catalog_code_book(catalog: CauseCatalog) -> CodeBook:
    """Return the book of the catalogue's own names: each leaf, and each sub-reason of one leaf."""
    homes: dict[str, list[ChurnCause]] = {}
    for entry in catalog.causes:
        for reason in entry.sub_reasons:
            homes.setdefault(reason.id, []).append(entry.cause)
    codes: dict[str, dict[str, Any]] = {e.cause.value: {"cause": e.cause} for e in catalog.causes}
    for reason_id, causes in homes.items():
        codes[reason_id] = {"cause": causes[0], "sub_reason": reason_id}
        if reason_id == "price_too_high":
            codes[reason_id] |= {"signals": ["price"], "reliability": 0.5}
    return CodeBook.from_mapping(OWN_NAMES, codes, title="The catalogue's own names")


BUILT_IN_CODE_BOOKS = (
    "stripe.feedback",
    "stripe.reason",
    "stripe.decline_code",
    "stripe.dispute_reason",
    "recurly.expiration_reason",
    "chargebee.cancel_reason",
    "revenuecat.reason",
    "google_play.cancel_survey_reason",
    "google_play.cancel_reason",
    "apple.expiration_intent",
    "ibm_telco.churn_reason",
    "ibm_telco.churn_category",
)
"""Names of the built-in books, in the order in which they are tried."""


@cache
def default_catalog() -> CauseCatalog:
    """Return the built-in taxonomy of churn causes.

    Returns
    -------
    CauseCatalog
        Eight leaves with labels, countermeasures, owners and sub-reasons in English and Chinese,
        and the event kinds.

    Notes
    -----
    *Passive* loss means that the firm ended service, normally after non-payment. The English term
    "involuntary churn" is narrower (a payment failed) and says nothing of the will behind it.

    Examples
    --------
    >>> from retainkit.churn import default_catalog
    >>> default_catalog().to_frame()[["cause", "owner"]].head(2)
                    cause                owner
    0      active.natural     Customer service
    1  active.competitive  Sales and marketing
    """
    causes, kinds = (read_catalogue("retainkit.churn", name) for name in ("causes", "event_kinds"))
    return CauseCatalog.model_validate({**causes, **kinds})


@cache
def load_code_book(name: str) -> CodeBook:
    """Load one built-in code book.

    Parameters
    ----------
    name : str
        Name of one of `default_code_books()`, for example "stripe.feedback".

    Returns
    -------
    CodeBook
        The book.

    Raises
    ------
    SchemaError
        If there is no such book.

    Examples
    --------
    >>> from retainkit.churn import load_code_book
    >>> load_code_book("stripe.feedback").find("switched_service").cause.value
    'active.competitive'
    """
    if name not in BUILT_IN_CODE_BOOKS:
        raise SchemaError(
            f"no built-in code book {name!r}",
            rule=f"the built-in books are {', '.join(BUILT_IN_CODE_BOOKS)}",
            fix="write your own: CodeBook.from_mapping(name, {code: cause})",
        )
    return CodeBook.from_toml(read_data("retainkit.churn", f"codes/{name}.toml"))


@cache
def default_code_books() -> tuple[CodeBook, ...]:
    """Return every built-in code book and the catalogue's own names, in the order tried.

    Returns
    -------
    tuple of CodeBook
        Your own, passed as `code_books=`, are tried before them: the first book that lists a code
        wins.

    Examples
    --------
    >>> from retainkit.churn import default_code_books
    >>> books = default_code_books()
    >>> books[0].name, books[-1].name
    ('stripe.feedback', 'retainkit')
    """
    own = catalog_code_book(default_catalog())
    return (*(load_code_book(name) for name in BUILT_IN_CODE_BOOKS), own)
