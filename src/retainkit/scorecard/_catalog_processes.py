"""Measures of the processes that choose and win customers (D29), as data."""

from __future__ import annotations

from retainkit.scorecard._catalog import Row, measure

SELECT: tuple[Row, ...] = (
    measure(
        "segment_contribution",
        "segments",
        "money",
        ("Contribution by segment", "各细分市场贡献"),
        (
            "Contribution of the target segment; report each segment beside it.",
            "目标细分市场的贡献额；同时列示各细分市场。",
        ),
        source="transactions",
    ),
    measure(
        "target_segment_share",
        "segments",
        "share",
        ("Share of the target segment", "目标市场份额"),
        ("Own sales / sales of the target segment.", "本企业在目标细分市场的销售份额。"),
    ),
    measure(
        "select_unprofitable_share",
        "screening",
        "share",
        ("Unprofitable customers", "无利客户比例"),
        ("Customers with a loss / customers.", "亏损客户占全部客户的比例。"),
        metric="unprofitable_share",
        direction="down",
        source="transactions",
    ),
    measure(
        "strategic_accounts",
        "strategic",
        "count",
        ("Strategic accounts", "战略客户数"),
        ("Customers managed as strategic accounts.", "按战略客户管理的客户数量。"),
        source="customers",
    ),
    measure(
        "brand_preference",
        "brand",
        "share",
        ("Brand awareness and preference", "品牌认知与偏好"),
        ("Target customers who prefer the brand / asked.", "被调查目标客户中偏好本品牌的比例。"),
        source="surveys",
    ),
)

ACQUIRE: tuple[Row, ...] = (
    measure(
        "brand_awareness",
        "promise",
        "share",
        ("Brand awareness", "品牌知名度"),
        ("Target customers who know the brand / asked.", "被调查目标客户中知晓本品牌的比例。"),
        source="surveys",
    ),
    measure(
        "campaign_response_rate",
        "promise",
        "share",
        ("Campaign response rate", "营销活动响应率"),
        ("Responses / people addressed.", "响应人数占触达人数的比例。"),
        source="events",
    ),
    measure(
        "trial_users",
        "promise",
        "count",
        ("Trial users", "试用客户数"),
        ("People who tried the product in the period.", "本期试用产品的人数。"),
        source="events",
    ),
    measure(
        "leads",
        "winning",
        "count",
        ("Leads", "潜在客户线索数"),
        ("Leads opened in the period.", "本期新增线索数。"),
        source="events",
    ),
    measure(
        "lead_conversion_rate",
        "winning",
        "share",
        ("Lead conversion rate", "线索转化率"),
        ("Leads that became customers / leads.", "转化为客户的线索比例。"),
        source="events",
    ),
    measure(
        "cost_per_new_customer",
        "winning",
        "money",
        ("Cost per new customer", "单位获客成本"),
        ("Acquisition spending / customers won.", "获客支出与新客户数之比。"),
        direction="down",
    ),
    measure(
        "new_customer_lifetime_value",
        "winning",
        "money",
        ("Lifetime value of those acquired", "新客户终身价值"),
        (
            "Mean estimated lifetime value of customers won in the period.",
            "本期新赢得客户的平均预计终身价值。",
        ),
        source="transactions",
    ),
    measure(
        "dealer_scorecard",
        "dealers",
        "index",
        ("Dealer scorecard and quality", "经销商评分与质量"),
        ("Mean dealer score, on the firm's own scale.", "经销商平均得分。"),
    ),
)
