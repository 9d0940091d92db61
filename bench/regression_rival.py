"""The rival of bench/predict: scikit-learn's regressions on a table of PostgreSQL.

    regression_rival.py versions
    regression_rival.py linear|logistic TABLE FEATURES csv|binary

TABLE has the features f1, f2, ... and y, all of double precision.  Prints a line "phase seconds" for
copy_out_and_parse and fit, and the first coefficient.  psql reaches the server by its usual variables;
interpreter, imports and the first fit of some rows, which loads code, are not counted.  Without a penalty;
the logistic fit by lbfgs, the default, with its tol, on standardized features, without which it needs many
more steps.  Its coefficients have five or six digits whatever the tol; "newton" is a fit as exact as ours: by
newton-cholesky with a tol of 1e-9.
"""

import sys

import numpy as np
import pandas as pd
import subprocess
from sklearn.linear_model import LinearRegression, LogisticRegression

from sklearn_rival import COPY_HEADER, COPY_TRAILER, Clock, finish, psql, versions


def copy_out(table, features, form):
    columns = ", ".join([f"f{j}" for j in range(1, features + 1)] + ["y"])
    process = psql("-c", f"COPY (SELECT {columns} FROM {table}) TO STDOUT (FORMAT {form})", stdout=subprocess.PIPE)
    if form == "csv":
        data = pd.read_csv(process.stdout, header=None, engine="c").to_numpy(dtype=float)
    else:
        fields = [("n", ">i2")]
        fields += [(f"{part}{j}", kind) for j in range(features + 1) for part, kind in (("size", ">i4"), ("f", ">f8"))]
        raw = np.frombuffer(process.stdout.read()[COPY_HEADER:-COPY_TRAILER], dtype=np.dtype(fields))
        data = np.empty((len(raw), features + 1))
        for j in range(features + 1):
            data[:, j] = raw[f"f{j}"]
    finish(process)
    return np.ascontiguousarray(data[:, :-1]), data[:, -1].copy()


def linear(x, y):
    return LinearRegression().fit(x, y).coef_[0]


def logistic(x, y, **how):
    spread = x.std(axis=0)
    model = LogisticRegression(penalty=None, max_iter=1000, **how).fit((x - x.mean(axis=0)) / spread, y)
    return model.coef_[0][0] / spread[0]


def newton(x, y):
    return logistic(x, y, solver="newton-cholesky", tol=1e-9)


def fit(family, table, features, form):
    fits = [linear] if family == "linear" else [logistic, newton]
    # code is loaded
    for one in fits:
        one(np.random.default_rng(1).normal(size=(1000, features)), np.arange(1000) % 2)
    clock = Clock()
    x, y = copy_out(table, features, form)
    clock.phase("copy_out_and_parse")
    for one in fits:
        first = one(x, y)
        clock.phase("fit" if one != newton else "newton")
    print("coefficient", repr(float(first)))


if __name__ == "__main__":
    if sys.argv[1] == "versions":
        versions()
    else:
        fit(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4])
