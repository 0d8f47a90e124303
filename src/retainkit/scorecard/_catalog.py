"""Objectives of the complete strategy map as data; measures are in the files beside it."""

from __future__ import annotations

from typing import Any

Row = dict[str, Any]


def objective(
    objective_id: str, perspective: str, name: tuple[str, str], process: str | None = None
) -> Row:
    """Return one objective as a plain row."""
    return {
        "id": objective_id,
        "perspective": perspective,
        "process": process,
        "name": {"en": name[0], "zh": name[1]},
    }


def measure(
    measure_id: str,
    objective_id: str,
    unit: str,
    name: tuple[str, str],
    definition: tuple[str, str],
    **more: str,
) -> Row:
    """Return one measure as a plain row."""
    return {
        "id": measure_id,
        "objective": objective_id,
        "unit": unit,
        "name": {"en": name[0], "zh": name[1]},
        "definition": {"en": definition[0], "zh": definition[1]},
        **more,
    }


OBJECTIVES: tuple[Row, ...] = (
    objective("new_revenue", "financial", ("Create new sources of revenue", "开辟新的收入来源")),
    objective("customer_value", "financial", ("Raise value per customer", "提高客户价值")),
    objective(
        "customer_profit", "financial", ("Improve customer profitability", "提高客户盈利能力")
    ),
    objective("sales_productivity", "financial", ("Raise sales productivity", "提高销售效率")),
    objective("delight", "customer", ("Delight target customers", "让目标客户高度满意")),
    objective("loyalty", "customer", ("Keep and deepen relations", "保持并深化客户关系")),
    objective("advocacy", "customer", ("Win advocates", "赢得拥护者")),
    objective("segments", "process", ("Understand segments", "了解细分市场"), "select"),
    objective("screening", "process", ("Screen unprofitable customers", "甄别无利客户"), "select"),
    objective("strategic", "process", ("Win strategic accounts", "争取战略客户"), "select"),
    objective("brand", "process", ("Manage the brand", "管理品牌"), "select"),
    objective("promise", "process", ("Communicate the value offered", "传达价值主张"), "acquire"),
    objective("winning", "process", ("Win new customers", "赢得新客户"), "acquire"),
    objective("dealers", "process", ("Develop dealers", "发展经销商"), "acquire"),
    objective("premium", "process", ("Serve premium customers best", "优质服务高端客户"), "retain"),
    objective("service", "process", ("Excel in service", "提供卓越服务"), "retain"),
    objective("partnership", "process", ("Build lasting partnerships", "建立增值伙伴"), "retain"),
    objective("commitment", "process", ("Build highly loyal customers", "培育忠诚客户"), "retain"),
    objective("cross_selling", "process", ("Sell across lines", "交叉销售"), "grow"),
    objective("solutions", "process", ("Sell solutions and services", "销售解决方案"), "grow"),
    objective("joint_growth", "process", ("Grow with the customer", "与客户共同成长"), "grow"),
    objective("people", "learning", ("Ready and steady people", "人员就绪与稳定")),
    objective("systems", "learning", ("Customer systems and knowledge", "客户系统与知识")),
    objective("culture", "learning", ("Customer-minded culture and goals", "以客户为中心的文化")),
)
"""In the order in which the map is read."""
