"""Texts of the sections about money, fairness and months."""

from __future__ import annotations

from retainkit.report._pairs import pairs

PLANS = pairs(
    budget=("The plan within the budget", "预算内的计划"),
    budget_intro=(
        "Budget {budget}: the plan costs {cost} and is expected to gain {gain}. The next unit of "
        "budget earns {next}.",
        "预算 {budget}：计划花费 {cost}，预期收益 {gain}。下一单位预算可带来 {next}。",
    ),
    budget_empty=(
        "No measure has a price and an effect, so none can be ranked: add them to the catalogue.",
        "没有任何措施具备成本与效果，因此无法排序：请在措施目录中补充。",
    ),
    budget_measures=("Measures of the plan", "计划中的措施"),
    budget_frontier=("Other budgets, within the same limits", "其他预算（相同限制）"),
    budget_amount=("Budget", "预算"),
    cost=("Cost", "成本"),
    gain=("Expected gain", "预期收益"),
    next_unit=("Next unit earns", "下一单位收益"),
    limit_prices=("What one unit more of each limit would earn", "各限制再增加一单位的收益"),
    limit=("Limit", "限制"),
    holdout=("Left out on purpose, to prove the effect", "为证明效果而有意留出"),
    held_out=("Left out", "留出"),
    annual=("The plan of {year}", "{year} 年度计划"),
    target_profit=("Target profit", "目标利润"),
    target_retention=("Target retention", "目标保持率"),
    audit=("Are protected groups treated alike?", "受保护群体是否受到同等对待？"),
    audit_intro=(
        "Protected attributes reach no decision; they are looked at only here, afterwards. Shown "
        "is the group that fares worst under each stance.",
        "受保护属性不进入任何决策，仅在此事后检查。所示为每种策略下处境最差的群体。",
    ),
    audit_attribute=("Attribute", "属性"),
    audit_group=("Group", "群体"),
    audit_rate=("Adversely treated", "受不利对待"),
    audit_ratio=("Ratio to the best treated", "与最优群体之比"),
    audit_passed=("passed", "通过"),
    audit_breached=("breached", "违反"),
    audit_too_few=("too few", "样本过少"),
    stance_any_adverse=("Any adverse decision", "任一不利决策"),
    owners=("Account owners, like compared with like", "客户经理（同类比较）"),
    owners_intro=(
        "Owners answer for the customers they had at the last run. Retention is compared with what "
        "the same mix of tiers kept in the whole base; small portfolios have wide intervals and "
        "are within noise.",
        "客户经理对上次运行时其名下客户负责。保持率与整体中相同级别构成的结果比较；客户数少则区间宽，多属噪声范围。",
    ),
    owner_retention=("Retention", "保持率"),
    owner_adjusted=("Mix-adjusted", "结构调整后"),
    owner_moves=("Net moves", "净升降"),
    owner_profit=("Profit beside the base", "与整体相比的利润"),
    owner_verdict=("Verdict", "结论"),
    verdict_within_noise=("within noise", "噪声范围内"),
    verdict_better=("better than expected", "优于预期"),
    verdict_worse=("worse than expected", "劣于预期"),
    verdict_too_few=("too few customers", "客户过少"),
)

MODEL = pairs(
    model=("What was learnt", "所学模型"),
    model_intro=(
        "Small models learnt from this base; they are saved with the result and score new "
        "customers with the same cuts.",
        "从本客户群学得的小模型；随结果保存，并以相同分界为新客户评分。",
    ),
    model_name=("Model", "模型"),
    model_gamma_gamma=("Gamma-Gamma (spend)", "Gamma-Gamma（金额）"),
    model_shifted_beta_geometric=("Shifted-beta-geometric", "平移贝塔几何"),
    model_beta_discrete_weibull=("Beta-discrete-Weibull", "贝塔离散威布尔"),
    model_term=("{model}, renewed every {months} month(s)", "{model}，每 {months} 个月续约"),
    model_parameters=("Parameters", "参数"),
    parameter=("Parameter", "参数"),
    estimate=("Estimate", "估计值"),
    standard_error=("Standard error", "标准误"),
    model_frequencies=(
        "Customers by number of repeat purchases: actual, and as the model expects",
        "按重复购买次数的客户数：实际与模型预期",
    ),
)

FLOWS = pairs(
    causes_by_tier=("Causes within each tier", "各级别内的流失原因"),
    cause_alerts=(
        "In {period} the mix of causes moved beyond chance:",
        "{period} 的原因构成变化超出偶然：",
    ),
    cause_no_alerts=(
        "In {period} no cause's share moved beyond chance.",
        "{period} 没有任何原因的占比变化超出偶然。",
    ),
    cause_alert=("{cause}: {before} before, {now} now", "{cause}：此前 {before}，现在 {now}"),
    incidence=(
        "Of all who ever joined: lost to each cause, by the time since joining",
        "所有加入者中：按加入后时间、各原因的流失占比",
    ),
    since_joining=("Since joining", "加入后"),
    still_there=("Still there", "仍在"),
    flows=("Month by month", "逐月变化"),
    flows_intro=(
        "Complete months only. A month without an observed window before it has no rate.",
        "仅含完整月份。此前观察窗口不足的月份没有比率。",
    ),
    flows_of_contracts=("Month by month: contracts", "逐月变化：合同"),
    month=("Month", "月份"),
    bucket=("The leaky bucket: customers", "漏桶：客户数"),
    bucket_intro=(
        "Opening + new + returned − lost = closing. Sales may look flat while losses are refilled "
        "at a cost.",
        "期初 + 新增 + 回归 − 流失 = 期末。销售看似平稳，流失却可能正以成本被补充。",
    ),
    opening=("Opening", "期初"),
    new=("New", "新增"),
    reactivation=("Returned", "回归"),
    lost=("Lost", "流失"),
    closing=("Closing", "期末"),
    value_lost=("Value lost", "流失价值"),
    refill_cost=("Cost to refill", "补充成本"),
    movements=("Revenue movements", "收入变动"),
    expansion=("Expansion", "扩展"),
    contraction=("Contraction", "收缩"),
    churned_money=("Churn", "流失"),
    fronts=("Two fronts: winning and keeping", "两条战线：获取与保持"),
)
