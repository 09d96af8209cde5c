"""Print what predictions cost: fitting both models and predicting every customer, for shops that are simulated from the
models.

Usage: python benchmarks/predictions.py [CUSTOMERS ...]      (100,000 and 1,000,000 if none are given)

Seconds are the processor's. The last column is their ratio to those of the line before.
"""

import sys
import time

import numpy as np

from ecommerce_segments.estimate.buy_till_you_die import BgNbd, GammaGamma, fit_bg_nbd, fit_gamma_gamma

DAYS = 3 * 365
PURCHASES, MONEY = BgNbd(r=0.37, alpha=6.8, a=0.73, b=6.2), GammaGamma(p=6.25, q=3.74, v=15.44)


def simulated(customers: int, seed: int = 1) -> tuple[np.ndarray, ...]:
    """x, t_x and T (weeks, of whole days), and z, of customers who began on any day of three years."""
    rng = np.random.default_rng(seed)
    T = rng.integers(0, DAYS, customers) / 7
    rate = rng.gamma(PURCHASES.r, 1 / PURCHASES.alpha, customers)
    leaving = rng.beta(PURCHASES.a, PURCHASES.b, customers)
    x, t_x = np.zeros(customers), np.zeros(customers)
    here = np.arange(customers)
    while len(here):
        bought = t_x[here] + np.ceil(rng.exponential(1 / rate[here]) * 7) / 7
        is_seen = bought <= T[here]
        here, bought = here[is_seen], bought[is_seen]
        x[here] += 1
        t_x[here] = bought
        here = here[rng.random(len(here)) >= leaving[here]]
    nu = rng.gamma(MONEY.q, 1 / MONEY.v, customers)
    z = rng.gamma(MONEY.p * np.maximum(x, 1), 1 / (nu * np.maximum(x, 1)))
    return x, t_x, T, np.where(x > 0, np.round(z, 2), np.nan)


def main() -> None:
    sizes = [int(size.replace(",", "")) for size in sys.argv[1:]] or [100_000, 1_000_000]
    print(f"{'customers':>12}{'histories':>12}{'BG/NBD':>10}{'Gamma-Gamma':>13}{'predict':>10}{'together':>10}{'ratio':>8}")
    before = None
    for size in sizes:
        x, t_x, T, z = simulated(size)
        spent = [time.process_time()]
        purchases = fit_bg_nbd(x, t_x, T).model
        spent.append(time.process_time())
        money = fit_gamma_gamma(x[z > 0], z[z > 0]).model
        spent.append(time.process_time())
        purchases.expected_purchases(x, t_x, T, 365 / 7) * money.expected_revenue(x, z)
        spent.append(time.process_time())
        together = spent[-1] - spent[0]
        print(
            f"{size:>12,}{len({*zip(x, t_x, T)}):>12,}"
            + "".join(f"{seconds:>{width}.1f}" for seconds, width in zip(np.diff(spent), (10, 13, 10)))
            + f"{together:>10.1f}"
            + (f"{together / before:>8.1f}" if before else "")
        )
        before = together


if __name__ == "__main__":
    main()
