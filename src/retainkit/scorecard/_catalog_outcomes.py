"""Measures of the financial, customer and learning perspectives (D29), as data."""

from __future__ import annotations

from retainkit.scorecard._catalog import Row, measure

FINANCIAL: tuple[Row, ...] = (
    measure(
        "revenue_from_new_customers",
        "new_revenue",
        "money",
        ("Revenue from new customers", "来自新客户的收入"),
        ("Revenue of customers first won in the period.", "本期新赢得客户带来的收入。"),
        source="transactions",
    ),
    measure(
        "revenue_from_new_products",
        "new_revenue",
        "money",
        ("Revenue from new products and services", "来自新产品和新服务的收入"),
        ("Revenue of products launched in the period.", "本期推出的产品和服务带来的收入。"),
    ),
    measure(
        "share_of_wallet",
        "customer_value",
        "share",
        ("Share of wallet", "客户份额"),
        (
            "Own sales / the customers' spending in the category.",
            "本企业销售额占客户该品类总支出的比例。",
        ),
        source="customers",
    ),
    measure(
        "profit_per_customer",
        "customer_profit",
        "money",
        ("Profit per customer", "客户利润"),
        (
            "Profit after activity-based cost to serve / customers.",
            "按作业成本法扣除服务成本后的客户平均利润。",
        ),
        source="transactions",
    ),
    measure(
        "unprofitable_share",
        "customer_profit",
        "share",
        ("Share of unprofitable customers", "无利客户比例"),
        ("Customers with a loss / customers.", "亏损客户占全部客户的比例。"),
        direction="down",
        source="transactions",
    ),
    measure(
        "selling_cost_ratio",
        "sales_productivity",
        "ratio",
        ("Selling cost / revenue", "销售费用率"),
        ("Selling cost / revenue of the period.", "本期销售费用与收入之比。"),
        direction="down",
    ),
    measure(
        "cost_of_sales_by_channel",
        "sales_productivity",
        "money",
        ("Cost of sales by channel", "各渠道销售成本"),
        (
            "Cost of one sale, averaged over channels; report each channel beside it.",
            "各渠道单笔销售的平均成本；同时列示各渠道数据。",
        ),
        direction="down",
    ),
    measure(
        "electronic_customer_share",
        "sales_productivity",
        "share",
        ("Share of customers transacting electronically", "电子交易客户比例"),
        (
            "Customers with an electronic transaction / active customers.",
            "通过电子渠道交易的客户占活跃客户的比例。",
        ),
        source="transactions",
    ),
)

CUSTOMER: tuple[Row, ...] = (
    measure(
        "highly_satisfied_share",
        "delight",
        "share",
        ("Highly satisfied customers", "高度满意客户比例"),
        ("Answers in the top class / answers.", "评价为最高等级的答卷比例。"),
        source="surveys",
    ),
    measure(
        "retention_rate",
        "loyalty",
        "share",
        ("Retention rate", "客户保持率"),
        (
            "Active at the start and at the end / active at the start.",
            "期初期末均活跃的客户占期初活跃客户的比例。",
        ),
        source="transactions",
    ),
    measure(
        "relationship_depth",
        "loyalty",
        "per_customer",
        ("Depth of relationship", "客户关系深度"),
        ("Business lines bought from / active customers.", "每位活跃客户购买的业务种类数。"),
        source="transactions",
    ),
    measure(
        "referred_business_share",
        "advocacy",
        "share",
        ("Business from referrals", "推荐业务比例"),
        ("Revenue of referred customers / revenue.", "经推荐而来的客户收入占总收入的比例。"),
    ),
)

LEARNING: tuple[Row, ...] = (
    measure(
        "human_capital_readiness",
        "people",
        "share",
        ("Human-capital readiness", "人力资本准备度"),
        (
            "Strategic jobs filled with the skills needed / strategic jobs.",
            "具备所需技能的战略岗位比例。",
        ),
    ),
    measure(
        "key_staff_turnover",
        "people",
        "share",
        ("Turnover of key staff", "关键员工流失率"),
        ("Key people who left / key people at the start.", "离职关键员工占期初关键员工的比例。"),
        direction="down",
    ),
    measure(
        "application_readiness",
        "systems",
        "share",
        ("Customer-application portfolio readiness", "客户应用系统准备度"),
        (
            "Customer applications in use / customer applications planned.",
            "已投入使用的客户应用系统占规划的比例。",
        ),
    ),
    measure(
        "knowledge_use_per_employee",
        "systems",
        "ratio",
        ("Use of the knowledge system per employee", "人均知识系统使用次数"),
        ("Uses of the knowledge system / employees.", "知识系统使用次数与员工数之比。"),
    ),
    measure(
        "culture_survey",
        "culture",
        "index",
        ("Employee culture survey", "员工文化调查"),
        ("Mean score of the culture survey, on its own scale.", "员工文化调查平均得分。"),
    ),
    measure(
        "linked_objectives_share",
        "culture",
        "share",
        ("Employee objectives linked to the scorecard", "与计分卡挂钩的员工目标比例"),
        ("Linked objectives / employee objectives.", "与计分卡挂钩的目标占员工目标的比例。"),
    ),
)
