"""Goldens of Tests/ModelsTests: hyperparameters that scikit-learn 1.9.1 finds by the marginal likelihood.

    python Tests/Goldens/gp_fit.py        writes Tests/Goldens/gp_fit.safetensors beside itself
"""
import pathlib

import numpy
import torch
from golden import write
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, ExpSineSquared, Matern, WhiteKernel

draw = numpy.random.default_rng(5)
times = numpy.sort(draw.uniform(0, 10, 40))[:, None]
smooth = numpy.sin(times[:, 0]) + 0.5 * numpy.cos(2.3 * times[:, 0])
values = (smooth + 0.15 * draw.normal(size=40))[:, None]
kernels = {
    "rbf": ConstantKernel(1) * RBF(1) + WhiteKernel(0.1),
    "matern32": ConstantKernel(1) * Matern(1, nu=1.5) + WhiteKernel(0.1),
    "matern52": ConstantKernel(1) * Matern(1, nu=2.5) + WhiteKernel(0.1),
    "periodic": ConstantKernel(1) * ExpSineSquared(1, 6) + WhiteKernel(0.1),
    "mixed": ConstantKernel(1) * RBF(4) * ExpSineSquared(1, 6) + ConstantKernel(0.3) * Matern(1, nu=1.5)
    + WhiteKernel(0.1),
}
tensors = {"times": times[:, 0], "values": values}
for name, kernel in kernels.items():
    process = GaussianProcessRegressor(kernel, alpha=0).fit(times, values)
    tensors[f"{name}/likelihood"] = numpy.array([process.log_marginal_likelihood_value_])
    print(name, process.kernel_, process.log_marginal_likelihood_value_)
write(pathlib.Path(__file__).with_suffix(".safetensors"),
      {name: torch.tensor(numpy.ascontiguousarray(value)) for name, value in tensors.items()})
