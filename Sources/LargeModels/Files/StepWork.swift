import Torch

extension LargeModel {
  /// Multiplications and additions of one evaluation of the denoiser, counted from its weights' shapes: arithmetic, not measured.
  ///
  /// A step with guidance takes two evaluations.
  ///
  /// - Parameters:
  ///   - height: of the picture in pixels, as is `width`.
  /// - Returns: operations, two for each product that is added.
  public func operations(height: Int, width: Int) -> Double {
    let levels = unet.configuration.widths.count
    let pixels = Double(height / vae.configuration.factor * (width / vae.configuration.factor))
    /// Places at a size, the largest first.
    func places(_ level: Int) -> Double { pixels / Double(1 << (2 * min(max(level, 0), levels - 1))) }
    var operations = 0.0
    for (name, weight) in unet.weights where name.hasSuffix(".weight") && weight.rank >= 2 {
      let parts = name.split(separator: ".")
      let number = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
      var level =
        switch parts[0] {
        case "down_blocks": number
        case "mid_block": levels - 1
        case "up_blocks": levels - 1 - number
        default: 0
        }
      // These work at the size that they lead to.
      if parts.contains("downsamplers") { level += 1 }
      if parts.contains("upsamplers") { level -= 1 }
      let count = Double(weight.count)
      if parts[0].hasSuffix("embedding") || parts.contains("time_emb_proj") {
        operations += 2 * count
      } else if parts.contains("attn2"), parts.contains("to_k") || parts.contains("to_v") {
        operations += 2 * count * 77
      } else {
        operations += 2 * count * places(level)
      }
      if parts.contains("to_q") {
        // Each place's product with all that it looks at, and the sum of these.
        let seen = parts.contains("attn1") ? places(level) : 77
        operations += 4 * places(level) * seen * Double(weight.size(0))
      }
    }
    return operations
  }
}

/// Operations a second of products of matrices on this machine, measured for a moment.
///
/// - Parameters:
///   - precision: of the matrices.
///   - seconds: that it takes at least.
public func operationsPerSecond(on device: Device, precision: DType, seconds: Double = 0.3) -> Double {
  let side = 1024
  var noise = Noise(seed: 0)
  let matrix = noise.normal([side, side], on: device).to(precision)
  return withoutGradients {
    // The first one waits for its kernel to be prepared.
    _ = matrix.matmul(matrix).to(.float32).sum().item()
    let clock = ContinuousClock(), begun = clock.now
    var count = 0
    repeat {
      _ = matrix.matmul(matrix)[0].to(.float32).sum().item()
      count += 1
    } while begun.duration(to: clock.now) < .seconds(seconds)
    let taken = begun.duration(to: clock.now)
    let spent = Double(taken.components.seconds) + Double(taken.components.attoseconds) * 1e-18
    return Double(count) * 2 * Double(side * side * side) / spent
  }
}
