import Torch

/// The least-squares loss of patches (Mao et al. 2017, equation 9 with a = 0 and b = c = 1): the mean of (D(x) − t)².
///
/// - Parameters:
///   - verdicts: of any shape.
///   - target: 1 to be taken for real, 0 for made.
public func leastSquaresLoss(_ verdicts: Tensor, toward target: Double) -> Tensor { square(verdicts - target).mean() }

/// The cycle's error (Zhu et al. 2017, equation 2): the mean of |F(G(x)) − x|, for one direction.
public func cycleLoss(_ there: Tensor, _ back: Tensor) -> Tensor { meanAbsoluteError(back, there) }

/// The error of a picture that is already as it should be (Zhu et al. 2017, section 5.2): the mean of |G(y) − y|.
public func identityLoss(_ picture: Tensor, _ carried: Tensor) -> Tensor { meanAbsoluteError(carried, picture) }

/// How badly patches of the new picture find their own place in the old one (Park et al. 2020, equation 3): the mean
/// cross entropy of q·k⁺ among q·k over all places of the same picture.
///
/// - Parameters:
///   - queries: [N, places, D], of length 1, from the new picture.
///   - keys: of the same shape, from the old picture; no gradient goes there.
///   - temperature: τ.
public func patchContrast(_ queries: Tensor, _ keys: Tensor, temperature: Double = 0.07) -> Tensor {
  let (n, places) = (queries.size(0), queries.size(1))
  let likeness = matmul(queries, keys.detached().T) / temperature
  let own = Tensor.arange(places, on: queries.device).repeated([n])
  return crossEntropy(likeness.reshaped([n * places, places]), own)
}
