"""Every text of the report in English and Chinese: data, and the object that looks it up."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from retainkit._core.labels import Label
from retainkit.report._numbers import write_range, write_share
from retainkit.report._pairs import pairs
from retainkit.report._texts_backtest import BACKTEST
from retainkit.report._texts_plans import FLOWS, MODEL, PLANS
from retainkit.typing import Language

_GENERAL = pairs(
    title=("Customer retention report", "客户保持报告"),
    subtitle=(
        "{n} customers, observed up to and including {as_of}",
        "{n} 位客户，观察至 {as_of}（含当日）",
    ),
    contents=("Contents", "目录"),
    made_by=("Made with retainkit {version}", "由 retainkit {version} 生成"),
    money_note=(
        "Amounts are in the currency of the data. “–” means not computable, never zero.",
        "金额以数据的币种计。“–”表示无法计算，不表示零。",
    ),
    customers=("Customers", "客户数"),
    customer=("Customer", "客户"),
    customer_share=("Share of customers", "客户占比"),
    value=("Value", "价值"),
    value_share=("Share", "占比"),
    average=("Average", "平均"),
    tier=("Tier", "级别"),
    total=("Total", "合计"),
    overall=("All customers", "全部客户"),
    share=("Share", "占比"),
    reason=("Reason", "理由"),
    not_computable=("Not computable", "无法计算"),
    not_computed_because=("not computed: {reason}", "未计算：{reason}"),
    interval=("{level} interval", "{level} 置信区间"),
    yes=("yes", "是"),
    no=("no", "否"),
    listing=("; ", "；"),
)
_BASES = pairs(
    profit=("profit so far", "累计利润"),
    revenue=("revenue so far", "累计收入"),
    expected_value=("value expected in the next {days} days", "未来 {days} 天预期价值"),
    historical_contribution=("yearly {basis}", "年均{basis}"),
    contribution=("{basis} so far", "累计{basis}"),
    basis_profit=("profit", "利润"),
    basis_revenue=("revenue", "收入"),
)
_CARDS = pairs(
    headline=("In short", "要点"),
    card_customers=(
        "{repeat} of them ({share}) have bought at least twice",
        "其中 {repeat} 位（{share}）至少购买过两次",
    ),
    card_key_heads=("{share} of customers", "占客户数 {share}"),
    card_key_value=("{share} of {value}", "占{value} {share}"),
    card_top=("Top 20 % of customers", "前 20% 的客户"),
    card_top_detail=(
        "make this share of {value}. 80 % of it takes {heads} of the customers",
        "占{value}的比例；达到 80% 需要 {heads} 的客户",
    ),
    card_top_undefined=(
        "The total ({total}) is not positive: a share of it is undefined",
        "合计（{total}）不为正：占比无定义",
    ),
    card_period=("{first} to {last}", "{first} 至 {last}"),
    card_window=("active = bought within {days} days", "活跃 = {days} 天内有购买"),
    card_contract=("{metric}, contracts", "{metric}（合同）"),
    card_ended=("Contract customers gone", "已终止合同的客户"),
    card_ended_detail=("{share} of {n} customers with a contract", "占 {n} 位合同客户的 {share}"),
    card_gone=("Customers probably gone", "可能已流失的客户"),
    card_gone_detail=(
        "{share} of customers: probability of having left at least {limit}",
        "占客户数 {share}：流失概率不低于 {limit}",
    ),
    card_gone_unknown=("no model of buying could be fitted", "无法拟合购买模型"),
    card_rows_transactions=("Transactions accepted", "已接受的交易记录"),
    card_rows_contracts=("Contracts accepted", "已接受的合同"),
    card_customers_running=("{running} have a running contract", "{running} 位有生效合同"),
    card_rows_detail=(
        "of {rows} rows; {rejected} rejected, {excluded} left out by policy",
        "共 {rows} 行；拒绝 {rejected} 行，按规则排除 {excluded} 行",
    ),
)
_PICTURES = pairs(
    pyramids=("The two pyramids", "两个金字塔"),
    pyramids_intro=(
        "Left: customers per tier. Right: what the same customers bring. All shares are drawn on "
        "one scale; a band joins the two bars of a tier.",
        "左：各级别的客户数；右：同一批客户创造的价值。占比按同一"
        "比例尺绘制，色带连接同一级别的两个条形。",
    ),
    pyramids_negative=(
        "Hatched: the tier takes value away.",
        "斜线：该级别减少价值。",
    ),
    pyramids_undefined=(
        "The total is not positive: shares of it are undefined, amounts are shown.",
        "合计不为正：占比无定义，只列金额。",
    ),
    pyramids_caption=("Customers beside {value}", "客户数与{value}"),
    graded_by=("Customers are graded by {value}.", "分级依据：{value}。"),
    cut=("From", "下限"),
    note_customers=("{note} (customers: {customers})", "{note}（{customers} 位客户）"),
    whale=("The whale curve and the 80:20 rule", "鲸鱼曲线与二八法则"),
    whale_caption=(
        "Cumulative value, best customer first. Dotted: all customers worth the same. Dashed: the "
        "total. Shaded: earned and lost again.",
        "按客户由高到低累计的价值。点线：所有客户价值相同；虚线：合计；阴影：先获得又失去的部分。",
    ),
    whale_x=("Share of customers, best first", "客户占比（由高到低）"),
    whale_y_share=("{value}, cumulative, share of the total", "{value}：累计占比"),
    whale_y_money=("{value}, cumulative amount", "{value}：累计金额"),
    whale_peak=("peak {peak} at {at} of customers", "峰值 {peak}，位于 {at} 的客户处"),
    whale_top=("{heads} of customers: {share}", "{heads} 的客户：{share}"),
    nobody_valued=("No customer has a computable value", "没有可计算价值的客户"),
    pareto=(
        "“20 % of customers make 80 %” is a hypothesis. Measured here: the best {heads_share} of "
        "customers ({heads}) make {share}; 80 % takes {needed_share} of customers ({needed}).",
        "“20% 的客户创造 80% 的价值”只是假设。本客户群实测：最好的 {heads_share} 客户"
        "（{heads} 位）创造 {share}；达到 80% 需要 {needed_share} 的客户（{needed} 位）。",
    ),
    pareto_undefined=(
        "The total is {total}, not positive: shares of it are undefined, so the 80:20 rule cannot "
        "be measured and the curve shows amounts.",
        "合计为 {total}，不为正：占比无定义，无法检验二八法则，曲线以金额表示。",
    ),
    whale_lost=(
        "Customers who cost more than they bring: {unprofitable} ({share}); they take {lost} away.",
        "{unprofitable} 位客户（{share}）得不偿失：共减少 {lost}。",
    ),
    whale_no_loss=("No customer has a negative value.", "没有价值为负的客户。"),
    cohorts=("Who comes back: cohorts", "客户回购：同期群"),
    cohorts_intro=(
        "Each row holds the customers whose first purchase (or contract) fell into that period; a "
        "cell is the share of them [%] who bought (or had a contract) so many periods later.",
        "每一行为首次购买（或签约）落在该时期的客户；单元格为其中在若干期之后再次购买（或仍有合同）的占比（%）。",
    ),
    cohorts_caption=(
        "Cohorts by first purchase or contract; “Average” weighs every customer the same and "
        "leaves out periods observed in part.",
        "按首次购买或签约划分的同期群；“平均”按客户等权，不含未完整观察的时期。",
    ),
    cohorts_cut=(
        "Drawn: the latest {shown} of {all} cohorts and the first {shown} periods.",
        "图中为 {all} 个同期群中最近的 {shown} 个及前 {shown} 个时期。",
    ),
    cohorts_too_young=("No later period has been observed yet", "尚未观察到后续时期"),
    cohort=("Cohort", "同期群"),
    periods_since=("{unit} since the first", "首期之后的{unit}"),
    unit_week=("Weeks", "周数"),
    unit_month=("Months", "月数"),
    unit_quarter=("Quarters", "季度数"),
    unit_year=("Years", "年数"),
    legend_nobody=("nobody bought", "无人购买"),
    legend_unobserved=("not yet observed", "尚未观察"),
    legend_incomplete=("observed in part", "未完整观察"),
    stages=("Lifecycle stages", "客户成长周期"),
    stages_intro=(
        "A stage is derived from each customer’s own rhythm of buying.",
        "阶段由每位客户自身的购买节奏推导。",
    ),
    stages_caption=("Customers per stage", "各阶段客户数"),
)
_DECISIONS = pairs(
    actions=("What to do: stances and measures", "如何行动：策略与措施"),
    stances_by_tier=("Stances by tier", "各级别的策略"),
    stance=("Stance", "策略"),
    measures=("First measures", "首选措施"),
    future_value=("Expected value", "预期价值"),
    unvalued=(
        "without {customers} customers of unknown value",
        "不含 {customers} 位价值未知的客户",
    ),
    guard_rails=("Checked before anything is taken from customers", "削减任何服务之前的检查"),
    guard_rail=("Check", "检查项"),
    status=("Status", "状态"),
    at_stake=("At stake", "涉及金额"),
    note=("Note", "说明"),
    key_customers=("{tier}: the first {n} by {value}", "{tier}：{value}最高的 {n} 位"),
    stage=("Stage", "阶段"),
    p_churned=("Probably gone", "流失概率"),
    causes=("Why customers left", "客户流失原因"),
    causes_intro=(
        "{lost} customers left. The firm could have kept {controllable}; the cause is unknown for "
        "{unknown}.",
        "共流失 {lost} 位客户。其中企业可避免的占 {controllable}，原因未知的占 {unknown}。",
    ),
    cause=("Cause", "原因"),
    value_lost=("Value lost", "流失价值"),
    controllable=("Avoidable", "可避免"),
    owner=("Owner", "负责人"),
    countermeasure=("Countermeasure", "对策"),
)
_MEASURED = pairs(
    metrics=("Metrics", "指标"),
    metrics_intro=(
        "Period {first} to {last}, both included. Below a value: its {interval}, or numerator / "
        "denominator.",
        "期间 {first} 至 {last}（均含）。数值下方为 {interval}，或分子 / 分母。",
    ),
    metric=("Metric", "指标"),
    purchases=("Purchases, overall and by tier", "购买：总体及各级别"),
    contracts=("Contracts", "合同"),
    scorecard=("Scorecard", "平衡计分卡"),
    scorecard_intro=(
        "{computed} of {measures} measures were computed, {supplied} supplied; {missing} are "
        "missing and stay missing.",
        "{measures} 项指标中，已计算 {computed} 项，已提供 {supplied} 项，缺失 {missing} 项。",
    ),
    scorecard_counts=("By perspective and process", "按层面与流程"),
    scorecard_known=("Measures with a value", "有数值的指标"),
    scorecard_map=(
        "Strategy map: objectives by perspective, with cause and effect. Grey: not known yet.",
        "战略地图：按层面排列的目标及因果关系。灰色：尚无数据。",
    ),
    scorecard_missing=("Missing measures by source", "缺失指标及其来源"),
    perspective=("Perspective", "层面"),
    measure=("Measure", "指标"),
    measures_count=("Measures", "指标数"),
    number=("Value", "数值"),
    target=("Target", "目标"),
    signal=("Signal", "信号"),
    source=("Source", "来源"),
    computed=("computed", "已计算"),
    supplied=("supplied", "已提供"),
    missing=("missing", "缺失"),
    green=("on target", "达标"),
    amber=("close to target", "接近目标"),
    red=("off target", "未达标"),
    none=("no target", "无目标"),
    unit_days_value=("{value} days", "{value} 天"),
    unit_hours_value=("{value} hours", "{value} 小时"),
)
_WHY = pairs(
    why_zero_denominator=("nothing to divide by", "分母为零"),
    why_not_observed=("the period lies outside the observed days", "期间不在观察范围内"),
    why_insufficient_history=("the data start too late for this period", "数据起点过晚"),
    why_incomplete_period=("the period is not over yet", "期间尚未结束"),
    why_no_losses=("nothing was lost: the ratio is unbounded", "没有损失，比率无上限"),
    why_negative_values=("undefined for negative values", "存在负值，无定义"),
    why_non_positive_total=("shares of a total that is not positive", "合计不为正，占比无意义"),
    why_non_finite_values=("infinite values have no share", "无穷大的值没有占比"),
    why_no_control_group=("there is no control group", "没有对照组"),
    why_category_unknown=("no category spending is known", "品类支出未知"),
    why_no_churn=("at no churn a lifetime has no end", "无流失时寿命无上限"),
)
_RECORDS = pairs(
    gaps=("What was not computed, and what enables it", "未计算的内容及所需数据"),
    gap_what=("Not computed", "未计算"),
    gap_why=("Why", "原因"),
    gap_enabled_by=("Enabled by", "所需"),
    gaps_none=("Everything was computed.", "全部内容均已计算。"),
    ledger=("Ledger: where every row went", "台账：每一行的去向"),
    ledger_reconciles=(
        "The ledger reconciles: accepted + left out + rejected = input, in rows and in amounts.",
        "台账平衡：接受 + 排除 + 拒绝 = 输入（行数与金额均一致）。",
    ),
    ledger_open=("The ledger does not reconcile.", "台账不平衡。"),
    table=("Table", "数据表"),
    entry=("Entry", "类别"),
    rows=("Rows", "行数"),
    rows_matching=("Rows that match", "符合的行数"),
    amount=("Amount", "金额"),
    rule=("Rule", "规则"),
    entry_input=("input", "输入"),
    entry_accepted=("accepted", "接受"),
    entry_excluded=("left out by policy", "按规则排除"),
    entry_rejected=("rejected", "拒绝"),
    entry_notice=("kept, but noted", "保留并提示"),
    configuration=("Configuration", "配置"),
    configuration_show=("Show everything that was chosen (JSON)", "显示全部设置（JSON）"),
    table_transactions=("Transactions", "交易"),
    table_customers=("Customers", "客户"),
    table_contracts=("Contracts", "合同"),
    table_events=("Events", "事件"),
    table_surveys=("Surveys", "调查"),
    table_activities=("Activities", "服务活动"),
    table_external=("Supplied by the firm", "由企业提供"),
    rail_computed=("computed", "已计算"),
    rail_partly_computed=("partly computed", "部分计算"),
    rail_not_supplied=("not supplied", "未提供"),
    rail_kept_out=("kept out", "已排除"),
)

TEXTS: Final[Mapping[str, Label]] = MappingProxyType(
    {
        **_GENERAL,
        **_BASES,
        **_CARDS,
        **_PICTURES,
        **_DECISIONS,
        **PLANS,
        **_MEASURED,
        **FLOWS,
        **MODEL,
        **BACKTEST,
        **_WHY,
        **_RECORDS,
    }
)
"""Every text of the report by key; `{names}` are filled in."""


class Texts:
    """Look texts up in one language.

    Parameters
    ----------
    language : {"en", "zh"}
        Display language.
    """

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """Return a text with its `{names}` filled in."""
        text = TEXTS[key].text(self.language)
        return text.format(**values) if values else text

    def word(self, kind: str, code: str) -> str:
        """Return the text of a code, for example of a reason; an unknown code in plain words."""
        key = f"{kind}_{code}"
        return self(key) if key in TEXTS else code.replace("_", " ")

    def share(self, x: float | None, decimals: int = 1) -> str:
        """Return a share as a percentage; Chinese sets the sign close."""
        return self._set_close(write_share(x, decimals))

    def range(self, lower: float, upper: float) -> str:
        """Return two shares as one range."""
        return self._set_close(write_range(lower, upper))

    def _set_close(self, text: str) -> str:
        return text.replace("\N{NO-BREAK SPACE}%", "%") if self.language == "zh" else text

    def sentences(self, *parts: str) -> str:
        """Return sentences one after the other; Chinese needs no space between them."""
        return ("" if self.language == "zh" else " ").join(parts)

    def label(self, label: Label) -> str:
        """Return a label of another room."""
        return label.text(self.language)
