"""What each reason code of the ledger means, in both languages."""

from __future__ import annotations

from retainkit._core.catalogue import read_labels
from retainkit.typing import Language

_REASONS = read_labels("retainkit.tables", "reasons", "reasons")
_PREFIXES = read_labels("retainkit.tables", "reasons", "prefixes")


def describe_reason(reason: str, *, language: Language = "en") -> str:
    """Say what a reason code of the ledger means.

    Parameters
    ----------
    reason : str
        A code as it stands in `Ledger.to_frame()["reason"]`.
    language : {"en", "zh"}, default "en"
        Display language.

    Returns
    -------
    str
        One short phrase; an unknown code comes back unchanged.

    Examples
    --------
    >>> from retainkit.tables import describe_reason
    >>> describe_reason("missing_customer_id")
    'customer_id is missing'
    >>> describe_reason("after_as_of", language="zh")
    '日期晚于观察截止日'
    """
    if reason in _REASONS:
        return _REASONS[reason].text(language)
    for prefix, label in _PREFIXES.items():
        if reason.startswith(prefix):
            return label.text(language).format(field=reason.removeprefix(prefix))
    return reason
