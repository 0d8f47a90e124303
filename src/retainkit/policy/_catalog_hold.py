"""Default measures that hold, take away or end (D15, D17, D19), as data."""

from __future__ import annotations

from typing import Any

from retainkit.policy._catalog_row import measure

_ALL_RAILS = ("lost_contribution", "replacement_cost", "exposure", "protected_attributes")
_TAKES: dict[str, Any] = {"adverse": True, "guard_rails": _ALL_RAILS}
_MAINTAIN: dict[str, Any] = {"source": "D15", "stances": ("maintain",)}
_LESS: dict[str, Any] = {
    **_MAINTAIN,
    "tiers": ("ordinary",),
    "condition": {"potentials": ("no",), "standings": ("good", "watch")},
    "changes": ("cost_to_serve", "retention"),
    **_TAKES,
}
_ECONOMISE: dict[str, Any] = {
    "source": "D17",
    "tiers": ("small",),
    "stances": ("economise",),
    **_TAKES,
}
_EXIT: dict[str, Any] = {
    "source": "D19",
    "stances": ("exit",),
    "condition": {"standings": ("bad",)},
    "changes": ("credit",),
    "channel": "finance",
    **_TAKES,
}

HOLD: tuple[dict[str, Any], ...] = (
    # D15: ordinary customers without potential are maintained.
    measure(
        "no_added_resources",
        _MAINTAIN,
        ("No added people, money or goods", "不增投人力、财力、物力"),
        ("Keep the service at its level; invest nothing more.", "维持现有服务水平，不再追加投入。"),
        tiers=("ordinary", "small"),
        changes=("cost_to_serve",),
        channel="operations",
    ),
    measure(
        "prepayment_until_settled",
        {"source": "D15", "stances": ("maintain", "economise")},
        ("Prepayment until settled", "结清前预付款"),
        ("No credit until what is open has been paid.", "欠款结清之前不予赊销。"),
        tiers=("ordinary", "small"),
        condition={"standings": ("watch",)},
        changes=("credit",),
        channel="finance",
    ),
    measure(
        "cash_or_prepayment",
        _LESS,
        ("Cash or prepayment", "现款现货或预付款"),
        ("Tie no working capital to this customer.", "不在该客户身上占用流动资金。"),
        condition={"potentials": ("no",), "standings": ("good",)},
        changes=("credit",),
        channel="finance",
    ),
    measure(
        "less_promotion",
        _LESS,
        ("Less promotion", "减少促销"),
        ("Fewer mailings, visits and offers.", "减少促销邮件、拜访和优惠活动。"),
        channel="marketing",
    ),
    measure(
        "fewer_service_hours",
        _LESS,
        ("Fewer service hours", "缩短服务时间"),
        ("Serve in fewer hours.", "缩短提供服务的时间。"),
        channel="service",
    ),
    measure(
        "fewer_service_items",
        _LESS,
        ("Fewer service items", "减少服务项目"),
        ("Offer fewer services.", "减少所提供的服务项目。"),
        channel="service",
    ),
    measure(
        "fewer_service_contents",
        _LESS,
        ("Less content per service", "减少服务内容"),
        ("Keep the service, leave out contents.", "保留服务项目，精简服务内容。"),
        channel="service",
    ),
    measure(
        "no_extras",
        _LESS,
        ("No extras", "不提供附加服务"),
        ("The standard service without additions.", "只提供标准服务，不提供附加服务。"),
        channel="service",
    ),
    # D17: small customers without potential are made profitable.
    measure(
        "raise_price",
        _ECONOMISE,
        ("Raise the price", "提高价格"),
        ("Charge what the service costs.", "按服务成本提高价格。"),
        changes=("price", "retention"),
        channel="sales",
    ),
    measure(
        "charge_free_services",
        _ECONOMISE,
        ("Charge for what was free", "对原先免费的服务收费"),
        (
            "For example a monthly fee below a minimum balance.",
            "例如对余额低于最低限额的账户收取月费。",
        ),
        changes=("price", "retention"),
        channel="service",
    ),
    measure(
        "sell_high_margin",
        _ECONOMISE,
        ("Sell high-margin goods", "推销高毛利产品"),
        ("Offer goods that earn at a small volume.", "推荐小批量也能盈利的产品。"),
        changes=("spend", "price"),
        channel="sales",
    ),
    measure(
        "reduce_service_contents",
        _ECONOMISE,
        ("Fewer service contents", "减少服务内容"),
        ("Leave out what is not paid for.", "精简未付费的服务内容。"),
        changes=("cost_to_serve", "retention"),
        channel="service",
    ),
    measure(
        "reduce_service_scope",
        _ECONOMISE,
        ("Narrower service scope", "缩小服务范围"),
        ("Serve fewer places, goods or cases.", "缩小服务的地区、产品或事项范围。"),
        changes=("cost_to_serve", "retention"),
        channel="service",
    ),
    measure(
        "reduce_service_hours",
        _ECONOMISE,
        ("Fewer service hours", "减少服务时间"),
        ("Serve in fewer hours.", "减少提供服务的时间。"),
        changes=("cost_to_serve", "retention"),
        channel="service",
    ),
    measure(
        "channel_telephone",
        _ECONOMISE,
        ("Cheaper channel: telephone", "改用低成本渠道：电话"),
        ("Telephone instead of a visit.", "以电话代替上门拜访。"),
        changes=("cost_to_serve", "retention"),
        channel="telephone",
    ),
    measure(
        "channel_dealer",
        _ECONOMISE,
        ("Cheaper channel: dealer", "改用低成本渠道：经销商"),
        ("Hand the account to a dealer.", "交由经销商供货和服务。"),
        changes=("cost_to_serve", "retention"),
        channel="dealer",
    ),
    measure(
        "channel_self_service",
        _ECONOMISE,
        ("Cheaper channel: self-service", "改用低成本渠道：自助服务"),
        ("Self-service instead of staff.", "以自助服务代替人工服务。"),
        changes=("cost_to_serve", "retention"),
        channel="self_service",
    ),
    measure(
        "separate_in_time",
        _ECONOMISE,
        ("Serve tiers at separate times", "分时段服务不同级别客户"),
        (
            "Tiers are served at different times, so that nobody feels set back.",
            "不同级别客户在不同时间接受服务，避免低级别客户感到被冷落。",
        ),
        changes=("cost_to_serve", "retention"),
        channel="service",
    ),
    measure(
        "separate_in_place",
        _ECONOMISE,
        ("Serve tiers in separate places", "分场所服务不同级别客户"),
        (
            "Tiers are served in different places, so that nobody feels set back.",
            "不同级别客户在不同场所接受服务，避免低级别客户感到被冷落。",
        ),
        changes=("cost_to_serve", "retention"),
        channel="service",
    ),
    # D19: bad customers: end it; debtors are escalated in steps.
    measure(
        "stop_credit",
        _EXIT,
        ("Stop credit", "停止赊销"),
        ("No further delivery on credit.", "不再以赊销方式供货。"),
    ),
    measure(
        "settle_account",
        _EXIT,
        ("Settle the account", "清算账款"),
        ("Agree and collect what is open.", "核对并收回未结账款。"),
    ),
    measure(
        "terminate_relation",
        _EXIT,
        ("Terminate the relation", "终止业务关系"),
        ("End the business in due form.", "按规定程序终止业务往来。"),
    ),
    measure(
        "remind_courteously",
        _EXIT,
        ("Courteous reminder", "礼貌催款"),
        ("First step against a debtor: remind politely.", "催收第一步：礼貌提醒付款。"),
    ),
    measure(
        "apply_pressure",
        _EXIT,
        ("Pressure", "施加压力催款"),
        ("Second step: firm demand with a deadline.", "催收第二步：限期催告，施加压力。"),
    ),
    measure(
        "take_legal_action",
        _EXIT,
        ("Legal action", "采取法律手段"),
        ("Last step: recover the debt through the law.", "催收最后一步：通过法律途径追讨欠款。"),
        channel="legal",
    ),
)
