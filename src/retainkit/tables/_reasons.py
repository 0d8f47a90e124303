"""What each reason code of the ledger means, in both languages; data only."""

from __future__ import annotations

from retainkit._core.labels import Label
from retainkit.typing import Language

_REASONS: dict[str, tuple[str, str]] = {
    "after_as_of": ("dated after the last observed day", "日期晚于观察截止日"),
    "ambiguous_timestamp": (
        "several declared date formats fit and disagree; the first one was taken",
        "多个声明的日期格式均可解析且结果不同，采用第一个",
    ),
    "conflicting_customer": (
        "several rows describe one customer differently",
        "同一客户存在互相矛盾的多行",
    ),
    "converted_time_zone": ("moved to the declared time zone", "已换算到声明的时区"),
    "duplicate": ("repeats an earlier row exactly", "与之前的行完全重复"),
    "end_before_start": ("ends before it starts", "结束早于开始"),
    "ends_after_as_of": ("has a known end in the future", "结束日期在观察截止日之后"),
    "no_score": ("carries no score at all", "没有任何评分"),
    "resolved_after_as_of": (
        "resolved after the last observed day; counted as open",
        "解决时间晚于观察截止日，视为未解决",
    ),
    "resolved_before_timestamp": ("resolved before it happened", "解决时间早于发生时间"),
    "return": ("a negative amount: goods returned or money paid back", "金额为负：退货或退款"),
    "rewritten_customer_id": (
        "the id was written in another way and now has its canonical form",
        "客户编号写法不一，已统一为规范形式",
    ),
    "starts_after_as_of": ("starts after the last observed day", "开始日期晚于观察截止日"),
    "zero_amount": ("an amount of exactly zero", "金额为零"),
}

_PREFIXES: dict[str, tuple[str, str]] = {
    "missing_": ("{field} is missing", "缺少 {field}"),
    "unparsable_": ("{field} cannot be read by the declared rules", "{field} 无法按声明的规则解析"),
    "non_finite_": ("{field} is infinite", "{field} 为无穷大"),
    "other_currency_": (
        "{field} is in another currency than the rest of the column",
        "{field} 的币种与该列其余行不同",
    ),
    "negative_": ("{field} is below zero", "{field} 为负"),
    "unknown_": ("{field} is not one of the declared values", "{field} 不在声明的取值之内"),
    "out_of_range_": ("{field} lies outside its declared scale", "{field} 超出声明的量表范围"),
}


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
    known = _REASONS.get(reason)
    if known is not None:
        return Label(en=known[0], zh=known[1]).text(language)
    for prefix, (en, zh) in _PREFIXES.items():
        if reason.startswith(prefix):
            field = reason.removeprefix(prefix)
            return Label(en=en.format(field=field), zh=zh.format(field=field)).text(language)
    return reason
