"""Names, codes and display texts of tiers, standings, stages and reasons: data only."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from retainkit._core.labels import Label

BAD: Final = "bad"
"""Name of the tier shown for customers of bad standing, whatever they are worth."""

LAPSED: Final = "lapsed"
"""State of a customer who has left."""

NEW: Final = "new"
"""State before of a customer who was not there."""

MOVEMENTS: Final = ("promotion", "retention", "demotion", "bad", "exit")
"""What can become of a customer of a tier from one assessment to the next."""

MOVEMENT_LABELS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "promotion": Label(en="Promoted", zh="升级"),
        "retention": Label(en="Kept the tier", zh="保持"),
        "demotion": Label(en="Demoted", zh="降级"),
        "bad": Label(en="Turned bad", zh="转为劣质"),
        "exit": Label(en="Left", zh="流失"),
    }
)
"""Labels of the movements."""

TIER_LABELS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "key": Label(en="Key customers", zh="关键客户"),
        "ordinary": Label(en="Ordinary customers", zh="普通客户"),
        "small": Label(en="Small customers", zh="小客户"),
        BAD: Label(en="Bad customers", zh="劣质客户"),
    }
)
"""Labels of the default tiers and of `bad`; other tiers are labelled in their config."""

TIER_REASONS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "reaches_cut": Label(
            en="The value reaches the tier's lower bound", zh="价值达到该级别的下限"
        ),
        "below_every_cut": Label(en="The value is below every cut", zh="价值低于所有分级界限"),
        "value_not_computable": Label(
            en="The value could not be computed: lowest tier", zh="价值无法计算：归入最低级别"
        ),
        "scheme_not_computable": Label(
            en="The scheme has no cuts (nobody had a positive value): lowest tier",
            zh="分级方案没有界限（没有任何客户的价值为正）：归入最低级别",
        ),
        "bad_standing": Label(
            en="Bad standing overrides the value tier", zh="信用或行为不良，优先于价值级别"
        ),
        "held_by_band": Label(
            en="The value crossed a cut, but not the band around it: tier kept",
            zh="价值越过界限但仍在缓冲带内：级别保持不变",
        ),
        "awaiting_evidence": Label(
            en="The value left the band, but not in enough assessments in a row: tier kept",
            zh="价值已超出缓冲带，但连续期数不足：级别保持不变",
        ),
        "held_by_dwell": Label(
            en="The customer has not been in its tier for long enough: tier kept",
            zh="在本级别停留时间不足：级别保持不变",
        ),
        "kept_without_value": Label(
            en="The value could not be computed this time: tier kept",
            zh="本期价值无法计算：级别保持不变",
        ),
        "manual_override": Label(
            en="Set by hand, with a reason, an owner and an end",
            zh="人工指定（有理由、负责人和期限）",
        ),
    }
)
"""Why a customer is shown in its tier; the position is the code."""

SCHEME_NOTES: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "empty_base": Label(en="No customer has a computable value", zh="没有可计算价值的客户"),
        "values_not_computable": Label(
            en="Customers without a computable value are in the lowest tier",
            zh="价值无法计算的客户归入最低级别",
        ),
        "negative_values": Label(
            en="Customers with a negative value: they take nothing from the positive total that "
            "shares of value are measured on, and lower the net total",
            zh="价值为负的客户：不计入正值合计，但减少净合计",
        ),
        "total_not_positive": Label(
            en="The net total is not positive: shares of it are undefined, amounts are shown",
            zh="净合计不为正：占比无定义，改列金额",
        ),
        "net_replaced_by_positive": Label(
            en="The net total is not positive: shares were measured on the positive total instead",
            zh="净合计不为正：改按正值合计计算份额",
        ),
        "no_positive_value": Label(
            en="Nobody has a positive value: there are no cuts and everybody is in the lowest tier",
            zh="没有任何客户的价值为正：没有界限，全部归入最低级别",
        ),
        "cut_not_positive": Label(
            en="A tier above the lowest admits customers whose value is not positive",
            zh="最低级别以上的级别包含价值不为正的客户",
        ),
        "empty_tier": Label(
            en="A tier has no customers (ties stay together, or the cuts leave a gap)",
            zh="某级别没有客户（同值客户不拆分，或界限之间没有客户）",
        ),
    }
)
"""What a reader of a scheme must know about the base it was learnt on."""

STANDINGS: Final = ("good", "watch", "bad")
"""Standings by rising severity; the position is the code."""

STANDING_LABELS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "good": Label(en="Good standing", zh="信用良好"),
        "watch": Label(en="Under watch", zh="关注"),
        "bad": Label(en="Bad standing", zh="信用不良"),
    }
)
"""Labels of the standings."""

STANDING_REASONS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "no_credit_record": Label(en="Nothing is known about credit", zh="没有信用记录"),
        "credit_good": Label(en="The credit record is good", zh="信用记录良好"),
        "on_watch": Label(en="Credit is on watch", zh="信用处于关注状态"),
        "in_dispute": Label(
            en="An open invoice is disputed: settle the complaint before pressing for payment",
            zh="有争议的未结发票：先处理投诉，再催款",
        ),
        "disputes_often": Label(en="Disputes many of its invoices", zh="经常对发票提出争议"),
        "pays_late": Label(en="Pays many of its invoices late", zh="经常逾期付款"),
        "overdue": Label(en="A payment is overdue", zh="有逾期账款"),
        "on_probation": Label(
            en="No longer a bad payer, but not yet for long enough", zh="不良状况已消除，处于观察期"
        ),
        "chronically_late": Label(
            en="Pays many of its invoices seriously late", zh="长期严重逾期付款"
        ),
        "overdue_beyond_limit": Label(
            en="A payment is overdue for longer than the limit", zh="账款逾期超过期限"
        ),
        "credit_default": Label(en="Credit is in default", zh="信用违约"),
        "fraud": Label(en="Fraud", zh="欺诈"),
    }
)
"""Why a customer has its standing, by rising severity; the position is the code."""

SEVERITY_STEPS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "clear": Label(en="Nothing to note", zh="无异常"),
        "attention": Label(en="Needs attention", zh="需关注"),
        "overdue": Label(en="In arrears", zh="拖欠"),
        "bad_payer": Label(en="Bad payer", zh="不良付款人"),
        "default": Label(en="In default", zh="违约"),
        "fraud": Label(en="Fraud", zh="欺诈"),
    }
)
"""Severity in steps, each of several reasons; the position is the code."""

STAGES: Final = ("prospect", "new", "growing", "mature", "declining", "lapsed", "won_back")
"""Lifecycle stages in the order of a relation; the position is the code."""

STAGE_LABELS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "prospect": Label(en="Prospect", zh="潜在客户"),
        "new": Label(en="New", zh="新客户"),
        "growing": Label(en="Growing", zh="成长期客户"),
        "mature": Label(en="Mature", zh="成熟期客户"),
        "declining": Label(en="Declining", zh="衰退期客户"),
        "lapsed": Label(en="Lapsed", zh="流失客户"),
        "won_back": Label(en="Won back", zh="赢回客户"),
    }
)
"""Labels of the stages."""

STAGE_REASONS: Final[Mapping[str, tuple[str, Label]]] = MappingProxyType(
    {
        "never_purchased": ("prospect", Label(en="No purchase yet", zh="尚未购买")),
        "probably_left": (
            "lapsed",
            Label(en="The probability of being alive is below the limit", zh="存活概率低于界限"),
        ),
        "silent_beyond_rhythm": (
            "lapsed",
            Label(en="Silent for far longer than the own rhythm", zh="沉默时间远超自身购买周期"),
        ),
        "silence_growing": (
            "declining",
            Label(en="Silent for longer than the own rhythm", zh="沉默时间超过自身购买周期"),
        ),
        "returned_after_lapse": (
            "won_back",
            Label(en="Bought again after a lapse", zh="流失后再次购买"),
        ),
        "first_purchase": ("new", Label(en="Only one purchase so far", zh="仅有一次购买")),
        "relation_young": (
            "new",
            Label(en="The relation is younger than one usual gap", zh="关系时间短于通常购买间隔"),
        ),
        "spending_falling": ("declining", Label(en="Spending is falling", zh="消费下降")),
        "spending_rising": ("growing", Label(en="Spending is rising", zh="消费上升")),
        "relation_forming": (
            "growing",
            Label(en="Buys again, relation still forming", zh="已重复购买，关系正在形成"),
        ),
        "relation_settled": (
            "mature",
            Label(en="Buys in a settled rhythm", zh="按稳定的周期购买"),
        ),
    }
)
"""The rules of the lifecycle: reason -> (stage, label), in the order in which they are tried."""

DIMENSION_KINDS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "behaviour": Label(en="Behaviour", zh="行为"),
        "demographics": Label(en="Demographics", zh="人口统计特征"),
        "value": Label(en="Value", zh="价值"),
        "use": Label(en="Use intensity", zh="使用强度"),
        "benefit": Label(en="Benefit sought", zh="追求的利益"),
        "loyalty": Label(en="Loyalty", zh="忠诚度"),
        "attitude": Label(en="Attitude", zh="态度"),
        "stage": Label(en="Lifecycle stage", zh="成长周期阶段"),
        "other": Label(en="Other", zh="其他"),
    }
)
"""What a dimension of segmentation is about, with display texts."""

NEED_LEVELS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        "all": Label(en="All customers", zh="全部客户"),
        "key": Label(en="Key customers", zh="关键客户"),
        "top_key": Label(en="Top key customers", zh="顶级关键客户"),
        "special": Label(en="Special groups", zh="特殊群体"),
    }
)
"""Levels of needs, with display texts."""
