"""The default rules state x tier x standing x potential -> stance, as data."""

from __future__ import annotations

from typing import Any


def _rule(
    rule_id: str, source: str, stance: str, reason: tuple[str, str], **when: tuple[str, ...]
) -> dict[str, Any]:
    return {
        "id": rule_id,
        "source": source,
        "stance": stance,
        "reason": {"en": reason[0], "zh": reason[1]},
        **when,
    }


_NOT_SETTLED = ("watch",)

RULES: tuple[dict[str, Any], ...] = (
    _rule(
        "relation_ended",
        "user",
        "no_contact",
        ("The relation has ended for good: no contact", "关系已终止：不再联系"),
        relations=("ended",),
    ),
    _rule(
        "bad_with_prospects",
        "ending bad relations",
        "maintain",
        (
            "Pays badly but has prospects: settle first, prepayment until then",
            "付款不良但有前景：先清算，结清前预付款",
        ),
        standings=("bad",),
        potentials=("yes",),
        relations=("new", "present", "quiet", "unanswered"),
        contacts=("all", "service_only"),
    ),
    _rule(
        "bad_standing",
        "ending bad relations",
        "exit",
        (
            "Destroys value by how it pays or behaves: stop credit, settle, end it",
            "因付款或行为而损害价值：停止赊销、清算、终止",
        ),
        standings=("bad",),
    ),
    _rule(
        "contact_refused",
        "user",
        "no_contact",
        ("Does not want to be contacted", "客户拒绝联系"),
        contacts=("none",),
    ),
    _rule(
        "gone_and_worth_it",
        "user",
        "win_back",
        (
            "Gone, and was worth more than a small customer: try to win back",
            "已流失且原非小客户：尝试赢回",
        ),
        relations=("recoverable",),
        contacts=("all",),
        tiers=("key", "ordinary"),
        standings=("good",),
    ),
    _rule(
        "gone_and_small",
        "user",
        "let_go",
        (
            "Gone, was a small customer: no paid contact, the free channel stays open",
            "已流失的小客户：不作付费联系，保留免费渠道",
        ),
        relations=("recoverable", "gone"),
        tiers=("small",),
    ),
    _rule(
        "gone_out_of_reach",
        "user",
        "let_go",
        (
            "Gone, and may be written to about service only: no paid contact",
            "已流失，且仅可因服务联系：不作付费联系",
        ),
        relations=("recoverable", "gone"),
        contacts=("service_only",),
    ),
    _rule(
        "gone",
        "user",
        "let_go",
        (
            "Gone, and past winning back: no paid contact, the free channel stays open",
            "已流失且难以赢回：不作付费联系，保留免费渠道",
        ),
        relations=("recoverable", "gone"),
    ),
    _rule(
        "never_bought",
        "user",
        "maintain",
        ("Has not bought yet: invite", "尚未购买：邀请"),
        relations=("prospect",),
    ),
    _rule(
        "quiet_on_watch",
        "user",
        "maintain",
        (
            "Fallen quiet with payments to settle: settle first, then talk",
            "沉寂且有款项待结：先结清，再沟通",
        ),
        relations=("quiet", "unanswered"),
        standings=_NOT_SETTLED,
    ),
    _rule(
        "quiet_and_worth_it",
        "user",
        "rescue",
        (
            "Fallen quiet, worth more than a small customer: ask why and rescue",
            "已沉寂且非小客户：询问原因并挽留",
        ),
        relations=("quiet",),
        tiers=("key", "ordinary"),
    ),
    _rule(
        "quiet_and_asked",
        "user",
        "maintain",
        (
            "Fallen quiet and asked three times in vain: the free reminder, nothing paid",
            "已沉寂且三次询问未果：仅免费提醒，不再付费",
        ),
        relations=("unanswered",),
    ),
    _rule(
        "quiet_and_small",
        "user",
        "maintain",
        ("Small customer fallen quiet: the free reminder", "小客户沉寂：免费提醒"),
        relations=("quiet",),
    ),
    _rule(
        "key_at_risk",
        "protecting key customers",
        "protect",
        (
            "Key customer who is likely to leave: protect at once",
            "关键客户且流失风险高：立即保护",
        ),
        tiers=("key",),
        risks=("high",),
    ),
    _rule(
        "key_on_watch",
        "protecting key customers",
        "protect",
        (
            "Key customer whose payments need watching: protect, grant no new credit",
            "关键客户但付款需关注：保护关系，不再增加授信",
        ),
        tiers=("key",),
        standings=_NOT_SETTLED,
    ),
    _rule(
        "key",
        "protecting key customers",
        "protect",
        (
            "Key customer: raise loyalty, then contribution; competitors want exactly these",
            "关键客户：先提高忠诚度，再提高贡献；竞争对手争夺的正是他们",
        ),
        tiers=("key",),
    ),
    _rule(
        "ordinary_on_watch",
        "maintaining without added cost",
        "maintain",
        (
            "Ordinary customer with payments to settle: no investment before that",
            "普通客户且有款项待结：结清之前不追加投入",
        ),
        tiers=("ordinary",),
        standings=_NOT_SETTLED,
    ),
    _rule(
        "ordinary_with_potential",
        "developing ordinary customers",
        "develop",
        ("Ordinary customer who can become key: develop", "有升级潜力的普通客户：培养为关键客户"),
        tiers=("ordinary",),
        potentials=("yes",),
    ),
    _rule(
        "ordinary_without_potential",
        "maintaining without added cost",
        "maintain",
        ("Ordinary customer without upgrade potential: maintain", "无升级潜力的普通客户：维持"),
        tiers=("ordinary",),
        potentials=("no",),
    ),
    _rule(
        "small_on_watch_with_potential",
        "maintaining without added cost",
        "maintain",
        (
            "Small customer with potential but payments to settle: no investment before that",
            "有潜力但有款项待结的小客户：结清之前不追加投入",
        ),
        tiers=("small",),
        standings=_NOT_SETTLED,
        potentials=("yes",),
    ),
    _rule(
        "small_with_potential",
        "nurturing small customers",
        "nurture",
        (
            "Small customer with potential: more care, help it grow",
            "有潜力的小客户：多加关心，帮助其成长",
        ),
        tiers=("small",),
        potentials=("yes",),
    ),
    _rule(
        "small_without_potential",
        "making small customers profitable",
        "economise",
        (
            "Small customer without potential: make it profitable, never simply throw it out",
            "无潜力的小客户：使其变得有利可图，而不是简单放弃",
        ),
        relations=("present",),
        evidence=("ranked",),
        tiers=("small",),
        potentials=("no",),
    ),
    _rule(
        "small_and_new",
        "user",
        "maintain",
        (
            "Small customer still new: nothing is taken away, care for the second purchase",
            "新的小客户：不削减服务，促成第二次购买",
        ),
        relations=("new",),
        tiers=("small",),
        potentials=("no",),
    ),
    _rule(
        "small_guarded",
        "guard rails",
        "maintain",
        (
            "Small customer, but a guard rail speaks against taking anything away: maintain",
            "小客户，但护栏检查不支持削减：维持",
        ),
        relations=("present",),
        evidence=("guarded",),
        tiers=("small",),
        potentials=("no",),
    ),
    _rule(
        "small_but_bring_much",
        "guard rails",
        "maintain",
        (
            "Customers called small brought more than half of the mean on earlier days: "
            "nothing is taken away",
            "以往判定的小客户带来的贡献超过均值的一半：不削减服务",
        ),
        evidence=("too_large",),
        tiers=("small",),
        potentials=("no",),
    ),
    _rule(
        "small_too_few_to_judge",
        "user",
        "maintain",
        (
            "Too few customers to judge whether the forecast ranks them: nothing is taken away",
            "客户太少，无法判断预测能否排序：不削减服务",
        ),
        evidence=("too_few",),
        tiers=("small",),
        potentials=("no",),
    ),
    _rule(
        "small_not_ranked",
        "user",
        "maintain",
        (
            "The forecast does not rank the customers of this base: nothing is taken away",
            "预测无法对该客户群排序：不削减服务",
        ),
        tiers=("small",),
        potentials=("no",),
    ),
    _rule(
        "potential_unknown",
        "guard rails",
        "maintain",
        (
            "Potential is not known: what customers get stays as it is",
            "潜力未知：维持现有待遇",
        ),
    ),
)
"""In order: the first that matches wins; the last matches everybody."""
