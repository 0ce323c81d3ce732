import Networks
import Torch

/// What tells an autoencoder that its pictures are blurred: r3gan's discriminator with its loss (Huang et al. 2024), whose
/// verdict weighs as much as the error does where pixels are made (Esser et al. 2021, equation 7).
///
/// A discriminator on patches with instance normalisation, as VQGAN's, left grain here: it can't see how strong that is.
struct PictureDiscriminator {
  let network: R3GANDiscriminator
  let optimizer: Adam
  /// Steps between penalties, examples that one looks at, and γ.
  private static let every = 8, looked = 8, gamma = 2.0

  /// - Parameters:
  ///   - widths: channels at `least`, twice as large, … up to half of the pictures' size.
  ///   - least: size of the last features.
  init(
    widths: [Int], channels: Int, least: PictureSize = 4, rate: Double, noise: inout Noise, on device: Device
  ) {
    let network = R3GANDiscriminator(
      widths: widths, blocks: widths.map { _ in 1 }, stem: 16, channels: channels, least: least)
    network.initialize(&noise, as: .fanIn(gain: 1))
    // Sizes don't grow here, so none begins at nothing.
    withoutGradients {
      for stage in network.stages.dropFirst(2) {
        if let shrink = stage.shrink { Initialization.fanIn(gain: 1).fill(shrink.weight, shrink.bias, &noise) }
      }
    }
    network.placed(on: device)
    self.network = network
    optimizer = Adam(network.parameters, rate: rate, betas: (0, 0.99))
  }

  /// Updates the discriminator on real and made pictures; then what it says of the made ones, balanced.
  ///
  /// - Parameters:
  ///   - made: a multiple of the real ones.
  ///   - error: what else the made ones are told by.
  ///   - last: the weights that pixels come from.
  ///   - step: its number, for penalties now and then.
  ///   - compute: for mixed precision.
  func judged(
    real: Tensor, made: Tensor, error: Tensor, last: Tensor, rate: Double, step: Int, compute: (() -> Tensor) -> Tensor
  ) -> (loss: Tensor, verdict: Tensor, own: Tensor) {
    optimizer.rate = rate
    func judge(_ x: Tensor) -> Tensor { compute { network(x.channelsLast()) }.to(.float32) }
    let still = made.detached()
    let own = relativisticLossOfAllPairs(real: judge(real), fake: judge(still))
    var whole = own
    if step % Self.every == 0 {
      let k = min(Self.looked, real.size(0))
      let some = Tensor.concatenated([real[0..<k], still[0..<k]])
      whole = whole + zeroCenteredPenalty(at: some, discriminator: judge) * (Self.gamma * Double(Self.every))
    }
    optimizer.step(gradientsIfUsed(of: whole, withRespectTo: optimizer.parameters))
    let verdict = relativisticLossOfAllPairs(real: judge(made), fake: withoutGradients { judge(real) })
    let slopes = [error, verdict].map { loss in
      gradients(of: loss, withRespectTo: [last], retainsGraph: true)[0].norm()
    }
    let share = clamp(slopes[0] / (slopes[1] + 1e-6), max: 100).detached()
    return (verdict * share, verdict, own)
  }
}
