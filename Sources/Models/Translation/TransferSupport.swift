import Networks
import Torch
import Training

/// What the recipes that learn from two sets share: networks ready to train, squares out of pictures, rates.
enum Transfer {
  /// Weights from N(0, 0.02²) (Zhu et al. 2017, section 7.1), on the device, laid out for its convolutions.
  static func prepare(_ network: some Module, _ noise: inout Noise, on device: Device, mixed: Bool) {
    network.initialize(&noise, as: .normal(0.02))
    network.move(to: device)
    if usesChannelsLast(on: device, mixed: mixed) { network.useChannelsLast() }
  }

  /// In float32 on a CPU, normalisation by a picture's own statistics is faster over whole planes, by a tenth to a half of
  /// a step at 64 to 128 px.
  static func usesChannelsLast(on device: Device, mixed: Bool) -> Bool { mixed || !device.isCPU }

  /// A network whose weights are laid out as `prepare` does.
  ///
  /// - Throws: `RecipeError.badSetting`.
  static func lazy<M: Module>(_ network: M, precision: String, on device: Device) throws(RecipeError) -> LazyModule<M> {
    let mixed = try Precision(precision, on: device).isBFloat16
    return LazyModule(network, on: device, usesChannelsLast: usesChannelsLast(on: device, mixed: mixed))
  }

  /// A random square of each picture, of a side from `side` to `side * zoom`, made `side` small.
  ///
  /// - Parameters:
  ///   - x: [N, C, H, W].
  ///   - others: pictures of the same size that belong to them, cut alike.
  ///   - zoom: 1 or more.
  /// - Returns: for `x` and each of the others [N, C, side, side].
  static func squares(
    _ x: Tensor, with others: [Tensor] = [], side: Int, zoom: Double = 1, noise: inout Noise
  ) -> [Tensor] {
    let whole = min(x.size(2), x.size(3))
    var parts = [[Tensor]](repeating: [], count: 1 + others.count)
    for i in 0..<x.size(0) {
      let most = min(whole, max(side, Int(Double(side) * zoom)))
      let cut = side + noise.integers(below: most - side + 1, count: 1)[0]
      let top = noise.integers(below: x.size(2) - cut + 1, count: 1)[0]
      let left = noise.integers(below: x.size(3) - cut + 1, count: 1)[0]
      for (k, pictures) in ([x] + others).enumerated() {
        let square = pictures[i..<i + 1].narrowed(dim: 2, from: top, count: cut)
          .narrowed(dim: 3, from: left, count: cut)
        parts[k].append(
          cut == side ? square : interpolate(square, size: [side, side], mode: .bilinear, antialias: true))
      }
    }
    return parts.map { Tensor.concatenated($0) }
  }

  /// Constant, then in a straight line to nothing (Zhu et al. 2017, section 4).
  static func decayed(_ rate: Double, after hold: Double, at progress: Progress) -> Double {
    let left = hold < 1 ? min(1, (1 - progress.fraction) / (1 - hold)) : 1
    return rate * left * progress.rateScale
  }

  /// The side of the squares that a step sees of pictures of `size`: 256 of 286 as in the papers, and a multiple of 4.
  static func window(of size: Int) -> Int { max(16, size * 256 / 286 / 4 * 4) }

  /// How often pictures are augmented before they are judged: few are soon known by heart.
  static func augmentation(for pictures: Int) -> Double { pictures < 100 ? 0.5 : pictures < 500 ? 0.2 : 0 }

  /// What all of these recipes ask of their settings.
  ///
  /// - Throws: `RecipeError`.
  static func expectSquares(
    size: Int, window: Int, channels: Int, batch: Int, multiple: Int = 4, recipe: String
  ) throws(RecipeError) {
    guard size >= 32 else { throw .impossibleSize(PictureSize(size), recipe: recipe, reason: "use 32 or more") }
    try expect(
      window >= 32 && window <= size && window % multiple == 0, "window", window,
      "it must be a multiple of \(multiple) from 32 to the size, \(size)")
    try expect(channels == 1 || channels == 3, "channels", channels, "use 1 or 3; transparency is kept when restyling")
    try expect(batch > 0, "batch", batch, "it must be 1 or more")
  }

  /// Pictures carried one after the other, so that a sheet takes no more memory than a picture.
  static func carriedEach(_ pictures: Tensor, by transfer: some PictureTransfer, on device: Device) -> Tensor {
    withoutGradients {
      Tensor.concatenated(
        (0..<pictures.size(0)).map { i in
          carriedWhole(pictures[i..<i + 1].contiguous().to(device), by: transfer).to(.cpu).contiguous()
        })
    }
  }

  /// - Throws: `RecipeError.badSetting`.
  static func expectNetworks(
    width: Int, blocks: Int, discriminatorWidth: Int, discriminatorLayers: Int, zoom: Double
  ) throws(RecipeError) {
    try expect(width > 0, "width", width, "it must be 1 or more")
    try expect(blocks > 0, "blocks", blocks, "it must be 1 or more")
    try expect(discriminatorWidth > 0, "discriminator-width", discriminatorWidth, "it must be 1 or more")
    try expect((1...3).contains(discriminatorLayers), "discriminator-layers", discriminatorLayers, "use 1, 2 or 3")
    try expect(zoom >= 1, "zoom", zoom, "it must be 1 or more")
  }
}

extension Tensor {
  /// On the device, in the memory layout that its convolutions are fastest with.
  func laidOut(on device: Device, mixed: Bool) -> Tensor {
    Transfer.usesChannelsLast(on: device, mixed: mixed) ? channelsLast() : contiguous()
  }
}
