"""The buy-till-you-die models: BG/NBD says how often customers will buy, Gamma-Gamma what they will spend each time.

BG/NBD: Fader, Hardie and Lee (2005), "Counting Your Customers" the Easy Way: An Alternative to the Pareto/NBD Model,
Marketing Science 24(2). While alive, a customer buys at a rate of their own, which is Gamma(r, alpha) among customers;
after each repeat purchase they leave for good with a chance of their own, which is Beta(a, b). Gamma-Gamma: Fader and
Hardie (2013), The Gamma-Gamma Model of Monetary Value. What a customer spends at one purchase is Gamma(p, nu), and nu
is Gamma(q, v) among customers, whatever their rate.

The names are those of the papers: x repeat purchases, the last of them t_x after the first purchase, the end of what is
known T after it, and z the mean money of the repeat purchases. Time is in weeks throughout.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeAlias, TypeVar

import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import betainc, betaln, digamma, expit, gammaln

# No parameter is looked for beyond these; one that comes to a limit is not determined by the data.
LIMITS = 0.001, 1000.0
# Slope of the mean log-likelihood along the logarithm of a parameter, below which its top is reached.
FLAT = 1e-5
# One number per customer.
Values: TypeAlias = np.ndarray | pd.Series
# From the logarithms of the parameters to the mean log-likelihood times -1, and its slopes.
Loss = Callable[[np.ndarray], tuple[float, np.ndarray]]


class NotFitted(Exception):
    """The data do not determine the parameters of a model; the message is a sentence that says why."""


Model = TypeVar("Model", "BgNbd", "GammaGamma")


class Fit(NamedTuple, Generic[Model]):
    """A fitted model, the log-likelihood of what it was fitted on, and how many customers that were."""

    model: Model
    log_likelihood: float
    customers: int


class BgNbd(NamedTuple):
    """Rate Gamma(r, alpha), alpha in weeks; chance to leave after a repeat purchase Beta(a, b)."""

    r: float
    alpha: float
    a: float
    b: float

    def probability_alive(self, x: Values, t_x: Values, T: Values) -> np.ndarray:
        """The probability that a customer has not left for good, for arrays of histories.

        It is 1 without a repeat purchase, however long ago the first one was, for the model lets nobody leave before.
        """
        return expit(-self.log_odds_of_having_left(x, t_x, T))

    def probability_of_order(self, x: Values, t_x: Values, T: Values, weeks: float) -> np.ndarray:
        """The probability of at least one purchase in the weeks after T, for arrays of histories: that of being alive,
        times that of a gamma-mixed Poisson process to have an event in them."""
        x, T = np.asarray(x, float), np.asarray(T, float)
        silence = ((self.alpha + T) / (self.alpha + T + weeks)) ** (self.r + x)
        return self.probability_alive(x, t_x, T) * (1 - silence)

    def weeks_to_even_odds(self, x: Values, t_x: Values, T: Values) -> np.ndarray:
        """In how many weeks that probability reaches one half, for arrays of histories; NaN where it never does."""
        x, T, alive = np.asarray(x, float), np.asarray(T, float), self.probability_alive(x, t_x, T)
        silence = np.where(alive > 0.5, 1 - 0.5 / np.maximum(alive, 0.5), np.nan)
        with np.errstate(divide="ignore", over="ignore"):
            return (self.alpha + T) * (silence ** (-1 / (self.r + x)) - 1)

    def expected_purchases(self, x: Values, t_x: Values, T: Values, weeks: float) -> np.ndarray:
        """How many purchases to expect in the weeks after T, for arrays of histories."""
        return self.probability_alive(x, t_x, T) * self.expected_purchases_if_alive(x, T, weeks)

    def log_odds_of_having_left(self, x: Values, t_x: Values, T: Values) -> np.ndarray:
        """The logarithm of the odds that a customer has left for good, for arrays of histories; minus infinity without
        a repeat purchase."""
        x, t_x, T = np.broadcast_arrays(*(np.asarray(value, float) for value in (x, t_x, T)))
        repeated = np.maximum(x, 1)
        odds = np.log(self.a / (self.b + repeated - 1)) + (self.r + x) * np.log((self.alpha + T) / (self.alpha + t_x))
        return np.where(x > 0, odds, -np.inf)

    def expected_purchases_if_alive(self, x: Values, T: Values, weeks: float) -> np.ndarray:
        """The paper's closed form, with its Gaussian hypergeometric function summed as terms that are all positive.

        (a+b+x-1)/(a-1) [1 - (1-u)^(r+x) 2F1(r+x, b+x; a+b+x-1; u)] with u = weeks/(alpha+T+weeks) is, term by term,
        the sum over j = 0, 1, ... of P(more than j purchases fall into the weeks) x E[(1-p)^j], the chance to survive j
        of them. Unlike the closed form it neither overflows for large x nor loses digits near a = 1 or, where x = 0,
        near a + b = 1.
        """
        # Few pairs of x and T are different, however many customers there are.
        pair_of_each, pairs = pd.MultiIndex.from_arrays((x, T)).factorize()
        x, T = (pairs.get_level_values(level).to_numpy(float) for level in (0, 1))
        u = weeks / (self.alpha + T + weeks)
        total, survival = np.zeros(len(x)), np.ones(len(x))
        growing, j = np.arange(len(x)), 0
        while len(growing):
            term = betainc(j + 1, self.r + x[growing], u[growing]) * survival[growing]
            total[growing] += term
            survival[growing] *= (self.b + x[growing] + j) / (self.a + self.b + x[growing] + j)
            # All later terms together are about term / (1 - u).
            growing, j = growing[term > 1e-16 * (1 - u[growing]) * total[growing]], j + 1
        return total[pair_of_each]


class GammaGamma(NamedTuple):
    """Money of a purchase Gamma(p, nu), with nu Gamma(q, v) among customers; v in units of money."""

    p: float
    q: float
    v: float

    def expected_revenue(self, x: Values, z: Values) -> np.ndarray:
        """What a purchase of a customer brings, for arrays of histories: between all customers' mean and their own.

        Where z is not known (NaN), as without a repeat purchase, it is the mean of all customers. A z below 0, after
        refunds, counts as 0.
        """
        x, z = np.where(np.isnan(z), 0, x), np.where(np.isnan(z), 0, np.maximum(z, 0))
        return self.p * (self.v + x * z) / (self.p * x + self.q - 1)


def fit_bg_nbd(x: Values, t_x: Values, T: Values) -> Fit[BgNbd]:
    """BG/NBD by maximum likelihood, from arrays with one history per customer. Raises NotFitted."""
    histories = pd.DataFrame({"x": x, "t_x": t_x, "T": T}, dtype=float).groupby(["x", "t_x", "T"]).size()
    x, t_x, T = (histories.index.get_level_values(name).to_numpy() for name in ("x", "t_x", "T"))
    times, customers = histories.to_numpy(float), int(histories.sum())
    repeated, is_repeat = np.maximum(x, 1), x > 0

    def loss(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
        r, alpha, a, b = np.exp(logarithms)
        odds_of_having_left = BgNbd(r, alpha, a, b).log_odds_of_having_left(x, t_x, T)
        having_left = expit(odds_of_having_left)
        until_T, until_t_x = np.log(alpha + T), np.log(alpha + t_x)
        likelihood = (gammaln(r + x) - gammaln(r) + r * np.log(alpha) - (r + x) * until_T
                      + betaln(a, b + x) - betaln(a, b) + np.logaddexp(0, odds_of_having_left))
        both, without = digamma(a + b), digamma(a + b + x)
        slopes = (digamma(r + x) - digamma(r) + np.log(alpha) - until_T + having_left * (until_T - until_t_x),
                  r / alpha - (r + x) / (alpha + T) + having_left * (r + x) * (1 / (alpha + T) - 1 / (alpha + t_x)),
                  both - without + having_left / a,
                  both - without + digamma(b + x) - digamma(b) - having_left * is_repeat / (b + repeated - 1))
        return -times @ likelihood / customers, -np.array([times @ slope for slope in slopes]) * (
            r,
            alpha,
            a,
            b,
        ) / customers

    parameters, mean = top_of_likelihood(loss, BgNbd._fields)
    return Fit(BgNbd(*parameters), mean * customers, customers)


def fit_gamma_gamma(x: Values, z: Values) -> Fit[GammaGamma]:
    """Gamma-Gamma by maximum likelihood, from arrays of the customers with x > 0 and z > 0. Raises NotFitted."""
    x, z = np.asarray(x, float), np.asarray(z, float)
    # In units of a middling amount, so that the limits are the same for any currency.
    customers, unit = len(x), np.exp(np.log(z).mean())
    z = z / unit

    def loss(logarithms: np.ndarray) -> tuple[float, np.ndarray]:
        p, q, v = np.exp(logarithms)
        total = np.log(v + x * z)
        likelihood = (
            gammaln(p * x + q)
            - gammaln(p * x)
            - gammaln(q)
            + q * np.log(v)
            + (p * x - 1) * np.log(z)
            + p * x * np.log(x)
            - (p * x + q) * total
        )
        both = digamma(p * x + q)
        slopes = (x * (both - digamma(p * x) + np.log(x * z) - total),
                  both - digamma(q) + np.log(v) - total,
                  q / v - (p * x + q) / (v + x * z))
        return -likelihood.mean(), -np.array([slope.mean() for slope in slopes]) * (p, q, v)

    (p, q, v), mean = top_of_likelihood(loss, GammaGamma._fields)
    if q <= 1:
        raise NotFitted(
            f"a few customers spend so much that the model knows no mean (q = {q:.3f}, but must be above 1)"
        )
    return Fit(GammaGamma(p, q, v * unit), (mean - np.log(unit)) * customers, customers)


def top_of_likelihood(loss: Loss, names: tuple[str, ...]) -> tuple[np.ndarray, float]:
    """The parameters with the greatest likelihood, and its mean logarithm.

    Raises NotFitted where a parameter comes to a limit, or no top is reached.
    """
    limits = tuple(np.log(LIMITS))
    found = minimize(loss, np.zeros(len(names)), jac=True, method="L-BFGS-B", bounds=[limits] * len(names),
                     options={"maxcor": 20, "maxiter": 2000, "ftol": 1e-15, "gtol": 1e-8})
    at_limit = [
        f"{name} = {np.exp(value):g}"
        for name, value in zip(names, found.x)
        if not limits[0] + 1e-6 < value < limits[1] - 1e-6
    ]
    if at_limit:
        raise NotFitted(
            "the data do not tell, for the likelihood is greatest at a limit of the parameters"
            f" ({' and '.join(at_limit)})"
        )
    if not np.abs(found.jac).max() < FLAT:
        raise NotFitted("the search for the greatest likelihood did not end")
    return np.exp(found.x), -found.fun
