import Networks
import Torch

/// What tells an autoencoder that its pictures are blurred: a discriminator on patches, whose verdict weighs as much as the
/// error does where pixels are made (Esser et al. 2021, equation 7).
struct PatchCritic {
  let network: PatchDiscriminator
  let optimizer: Adam

  init(channels: Int, width: Int, rate: Double, noise: inout Noise, on device: Device, mixed: Bool) {
    network = PatchDiscriminator(channels: channels, width: width, layers: 2)
    Transfer.prepare(network, &noise, on: device, mixed: mixed)
    optimizer = Adam(network.parameters, rate: rate, betas: (0.5, 0.99))
  }

  /// Updates the discriminator on real and made pictures; then what it says of the made ones, balanced.
  ///
  /// - Parameters:
  ///   - error: what else the made ones are told by.
  ///   - last: the weights that pixels come from.
  ///   - compute: for mixed precision.
  func judged(
    real: Tensor, made: Tensor, error: Tensor, last: Tensor, rate: Double, compute: (() -> Tensor) -> Tensor
  ) -> (loss: Tensor, verdict: Tensor, own: Tensor) {
    optimizer.rate = rate
    let own = compute {
      (leastSquaresLoss(network(real), toward: 1) + leastSquaresLoss(network(made.detached()), toward: 0)) * 0.5
    }
    optimizer.step(minimizing: own)
    let verdict = compute { leastSquaresLoss(network(made), toward: 1) }
    let slopes = [error, verdict].map { loss in
      gradients(of: loss, withRespectTo: [last], retainsGraph: true)[0].norm()
    }
    let share = clamp(slopes[0] / (slopes[1] + 1e-6), max: 1e4).detached()
    return (verdict * share, verdict, own)
  }
}
