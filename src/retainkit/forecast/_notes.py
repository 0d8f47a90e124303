"""Notes on the forecast of a customer, as texts by code."""

from __future__ import annotations

from retainkit._core.labels import Label

NOTES: tuple[Label, ...] = (
    Label(en="", zh=""),
    Label(en="no purchase yet: nothing to forecast from", zh="尚无购买：无从预测"),
    Label(en="the base supports no forecast (see the notes)", zh="该客户群无法支持预测（见说明）"),
    Label(
        en="above its past year: few purchases so far, judged by customers like it",
        zh="高于其过去一年：购买次数少，按相似客户判断",
    ),
    Label(
        en="above its past year: bought more lately than before",
        zh="高于其过去一年：近期购买多于以往",
    ),
    Label(
        en="above its past year: customers with a past like it bring more",
        zh="高于其过去一年：过往相似的客户贡献更多",
    ),
    Label(en="below half its past year: silent for long", zh="低于其过去一年的一半：已长期沉默"),
    Label(
        en="below half its past year: an unusually large year behind it",
        zh="低于其过去一年的一半：过去一年异常高",
    ),
    Label(en="returned more than it bought", zh="退货多于购买"),
    Label(en="contract ended", zh="合同已结束"),
    Label(
        en="ends of contracts are recorded for a short time only: ranked, not more",
        zh="合同终止仅有短期记录：只能排序，不能给出概率",
    ),
    Label(en="no contract of this term was learnt from", zh="没有可供学习的同期限合同"),
    Label(en="the contract has not begun", zh="合同尚未开始"),
    Label(
        en="no interval: too few purchases in earlier windows to learn it from",
        zh="无区间：以往窗口内购买太少，无从学习",
    ),
    Label(
        en="annualised, above its past: few purchases so far, judged by customers like it",
        zh="按年折算，高于其过去：购买次数少，按相似客户判断",
    ),
    Label(
        en="annualised, above its past: bought more lately than before",
        zh="按年折算，高于其过去：近期购买多于以往",
    ),
    Label(
        en="annualised, above its past: customers with a past like it bring more",
        zh="按年折算，高于其过去：过往相似的客户贡献更多",
    ),
    Label(
        en="annualised, below half its past: silent for long",
        zh="按年折算，低于其过去的一半：已长期沉默",
    ),
    Label(
        en="annualised, below half its past: unusually large purchases behind it",
        zh="按年折算，低于其过去的一半：过去购买异常多",
    ),
)
"""Why an expected value departs from what the customer brought, or is not known, by code."""

NO_NOTE, NO_PURCHASE, NO_FORECAST, FEW, RISING, LIKE_BRING_MORE, SILENT = range(7)
LARGE, RETURNED, ENDED, RANK_ONLY, NO_TERM, NOT_STARTED, NO_INTERVAL = range(7, 14)
ANNUALISED = 14 - FEW
"""From a note on the past year to the same where one of the two is annualised."""
