"""Goldens of Tests/ModelsTests: Gaussian processes of scikit-learn 1.9.1 at fixed hyperparameters.

    python Tests/Goldens/gp.py        writes Tests/Goldens/gp.safetensors beside itself
"""
import pathlib

import numpy
import torch
from golden import write
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, ExpSineSquared, Matern, WhiteKernel

draw = numpy.random.default_rng(3)
times = numpy.sort(draw.uniform(0, 10, 9))[:, None]
values = draw.normal(size=(9, 2))
between = numpy.linspace(-1, 12, 14)[:, None]
kernels = {
    "rbf": (RBF(1.3), 0.01),
    "matern32": (Matern(0.9, nu=1.5), 0),
    "matern52": (Matern(2.1, nu=2.5), 0.1),
    "periodic": (ExpSineSquared(0.8, 12.5), 0.001),
    "mixed": (ConstantKernel(2.5) * RBF(3) * ExpSineSquared(0.7, 4) + ConstantKernel(0.5) * Matern(1.2, nu=1.5)
              + WhiteKernel(0.2), 0.05),
}
tensors = {"times": times[:, 0], "values": values, "between": between[:, 0]}
for name, (kernel, noise) in kernels.items():
    process = GaussianProcessRegressor(kernel, alpha=noise, optimizer=None).fit(times, values)
    mean, covariance = process.predict(between, return_cov=True)
    likelihood, slope = process.log_marginal_likelihood(process.kernel_.theta, eval_gradient=True)
    tensors |= {f"{name}/kernel": kernel(times), f"{name}/mean": mean, f"{name}/covariance": covariance[..., 0],
                f"{name}/likelihood": numpy.array([likelihood]), f"{name}/slope": slope}
    print(name, kernel.hyperparameters)
write(pathlib.Path(__file__).with_suffix(".safetensors"),
      {name: torch.tensor(numpy.ascontiguousarray(value)) for name, value in tensors.items()})
