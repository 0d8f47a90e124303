"""The three worked templates of the domain (D29), as data: objectives and measures."""

from __future__ import annotations

from retainkit.scorecard._catalog import Row, measure, objective
from retainkit.scorecard._catalog_outcomes import FINANCIAL
from retainkit.scorecard._catalog_processes import ACQUIRE, SELECT
from retainkit.scorecard._catalog_relations import RETAIN

_COMPLETE = {row["id"]: row for row in (*FINANCIAL, *SELECT, *ACQUIRE, *RETAIN)}


def _shared(measure_id: str, objective_id: str) -> Row:
    """Return a measure of the complete map under another objective."""
    return {**_COMPLETE[measure_id], "objective": objective_id}


INTEGRATOR_OBJECTIVES: tuple[Row, ...] = (
    objective(
        "grow_sole_source", "financial", ("Earn from sole-source trust", "从独家信任中获得收入")
    ),
    objective(
        "choose_accounts",
        "process",
        ("Turn to strategic accounts", "转向战略客户"),
        "select",
    ),
    objective("win_proposals", "process", ("Win the right proposals", "赢得合适的投标"), "acquire"),
    objective(
        "management_system", "learning", ("Introduce the management system", "引入新的管理系统")
    ),
)

INTEGRATOR_MEASURES: tuple[Row, ...] = (
    _shared("sole_source_revenue_share", "grow_sole_source"),
    _shared("strategic_accounts", "choose_accounts"),
    measure(
        "no_bid_decisions",
        "choose_accounts",
        "count",
        ("No-bid decisions", "放弃投标次数"),
        (
            "Tenders of other customers that were left alone on purpose.",
            "主动放弃的非目标客户投标次数。",
        ),
    ),
    measure(
        "proposal_success_rate",
        "win_proposals",
        "share",
        ("Proposal success rate", "投标成功率"),
        ("Proposals won / proposals made.", "中标数占投标数的比例。"),
    ),
    measure(
        "management_system_availability",
        "management_system",
        "share",
        ("Availability of the new management system", "新管理系统可用率"),
        ("Functions in use / functions planned.", "已投入使用的功能占规划功能的比例。"),
    ),
)

BANK_OBJECTIVES: tuple[Row, ...] = (
    objective("profitable_base", "financial", ("A profitable base", "盈利的客户群")),
    objective(
        "high_value_leads", "process", ("Win high-value customers", "赢得高价值客户"), "acquire"
    ),
    objective(
        "high_value_service", "process", ("Serve high-value customers", "服务高价值客户"), "retain"
    ),
    objective(
        "high_value_growth", "process", ("Deepen high-value relations", "深化高价值关系"), "grow"
    ),
)

BANK_MEASURES: tuple[Row, ...] = (
    _shared("unprofitable_share", "profitable_base"),
    measure(
        "high_value_lead_count",
        "high_value_leads",
        "count",
        ("High-value-customer leads (campaign response)", "高价值客户线索数（活动响应）"),
        ("Responses of high-value prospects to campaigns.", "高价值潜在客户对活动的响应数。"),
        source="events",
    ),
    _shared("lead_conversion_rate", "high_value_leads"),
    measure(
        "high_value_fulfilment_time",
        "high_value_service",
        "hours",
        ("High-value request fulfilment time", "高价值客户请求完成时间"),
        (
            "Mean hours from request to fulfilment, high-value customers.",
            "高价值客户从提出请求到完成的平均小时数。",
        ),
        direction="down",
        source="events",
    ),
    measure(
        "top_issues_resolved",
        "high_value_service",
        "count",
        ("Top-10 customer-identified issues resolved", "客户提出的十大问题解决数"),
        (
            "Of the ten issues customers name most, how many are resolved.",
            "客户提出最多的十个问题中已解决的数量。",
        ),
        source="events",
    ),
    measure(
        "hours_with_high_value_customers",
        "high_value_growth",
        "hours",
        ("Hours spent with high-value customers", "与高价值客户相处的时间"),
        ("Hours of staff with high-value customers.", "员工与高价值客户相处的小时数。"),
        source="activities",
    ),
    measure(
        "multi_product_share",
        "high_value_growth",
        "share",
        (
            "High-value customers with more than 3 products",
            "拥有3种以上产品的高价值客户比例",
        ),
        (
            "High-value customers with more than 3 products / high-value customers.",
            "拥有3种以上产品的高价值客户占全部高价值客户的比例。",
        ),
        source="transactions",
    ),
)

CHEMICALS_OBJECTIVES: tuple[Row, ...] = (
    objective("market_position", "financial", ("Market position", "市场地位")),
    objective("profitable_customers", "financial", ("Profitable customers", "盈利的客户")),
    objective("distributor_trust", "customer", ("Trust of distributors", "经销商的信任")),
    objective("customer_trust", "customer", ("Trust of customers", "客户的信任")),
    objective("distribution", "process", ("Excellent distribution", "卓越的分销"), "acquire"),
    objective(
        "joint_development",
        "process",
        ("Develop together with customers", "与客户共同开发"),
        "grow",
    ),
)

CHEMICALS_MEASURES: tuple[Row, ...] = (
    measure(
        "market_share",
        "market_position",
        "share",
        ("Market share", "市场份额"),
        ("Own sales / sales of the market.", "本企业销售额占市场销售额的比例。"),
    ),
    measure(
        "customer_profitability",
        "profitable_customers",
        "money",
        ("Customer profitability", "客户盈利能力"),
        ("Profit / customers.", "客户平均利润。"),
        metric="profit_per_customer",
        source="transactions",
    ),
    measure(
        "distributor_satisfaction",
        "distributor_trust",
        "index",
        ("Distributor satisfaction", "经销商满意度"),
        ("Mean score of the distributors' survey.", "经销商满意度调查平均得分。"),
    ),
    measure(
        "customer_report_card",
        "customer_trust",
        "index",
        ("Customer report card", "客户评分卡"),
        ("Mean grade customers give the firm.", "客户对企业的平均评分。"),
        source="surveys",
    ),
    measure(
        "distribution_report_card",
        "distribution",
        "index",
        ("Distribution report card", "分销评分卡"),
        ("Mean grade of distribution.", "分销的平均评分。"),
    ),
    measure(
        "joint_development_projects",
        "joint_development",
        "count",
        ("Joint development projects", "联合开发项目数"),
        ("Projects developed together with customers.", "与客户共同开发的项目数量。"),
    ),
)
