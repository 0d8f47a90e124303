"""Chinese for the texts that other rooms give in English only: data, and the look-up."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from retainkit.typing import Language

CHINESE: Final[Mapping[str, str]] = MappingProxyType(
    {
        # what was not computed
        "standing (bad payers)": "信用状况（劣质客户）",
        "background of business customers": "企业客户的背景",
        "share of wallet": "客户份额",
        "contract retention, revenue retention": "合同保持率、收入留存率",
        "cause of leaving": "流失原因",
        "satisfaction and recommendation": "满意度与推荐意愿",
        "cost to serve": "服务成本",
        "profit per customer": "客户利润",
        "business breadth": "业务综合性",
        "lifetime model": "终身价值模型",
        "rhythm, preference and trend of spending": "购买节奏、偏好与消费趋势",
        # why not
        "no customers table": "没有客户表",
        "nobody's spending in the whole category is known": "没有客户的品类总支出数据",
        "not asked for": "未要求计算",
        "contracts carry no cost": "合同不含成本",
        "contracts name no plan": "合同未注明方案",
        "contracts= with plan": "contracts= 含 plan 列",
        "value.margin_rate in the configuration": "配置中的 value.margin_rate",
        "worth of evidence": "证据的价值",
        "more losses with evidence": "更多带有证据的流失",
        "no contracts table": "没有合同表",
        "no events table": "没有事件表",
        "no surveys table": "没有调查表",
        "no activities table": "没有服务活动表",
        "transactions carry neither profit nor cost": "交易数据既无利润也无成本",
        "transactions carry no business line": "交易数据没有业务线",
        "activities have no rates": "服务活动没有费率",
        "it is taken from profit, and none is known": "需从利润中扣除，而利润未知",
        # what would enable it
        "customers= with credit_standing": "customers=，含 credit_standing 列",
        "customers= with kind": "customers=，含 kind 列",
        "customers= with category_spending": "customers=，含 category_spending 列",
        "contracts=": "contracts=",
        "events=": "events=",
        "surveys=": "surveys=",
        "activities= and activity_rates or cost_pools": (
            "activities= 与 activity_rates 或 cost_pools"
        ),
        "activity_rates or cost_pools in the configuration": (
            "配置中的 activity_rates 或 cost_pools"
        ),
        "behavior in the configuration": "配置中的 behavior",
        "more repeat purchases": "更多的重复购买",
        "a profit or cost column": "利润列或成本列",
        "a business_line column": "业务线列（business_line）",
        # formulas of the metrics
        "customers who bought in the period": "期间内有购买的客户数",
        "customers whose first purchase or contract lies in the period": (
            "首次购买或首份合同在期间内的客户数"
        ),
        "customers who bought in the period and before it": "期间内及期间前均有购买的客户数",
        "active at the start and at the end / active at the start": "期初与期末均活跃 / 期初活跃",
        "active at the start and not at the end / active at the start": (
            "期初活跃而期末不活跃 / 期初活跃"
        ),
        "(active at the end - new in the period) / active at the start": (
            "（期末活跃 − 期间新增）/ 期初活跃"
        ),
        "dormant at the start and active at the end / dormant at the start": (
            "期初沉默而期末活跃 / 期初沉默"
        ),
        "buyers with at least two occasions in the period / buyers in the period": (
            "期间内至少购买两次的客户 / 期间内购买的客户"
        ),
        "purchase occasions / buyers in the period": "购买次数 / 期间内购买的客户",
        "revenue / purchase occasions in the period": "收入 / 期间内购买次数",
        "revenue of the buyers / buyers in the period": "购买客户的收入 / 期间内购买的客户",
        "sum of min(amount at start, at end) / amount at start, customers of the start": (
            "Σ min(期初金额, 期末金额) / 期初金额（期初客户）"
        ),
        "amount at end / amount at start, customers of the start": (
            "期末金额 / 期初金额（期初客户）"
        ),
        "sum of what was lost or contracted / amount at start, customers of the start": (
            "流失与缩减金额之和 / 期初金额（期初客户）"
        ),
        "amount of the contracts that run at the end": "期末在效合同的金额",
        "recurring revenue at the end / customers at the end": "期末经常性收入 / 期末客户数",
        "recurring revenue at the end of new customers / new customers still there": (
            "新客户期末经常性收入 / 仍在的新客户数"
        ),
        "value of the best fifth of heads (rounded up) / total value": (
            "前五分之一客户（向上取整）的价值 / 总价值"
        ),
        "fewest heads whose values reach 80 % of the total / heads": (
            "价值达到总额 80% 的最少客户数 / 客户数"
        ),
        "sum of (2 i - n - 1) x_i / (n sum of x), ascending": "Σ(2i − n − 1)xᵢ / (n Σx)，升序",
        "sum of squared values / squared sum": "平方和 / 和的平方",
    }
)
"""English text -> Chinese; what is not in it stays as it is."""


def translate(text: str, language: Language) -> str:
    """Return a text of another room in `language`; an unknown one unchanged."""
    return CHINESE.get(text, text) if language == "zh" else text
