import Networks
import Torch

/// A light generator (Liu et al. 2021, FastGAN): features are enlarged, convolved, normalised over the batch and gated, and
/// small ones say how much of each channel of features sixteen times as large is kept (skip-layer excitation). Latents
/// [N, latent] to pictures [N, channels, H, W] in -1...1.
///
/// Without the paper's noise between layers, so that a latent is one picture. The latent is also a style, which scales and
/// shifts normalised features (as Karras et al. 2019, equation 1), so that each size can be steered by itself. A network
/// between latents and styles soon maps all of them to one, and so to one picture.
public final class FastGenerator: Module {
  /// The class embedding, added to the styles.
  let classEmbedding: Linear?
  let base: Linear
  let baseNorm: BatchNorm2d
  let stages: [Stage]
  let excitations: [Excitation]
  let last: Conv2d
  private let wide: Int, least: PictureSize

  /// - Parameters:
  ///   - width: channels at the picture's size; they double as it halves, up to eight times as many.
  ///   - least: size of the first features.
  ///   - doublings: how often they are doubled, until they are pictures.
  ///   - classes: how many classes it can be asked for; 0 for none.
  ///   - isSeamless: its pictures go on at the other edge.
  public init(
    latent: Int, width: Int, least: PictureSize = 4, doublings count: Int, channels: Int, classes: Int = 0,
    isSeamless: Bool = false
  ) {
    self.least = least
    let widths = (0...count).map { width * min(8, 1 << (count - $0)) }
    let padding: PaddingMode = isSeamless ? .circular : .zeros
    wide = 2 * widths[0]
    classEmbedding = classes > 0 ? Linear(classes, latent, bias: false) : nil
    base = Linear(latent, least.pixels * wide, bias: false)
    baseNorm = BatchNorm2d(wide)
    // Every other size has a second convolution, as the paper's.
    stages = zip(widths, widths.dropFirst()).enumerated().map {
      Stage($1.0, $1.1, latent: latent, isDouble: $0 % 2 == 0, padding)
    }
    excitations = zip(widths, widths.dropFirst(4)).map { Excitation($0, $1) }
    last = Conv2d(widths[count], channels, kernel: 3, padding: 1, paddingMode: padding)
  }

  public var members: [(name: String, value: Any)] { members(saved: ["classEmbedding": "kind"]) }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let classEmbedding { classEmbedding.weight.copy(from: noise.normal(classEmbedding.weight.shape)) }
  }

  /// - Parameter classes: [N, classes], with a 1 where a picture's class is; nil for none.
  public func callAsFunction(_ z: Tensor, classes: Tensor? = nil) -> Tensor { pictures(of: asked(styles(z), classes)) }

  /// Latents [N, latent] to styles [N, latent]; only a latent's direction counts.
  func styles(_ z: Tensor) -> Tensor { z * rsqrt(square(z).mean(dims: [1], keepDims: true) + 1e-8) }

  /// Styles with what their classes add.
  func asked(_ w: Tensor, _ classes: Tensor?, guidance: Double = 1) -> Tensor {
    guard let classEmbedding, let classes else { return w }
    return w + classEmbedding(classes) * guidance
  }

  /// Styles that it can take one by one: the first features', and each stage's.
  var layers: Int { stages.count + 1 }

  /// - Parameter w: [N, latent], the same for all stages, or [N, layers, latent].
  func pictures(of w: Tensor) -> Tensor {
    let each = w.rank == 3 ? w.unbound(dim: 1) : [Tensor](repeating: w, count: layers)
    var features = [gated(baseNorm(base(each[0]).reshaped([-1, wide] + least.shape).channelsLast()))]
    for (number, stage) in stages.enumerated() {
      let x = stage(features[number], each[number + 1])
      // From the features a sixteenth as large.
      features.append(number >= 3 ? x * excitations[number - 3](features[number - 3]) : x)
    }
    return tanh(last(features.last!))
  }

  /// Twice the size.
  final class Stage: Module {
    let convs: [Conv2d]
    let norms: [BatchNorm2d]
    let style: Linear

    init(_ inputs: Int, _ outputs: Int, latent: Int, isDouble: Bool, _ padding: PaddingMode) {
      convs = (isDouble ? [inputs, outputs] : [inputs]).map {
        Conv2d($0, 2 * outputs, kernel: 3, padding: 1, bias: false, paddingMode: padding)
      }
      norms = convs.map { _ in BatchNorm2d(2 * outputs) }
      style = Linear(latent, 4 * outputs)
    }

    /// Styles begin as nothing, so that shapes come from the first features.
    func fill(_ noise: inout Noise, as scheme: Initialization) {
      Initialization.zero.fill(style.weight, style.bias, &noise)
    }

    func callAsFunction(_ x: Tensor, _ w: Tensor) -> Tensor {
      var x = x
      for (number, (conv, norm)) in zip(convs, norms).enumerated() {
        x = norm(number == 0 ? conv.ofDoubled(x) : conv(x))
        if number == 0 {
          let parts = style(w).unsqueezed(-1).unsqueezed(-1).chunks(2, dim: 1)
          x = x * (parts[0] + 1).to(x.dtype) + parts[1].to(x.dtype)
        }
        x = gated(x)
      }
      return x
    }
  }

  /// How much of each channel is kept: [N, inputs, h, w] to [N, outputs, 1, 1] in 0...1.
  final class Excitation: Module {
    let look: Conv2d, gate: Conv2d

    init(_ inputs: Int, _ outputs: Int) {
      look = Conv2d(inputs, outputs, kernel: 4, bias: false)
      gate = Conv2d(outputs, outputs, kernel: 1, bias: false)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      sigmoid(gate(silu(look(interpolate(x, size: [4, 4], mode: .area)))))
    }
  }
}

/// A gated linear unit: half of the channels say how much of the others passes (Dauphin et al. 2017).
private func gated(_ x: Tensor) -> Tensor {
  let halves = x.chunks(2, dim: 1)
  return halves[0] * sigmoid(halves[1])
}
