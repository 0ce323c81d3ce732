import Networks
import Torch

/// Dense layers with tanh: latents [N, latent] to pictures [N, channels · size²] in -1...1.
///
/// At 28 px in grey the layers are 784-784-784 wide.
public final class DenseGenerator: Module {
  let main: Sequential

  /// - Parameter widths: units of the hidden layers; empty for two of size² each.
  public init(latent: Int, widths: [Int] = [], size: Int, channels: Int) {
    let pixels = size * size
    let all = [latent] + (widths.isEmpty ? [pixels, pixels] : widths) + [channels * pixels]
    main = Sequential(zip(all, all.dropFirst()).flatMap { [Linear($0, $1), Tanh()] as [any UnaryModule] })
  }
  public func callAsFunction(_ z: Tensor) -> Tensor { main(z) }
}

/// Pictures [N, channels · size²] to the probability [N, 1] of being real: layers of `hidden` and 1 unit, 784-1 at 28 px.
///
/// Without a hidden layer it sees only a weighted sum of the pixels: then the generator learns the mean picture.
public final class DenseDiscriminator: Module {
  let main: Sequential

  /// - Parameter hidden: units of the first layer; 0 for none.
  public init(size: Int, channels: Int, hidden: Int) {
    let pixels = channels * size * size
    main =
      hidden > 0
      ? Sequential(Linear(pixels, hidden), Tanh(), Linear(hidden, 1), Sigmoid())
      : Sequential(Linear(pixels, 1), Sigmoid())
  }
  public func callAsFunction(_ x: Tensor) -> Tensor {
    // In mixed precision too the probability is float32: near 0 and 1 bfloat16 has too few digits for a logarithm.
    main.layers.last!(main.layers.dropLast().reduce(x) { $1($0) }.to(.float32))
  }
}
