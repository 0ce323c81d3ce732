import Networks
import Torch

/// Pictures [N, channels, H, W] to verdicts [N, 1, H/8 - 2, W/8 - 2], each on a patch of 70×70 pixels (Isola et al. 2017,
/// section 6.1.2: C64-C128-C256-C512).
///
/// Names are those of the published checkpoints: `model.0.weight`, `model.2.weight`, ….
public final class PatchDiscriminator: Module {
  let model: Sequential

  /// - Parameters:
  ///   - width: channels of the first layer.
  ///   - layers: halvings; patches are 70 pixels for 3, 34 for 2, 16 for 1.
  ///   - isSmooth: whether it halves through low-pass filters.
  public init(channels: Int, width: Int, layers: Int = 3, isSmooth: Bool = false) {
    var list: [any UnaryModule] = []
    func add(_ inputs: Int, _ outputs: Int, halves: Bool, isFirst: Bool) {
      list.append(Conv2d(inputs, outputs, kernel: 4, stride: halves && !isSmooth ? 2 : 1, padding: 1))
      if !isFirst { list.append(PictureNorm(outputs, affine: false)) }
      list.append(LeakyReLU(0.2))
      if halves && isSmooth { list.append(BlurDown()) }
    }
    func size(_ level: Int) -> Int { width * min(8, 1 << level) }
    for level in 0..<layers {
      add(level == 0 ? channels : size(level - 1), size(level), halves: true, isFirst: level == 0)
    }
    add(size(layers - 1), size(layers), halves: false, isFirst: false)
    list.append(Conv2d(size(layers), 1, kernel: 4, padding: 1))
    model = Sequential(list)
  }

  /// - Returns: float32; near 1 for real, near 0 for made.
  public func callAsFunction(_ x: Tensor) -> Tensor { model(x).to(.float32) }
}
