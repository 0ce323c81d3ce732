import Torch

/// The discriminator's loss on logits of real pictures: the mean of −t log D − (1 − t) log(1 − D), D = sigmoid(logits).
///
/// Goodfellow et al. 2014, equation 1, written with softplus so that it neither overflows nor vanishes.
///
/// - Parameter smoothing: t is 1 − smoothing (one-sided label smoothing, Salimans et al. 2016, section 3.4).
public func lossOfReal(_ logits: Tensor, smoothing: Double = 0) -> Tensor {
  let loss = softplus(-logits).mean()
  // softplus(x) = softplus(-x) + x
  return smoothing == 0 ? loss : loss + logits.mean() * smoothing
}

/// The discriminator's loss on logits of generated pictures: the mean of −log(1 − D).
public func lossOfFake(_ logits: Tensor) -> Tensor { softplus(logits).mean() }

/// The generator's loss on logits of its pictures: the mean of −log D, which doesn't saturate (Goodfellow et al. 2014,
/// section 3).
public func lossOfGenerator(_ logits: Tensor) -> Tensor { softplus(-logits).mean() }
