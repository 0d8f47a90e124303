"""Texts of the section about past runs held against what came."""

from __future__ import annotations

from retainkit.report._pairs import pairs

BACKTEST = pairs(
    backtest=("How far can this be trusted?", "结果有多可信？"),
    backtest_intro=(
        "The whole run was repeated on past days, each time with nothing but what was known on "
        "that day, and held against what came next. Plain rules stand beside it.",
        "我们在若干历史截止日重做了整套分析，每次只使用当日已知的数据，再与之后实际发生的情况对照，"
        "并与简单规则比较。",
    ),
    backtest_picture=("Said on past days, and what came", "历史截止日的预测与实际"),
    backtest_expected=("expected", "预期"),
    backtest_actual=("came", "实际"),
    backtest_totals=(
        "Money of the following {days} days, by the day of the forecast",
        "其后 {days} 天的金额（按预测日）",
    ),
    backtest_calibration=("Probability of being active, ten groups", "活跃概率：十组对照"),
    backtest_forecast=("forecast", "预测"),
    backtest_frequency=("share that was active", "实际活跃占比"),
    backtest_tiers=(
        "Money per customer by tier, after {cutoff}",
        "{cutoff} 之后各级别每位客户的金额",
    ),
    backtest_scores=(
        "The run beside plain rules, by the day of the forecast",
        "与简单规则的比较（按预测日）",
    ),
    backtest_day=("Day", "截止日"),
    backtest_candidate=("Ordered by", "排序依据"),
    backtest_run=("this run", "本分析"),
    backtest_ratio=("Expected / came", "预期 / 实际"),
    backtest_captured=("Money of the best fifth", "前20%的金额"),
    backtest_lift=("Lift quality", "提升质量"),
    backtest_gini=("Normalised Gini", "归一化基尼"),
    backtest_error=("Off by (chance alone)", "偏差（随机）"),
    backtest_coverage=("Intervals held (best fifth)", "覆盖（前20%）"),
    backtest_notes=(
        "“Money of the best fifth” is the share of all money brought by the customers the rule "
        "put first. Lift quality is how much of the gain of a perfect order over chance was "
        "reached in telling who would be active. “Off by” is the mean distance of probability and "
        "frequency, beside what chance alone gives a perfect forecast.",
        "“前20%的金额”指该规则排在最前的客户所带来的金额占全部金额的比例。提升质量指在判断谁会"
        "活跃时，达到完美排序相对随机所得的多少。“偏差”为概率与实际频率的平均差距，括号内为完美预测仅因"
        "随机也会有的差距。",
    ),
)
