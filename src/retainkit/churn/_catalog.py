"""The catalogue and code books that ship with the package, read from its data files."""

from __future__ import annotations

from functools import cache

from retainkit._core.catalogue import read_catalogue, read_data
from retainkit.churn._codes import CodeBook, catalog_code_book
from retainkit.churn._taxonomy import CauseCatalog
from retainkit.errors import SchemaError

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
        One of `BUILT_IN_CODE_BOOKS`, for example "stripe.feedback".

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
