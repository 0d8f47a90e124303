"""The models beside BG/NBD, MBG/NBD and Pareto/NBD on 1,000 points each, against 40 digits."""

from __future__ import annotations

from typing import Any

import mpmath as mp
import numpy as np
import pytest

from retainkit.lifetime.models import _kernel_bg_bb as bg_bb
from retainkit.lifetime.models import _kernel_contract as contract
from retainkit.lifetime.models import _kernel_gamma_gamma as gamma_gamma
from retainkit.lifetime.models import _kernel_nbd as nbd
from tests.lifetime import oracle
from tests.lifetime.test_stress import FORCE, POINTS, exact, grid, log_likelihoods, worst

pytestmark = pytest.mark.slow


def check(found: dict[str, Any], truth: dict[str, list[Any]], points: Any, record: Any) -> None:
    for name, values in found.items():
        record(name, worst(np.array(values), truth[name], points))


def test_nbd(record_property: Any) -> None:
    points = grid(34)
    found: dict[str, Any] = {
        "log_likelihood": log_likelihoods(
            lambda theta, data: nbd.evaluate(theta[:2], data),
            lambda x, t, T, w: nbd.NbdData(x, T, w, nbd.count_at_least(x, w)),  # noqa: ARG005
            points,
        ),
        "expected": [],
        "counts": [],
        "discounted": [],
    }
    truth: dict[str, list[Any]] = {name: [] for name in found}
    for k, point in enumerate(points):
        known = nbd.know((point[0], point[1]), *(np.array([v]) for v in (point[4], point[6])))
        n = int(np.random.default_rng(k).choice([0, 1, 2, 5, 20, 200]))
        with np.errstate(all="ignore"):
            found["expected"].append(known.expected_purchases(point[7])[0])
            found["counts"].append(known.count_probability(point[7], n)[0])
            found["discounted"].append(known.discounted_purchases(FORCE, point[7])[0])
        with mp.workdps(40):
            r, alpha, _, _, x, _, T, h = exact(point)
            s, c = r + x, alpha + T
            likelihood = mp.loggamma(s) - mp.loggamma(r) + r * mp.log(alpha) - s * mp.log(c)
            truth["log_likelihood"].append(likelihood)
            truth["expected"].append(s / c * h)
            truth["discounted"].append(s / c * -mp.expm1(-mp.mpf(FORCE) * h) / mp.mpf(FORCE))
            choose = mp.loggamma(s + n) - mp.loggamma(s) - mp.loggamma(n + 1)
            log_p = choose + s * mp.log(c / (c + h)) + n * mp.log(h / (c + h))
            truth["counts"].append(mp.exp(log_p))
    check(found, truth, points, record_property)


def test_gamma_gamma(record_property: Any) -> None:
    """Both shapes from .01 to a billion, frequencies to 3,000, amounts to 1,000 times the mean."""
    rng = np.random.default_rng(35)
    points, found, truth = [], {"log_likelihood": [], "spend": []}, {}  # type: ignore[var-annotated]
    truth = {name: [] for name in found}
    for _ in range(POINTS):
        p, q, mu = (float(10 ** rng.uniform(*span)) for span in ((-2, 9), (0.1, 9), (-2, 4)))
        x = float(rng.choice([1, 2, 10, 100, 3000]))
        m = mu * float(10 ** rng.choice([0.0, rng.uniform(-3, 3), rng.normal(0, 0.01)]))
        gamma = mu * q / p
        data = gamma_gamma.prepare(*(np.array([v]) for v in (x, m, 1.0)))
        found["log_likelihood"].append(gamma_gamma.evaluate(np.log([p, q, gamma]), data).value)
        total = np.array([x * m])
        found["spend"].append(gamma_gamma.expected_spend(p, q, gamma, np.array([x]), total)[0])
        with mp.workdps(60):
            theta = [mp.mpf(float(v)) for v in np.log([p, q, gamma])]
            truth["log_likelihood"].append(oracle.gamma_gamma_log_likelihood(theta, x, m))
            sum_of = mp.mpf(gamma) + mp.mpf(x) * mp.mpf(m)
            truth["spend"].append(mp.mpf(p) * sum_of / (mp.mpf(p) * x + mp.mpf(q) - 1))
        points.append((p, q, gamma, x, m))
    check(found, truth, points, record_property)


def bg_bb_terms(a: Any, b: Any, c: Any, d: Any, x: int, t: int, n: int) -> tuple[Any, Any]:
    """Being alive at n, and having dropped out after t, ..., n - 1: Fader et al. (2010), (5)."""
    base = mp.beta(a, b) * mp.beta(c, d)
    alive = mp.beta(a + x, b + n - x) * mp.beta(c, d + n) / base
    dead = mp.mpf(0)
    for i in range(n - t):
        dead += mp.beta(a + x, b + t - x + i) * mp.beta(c + 1, d + t + i) / base
    return alive, dead


def test_bg_bb(record_property: Any) -> None:
    """Parameters over six magnitudes, up to 60 opportunities."""
    rng = np.random.default_rng(36)
    names = ("log_likelihood", "p_alive", "later", "expected", "counts", "discounted")
    found: dict[str, Any] = {name: [] for name in names}
    truth: dict[str, list[Any]] = {name: [] for name in names}
    points = []
    for _ in range(POINTS):
        four = tuple(float(10 ** rng.uniform(-3, 3)) for _ in range(4))
        n = int(rng.choice([1, 2, 6, 20, 60]))
        t = int(rng.integers(0, n + 1))
        x = int(rng.integers(1, t + 1)) if t else 0
        h, j, rate = int(rng.choice([1, 5, 30])), 0, 0.1
        j = int(rng.integers(0, h + 1))
        rows = [np.array([v]) for v in (x, t, n)]
        data = bg_bb.BgBbData(rows[0], rows[1], rows[2], np.ones(1))
        known = bg_bb.know(four, *rows)  # type: ignore[arg-type]
        found["log_likelihood"].append(bg_bb.evaluate(np.log(four), data).value)
        found["p_alive"].append(known.p[0])
        found["later"].append(bg_bb.p_alive_later(known, h)[0])
        found["expected"].append(bg_bb.expected_purchases(known, h)[0])
        sure = known._replace(p=np.ones(1))
        found["counts"].append(bg_bb.count_probability(sure, h, j)[0])
        found["discounted"].append(bg_bb.discounted_purchases(known, rate)[0])
        with mp.workdps(40):
            a, b, c, d = (mp.mpf(float(np.exp(v))) for v in np.log(four))
            alive, dead = bg_bb_terms(a, b, c, d, x, t, n)
            truth["log_likelihood"].append(mp.log(alive + dead))
            a, b, c, d = (mp.mpf(v) for v in four)
            alive, dead = bg_bb_terms(a, b, c, d, x, t, n)
            p = alive / (alive + dead)
            stays = [mp.beta(c, d + n + k) / mp.beta(c, d + n) for k in range(h + 1)]
            buys = (a + x) / (a + b + n)
            truth["p_alive"].append(p)
            truth["later"].append(p * stays[h])
            truth["expected"].append(p * buys * mp.fsum(stays[1:]))
            A, B = a + x, b + n - x
            ways = [
                mp.binomial(m, j) * mp.beta(A + j, B + m - j) / mp.beta(A, B)
                * (stays[m] if m == h else stays[m] * c / (c + d + n + m))
                for m in range(j, h + 1)
            ]  # fmt: skip
            truth["counts"].append(mp.fsum(ways))
            # term by term: mpmath's 2F1 is wrong for parameters of a thousand
            term, total = mp.mpf(1), mp.mpf(0)
            for k in range(1_000):
                term *= (d + n + k) / (c + d + n + k) / (1 + mp.mpf(rate))
                total += term
            truth["discounted"].append(p * buys * total)
        points.append((*four, x, t, n, h, j))
    check(found, truth, points, record_property)


def test_contracts(record_property: Any) -> None:
    """gamma and delta over nine magnitudes, c from .2 to 3, up to 200 periods."""
    rng = np.random.default_rng(37)
    found: dict[str, Any] = {"survival": [], "left": [], "residual": []}
    truth: dict[str, list[Any]] = {name: [] for name in found}
    points = []
    for k in range(POINTS):
        gamma, delta = (float(10 ** rng.uniform(-3, 6)) for _ in range(2))
        c = 1.0 if k % 2 else float(rng.uniform(0.2, 3.0))
        t = float(rng.choice([1, 2, 5, 20, 200]))
        found["survival"].append(contract.log_survival(gamma, delta, c, np.array([t]))[0])
        theta = np.log([gamma, delta, c] if c != 1.0 else [gamma, delta])
        data = contract.ContractData(np.array([t]), np.ones(1), np.zeros(1))
        with np.errstate(over="ignore"):
            found["left"].append(contract.evaluate(theta, data).value)
        found["residual"].append(
            contract.discounted_residual(gamma, delta, c, np.array([t]), 0.5)[0]
        )
        with mp.workdps(40):
            g, d, e = mp.mpf(gamma), mp.mpf(delta), mp.mpf(c)

            def survival(s: Any, g: Any = g, d: Any = d, e: Any = e) -> Any:
                return mp.beta(g, d + mp.mpf(s) ** e) / mp.beta(g, d) if s else mp.mpf(1)

            truth["survival"].append(mp.log(survival(t)))
            truth["left"].append(mp.log(survival(t - 1) - survival(t)))
            later = (survival(t + j) * mp.mpf("1.5") ** -j for j in range(105))
            truth["residual"].append(mp.fsum(later) / survival(t - 1))
        points.append((gamma, delta, c, t))
    check(found, truth, points, record_property)
