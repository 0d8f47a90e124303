"""Default measures that give (D13, D14, D16) and the one that does nothing (D20), as data."""

from __future__ import annotations

from typing import Any

from retainkit.policy._catalog_row import measure

_GIVES: dict[str, Any] = {"adverse": False}
_KEY: dict[str, Any] = {"source": "D13", "tiers": ("key",), "stances": ("protect",), **_GIVES}
_DEVELOP: dict[str, Any] = {
    "source": "D14",
    "tiers": ("ordinary",),
    "stances": ("develop",),
    **_GIVES,
}
_NURTURE: dict[str, Any] = {"source": "D16", "tiers": ("small",), "stances": ("nurture",), **_GIVES}

DO_NOTHING: tuple[dict[str, Any], ...] = (
    # D20: doing nothing is always an option.
    measure(
        "do_nothing",
        {"source": "D20", "cost": {"per_customer": 0.0}},
        ("Do nothing", "不采取行动"),
        ("Leave the customer as it is.", "保持客户现状，不作任何投入。"),
    ),
)

INVEST: tuple[dict[str, Any], ...] = (
    # D13: key customers are protected and deepened: first loyalty, then contribution.
    measure(
        "concentrate_resources",
        _KEY,
        ("Concentrate the best resources", "集中优势资源服务关键客户"),
        (
            "Give the best people, goods and response times to key customers first.",
            "把最好的人员、货源和响应速度优先用于关键客户。",
        ),
        changes=("retention",),
        channel="operations",
    ),
    measure(
        "personal_ties",
        _KEY,
        ("Communicate and build personal ties", "加强沟通与感情交流"),
        (
            "Regular visits, advice and honest talk, so that leaving would mean leaving friends.",
            "定期拜访、征询意见、坦诚沟通，建立双向的感情联系。",
        ),
        changes=("retention",),
        channel="account_manager",
    ),
    measure(
        "account_manager",
        _KEY,
        ("Dedicated organisation: key-account manager", "成立专门机构：客户经理制"),
        (
            "One named person or team answers for the customer's whole relation.",
            "由专人或专门机构对该客户的整体关系负责。",
        ),
        changes=("retention", "spend"),
        channel="account_manager",
    ),
    measure(
        "raise_loyalty",
        _KEY,
        ("Raise loyalty first", "先提高忠诚度"),
        (
            "Reward staying and commitment before asking for more: rivals target exactly these.",
            "先奖励忠诚与承诺，再谈增加贡献：竞争对手争夺的正是这些客户。",
        ),
        changes=("retention",),
        channel="account_manager",
    ),
    measure(
        "deepen_contribution",
        _KEY,
        ("Then deepen the contribution", "再提高贡献"),
        (
            "Widen the lines bought and take part in the customer's plans, once loyalty holds.",
            "在忠诚稳固之后，扩大购买范围并参与客户的计划。",
        ),
        condition={"standings": ("good",), "risks": ("low", "medium", "unknown")},
        changes=("spend",),
        channel="account_manager",
    ),
    measure(
        "rescue_contact",
        _KEY,
        ("Immediate personal contact", "立即专人挽留"),
        (
            "Find the cause in person and answer it with the countermeasure for that cause.",
            "专人上门了解原因，并按流失原因采取对应措施。",
        ),
        condition={"risks": ("high",)},
        changes=("retention",),
        channel="account_manager",
    ),
    measure(
        "agree_payment_plan",
        _KEY,
        ("Agree a payment plan in person", "当面商定付款安排"),
        (
            "Keep the relation, settle what is open, grant no new credit until it is.",
            "维护关系，商定清偿安排，结清前不再增加授信。",
        ),
        condition={"standings": ("watch",)},
        changes=("credit", "retention"),
        channel="account_manager",
    ),
    # D14: ordinary customers with upgrade potential are developed into key ones.
    measure(
        "frequent_buyer_programme",
        _DEVELOP,
        ("Frequent-buyer programme", "常客奖励计划"),
        ("Benefits that grow with the number of purchases.", "购买次数越多，享受的优惠越多。"),
        changes=("spend", "retention"),
        channel="programme",
    ),
    measure(
        "one_time_reward",
        _DEVELOP,
        ("Reward at a one-time purchase level", "一次性购买达标奖励"),
        ("A reward when one purchase reaches a set level.", "单次购买达到规定额度即给予奖励。"),
        changes=("spend",),
        channel="programme",
    ),
    measure(
        "cumulative_reward",
        _DEVELOP,
        ("Reward at a cumulative purchase level", "累计购买达标奖励"),
        (
            "A reward when purchases in a period reach a set level.",
            "一定时期内累计购买达到规定额度即给予奖励。",
        ),
        changes=("spend", "retention"),
        channel="programme",
    ),
    measure(
        "paid_membership",
        _DEVELOP,
        ("Paid membership with benefits", "付费会员制"),
        (
            "A fee buys standing benefits; who pays it means to stay.",
            "客户付费取得会员资格与固定优惠，付费者更愿意留下。",
        ),
        changes=("spend", "retention"),
        channel="programme",
    ),
    measure(
        "extend_product_line",
        _DEVELOP,
        ("Extend the product line offered", "扩展产品线"),
        ("Offer what the customer buys elsewhere today.", "提供客户目前在别处购买的产品。"),
        changes=("spend",),
        channel="sales",
    ),
    measure(
        "one_stop_offer",
        _DEVELOP,
        ("One-stop offer", "一条龙服务"),
        (
            "Join products and services so that one supplier is enough.",
            "把产品与服务组合起来，使客户只需一家供应商。",
        ),
        changes=("spend", "retention"),
        channel="sales",
    ),
    measure(
        "trade_up",
        _DEVELOP,
        ("Encourage higher-value purchases", "鼓励购买更高价值的产品"),
        ("Show what the better product is worth to this customer.", "说明更高档产品对客户的价值。"),
        changes=("spend",),
        channel="sales",
    ),
    measure(
        "help_advice",
        _DEVELOP,
        ("Help the customer grow: advice", "帮助客户成长：咨询建议"),
        ("Advise on the customer's own business or use.", "为客户自身的经营或使用提供建议。"),
        changes=("spend", "retention"),
        channel="sales",
    ),
    measure(
        "help_training",
        _DEVELOP,
        ("Help the customer grow: training", "帮助客户成长：培训"),
        ("Train the customer's people.", "为客户的人员提供培训。"),
        changes=("spend", "retention"),
        channel="sales",
    ),
    measure(
        "help_market_planning",
        _DEVELOP,
        ("Help the customer grow: market planning", "帮助客户成长：市场策划"),
        ("Plan the customer's own market with it.", "与客户共同策划其自身的市场。"),
        changes=("spend", "retention"),
        channel="sales",
    ),
    # D16: small customers with potential are nurtured.
    measure(
        "more_care",
        _NURTURE,
        ("More care", "给予更多关心"),
        ("Notice them early: greet, ask, answer.", "及早关注：多问候、多了解、多回应。"),
        changes=("retention", "spend"),
        channel="service",
    ),
    measure(
        "help_to_ordinary",
        _NURTURE,
        ("Help to grow to ordinary, then key", "帮助成长为普通客户乃至关键客户"),
        (
            "Low-cost offers that pull the next purchase forward, step by step.",
            "以低成本的方式逐步促进下一次购买，帮助其升级。",
        ),
        changes=("spend",),
        channel="marketing",
    ),
)
