import Networks
import Torch

/// Pictures [N, channels, H, W] in -1...1 to pictures alike, sides multiples of 2^depth: pix2pix's encoder and decoder
/// with skips between layers of one size (Isola et al. 2017, section 6.1.1).
///
/// Normalisation is by each picture's own statistics, which batch normalisation is for one picture at a time, as the
/// paper does. Names are those of the published checkpoints: `model.model.0.weight`, `model.model.1.model.1.weight`, ….
public final class UnetGenerator: Module {
  let model: UnetLevel
  public let channels: Int, width: Int, depth: Int

  /// - Parameters:
  ///   - width: channels at half of the size; they double as it halves, up to eightfold.
  ///   - depth: halvings, 3 or more; 8 for 256 px.
  public init(channels: Int, width: Int, depth: Int) {
    precondition(depth >= 3, "a U-Net of \(depth) levels has no middle")
    (self.channels, self.width, self.depth) = (channels, width, depth)
    func size(_ level: Int) -> Int { width * min(8, 1 << level) }
    var level: UnetLevel?
    for i in (0..<depth).reversed() {
      // Dropout where the paper has it: around the middle, but not in it.
      level = UnetLevel(
        outer: i == 0 ? channels : size(i - 1), inner: size(i), submodule: level, isOutermost: i == 0,
        drops: level != nil && i > 3)
    }
    model = level!
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { model(x) }
}

/// One size of a `UnetGenerator`, and all smaller ones inside it.
final class UnetLevel: UnaryModule {
  let model: Sequential
  private let isOutermost: Bool

  /// - Parameters:
  ///   - outer: channels outside, where the size is double.
  ///   - inner: channels at this level's size.
  init(outer: Int, inner: Int, submodule: UnetLevel?, isOutermost: Bool, drops: Bool) {
    self.isOutermost = isOutermost
    let isInnermost = submodule == nil
    let down = Conv2d(outer, inner, kernel: 4, stride: 2, padding: 1, bias: isOutermost)
    let up = ConvTranspose2d(
      isInnermost ? inner : 2 * inner, outer, kernel: 4, stride: 2, padding: 1, bias: isOutermost)
    func norm(_ channels: Int) -> PictureNorm { PictureNorm(channels, affine: true) }
    var layers: [any UnaryModule]
    if isOutermost {
      layers = [down, submodule!, ReLU(), up, Tanh()]
    } else if let submodule {
      layers = [LeakyReLU(0.2), down, norm(inner), submodule, ReLU(), up, norm(outer)]
      if drops { layers.append(Dropout(0.5)) }
    } else {
      layers = [LeakyReLU(0.2), down, ReLU(), up, norm(outer)]
    }
    model = Sequential(layers)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    isOutermost ? model(x) : Tensor.concatenated([x, model(x)], dim: 1)
  }
}
