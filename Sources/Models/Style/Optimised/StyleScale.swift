import Networks
import Torch

/// The work of a `StyleOptimization` at one size.
final class StyleScale {
  /// [1, 3, H, W] in 0...1.
  let image: Tensor
  private(set) var left: Int
  private let steps: Int
  private unowned let work: StyleOptimization
  private let tiles: [StyleTiles.Tile]
  private let contentFeatures: Tensor
  private let regions: [Region]
  private let optimizer: any Optimizer
  private let anchor: (picture: Tensor, trust: Tensor)?
  private let sum: Tensor  // Of past pictures, each 1 - memory times.
  private var weight = 0.0

  /// A region at this size: its mask as each layer sees it, and a loss a layer.
  private struct Region {
    let masks: [Tensor]?
    let losses: [any StyleLoss]
    /// Nil without strokes.
    let nearest: NearestFeatures?
    /// Of the whole picture, so that a small region isn't painted as hard as a large one.
    let share: Double
  }

  init(_ work: StyleOptimization, side: Int, steps: Int, after last: StyleScale?) {
    (self.work, left, self.steps) = (work, steps, steps)
    let settings = work.settings
    let size = fitted(work.content.size(2), work.content.size(3), longer: side)
    let content = withoutGradients { resized(work.content, size) }
    let tiles = StyleTiles(height: size[0], width: size[1], side: settings.tile).tiles
    self.tiles = tiles
    contentFeatures = withoutGradients { whole(work, content, tiles) }
    // Each place is compared with each; beyond, strokes are there already.
    let hasStrokes = settings.strokes > 0 && tiles.count == 1 && side <= StyleSettings.largestStrokes
    regions = withoutGradients { work.regions.map { Self.region($0, work, side, size, hasStrokes: hasStrokes) } }
    let image = withoutGradients {
      if let last { return resized(last.picture, size).cloned() }
      if let start = work.start { return resized(start, size).cloned() }
      guard settings.start == .noise else { return content.cloned() }
      var noise = Noise(seed: settings.seed)
      return clamp(noise.normal([1, 3] + size, on: work.device) * 0.15 + 0.5, min: 0, max: 1)
    }
    self.image = image.channelsLast().requiringGradient()
    anchor = withoutGradients {
      work.anchor.map { (resized($0.picture, size), interpolate($0.trust, size: size, mode: .bilinear)) }
    }
    switch settings.optimizer {
    case .adam: optimizer = Adam([self.image], rate: settings.rate, betas: (0.9, 0.999))
    case .lbfgs: optimizer = LBFGS([self.image])
    case .descent: optimizer = NormalizedDescent([self.image], rate: settings.rate)
    }
    sum = withoutGradients { image.detached().zerosLike() }.channelsLast()
    if let adam = last?.optimizer as? Adam { follow(adam, size) }
  }

  private static func region(
    _ region: StyleOptimization.Region, _ work: StyleOptimization, _ side: Int, _ size: [Int], hasStrokes: Bool
  ) -> Region {
    let layers = work.styleLayers.map(\.layer)
    var columns: [[Tensor]] = []
    let seen = region.styles.map { style -> (statistics: [StyleStatistics], weight: Double) in
      let longer = Int((Double(side) * work.settings.styleScale).rounded())
      let (height, width) = (style.picture.size(2), style.picture.size(3))
      let size = fitted(height, width, longer: longer)
      // Enlarged beyond itself a picture has no strokes left to learn.
      let picture = size[0] * size[1] < height * width ? resized(style.picture, size) : style.picture
      let tiles = StyleTiles(height: picture.size(2), width: picture.size(3), side: work.settings.tile).tiles
      let sums = sums(of: picture, tiles, work, masks: nil)
      if hasStrokes {
        columns.append(work.features(picture, Array(layers.prefix(NearestFeatures.layers))))
      }
      return (sums.map { $0.statistics! }, style.weight)
    }
    let losses = layers.indices.map { i -> any StyleLoss in
      let target = StyleStatistics.mixed(seen.map { ($0.statistics[i], $0.weight) })
      return work.settings.loss == .gram ? GramLoss(target) : WassersteinLoss(target)
    }
    let mask = region.mask.map { clamp(interpolate($0, size: size, mode: .bilinear, antialias: true), min: 0, max: 1) }
    let masks = mask.map { mask in
      layers.map { layer in
        let scale = 1 << (layer.block - 1)
        return scale == 1 ? mask : averagePool2d(mask, kernel: scale)
      }
    }
    // A mask of a few pixels at the edge may have none left in a deep layer.
    let counts = masks?.allSatisfy { $0.sum().item() > 0 } ?? true
    return Region(
      masks: masks, losses: losses, nearest: columns.isEmpty ? nil : NearestFeatures(columns),
      share: counts ? mask?.mean().item() ?? 1 : 0)
  }

  /// Adam goes on with what it knew at the smaller size, so that a larger one doesn't begin with a jolt.
  private func follow(_ last: Adam, _ size: [Int]) {
    withoutGradients {
      var memory = last.savedTensors
      for (name, tensor) in memory where tensor.rank == 4 {
        let isSquare = name.hasPrefix("exp_avg_sq")  // A bicubic filter's lobes would make squares negative.
        memory[name] = interpolate(tensor, size: size, mode: isSquare ? .bilinear : .bicubic).channelsLast()
      }
      do { try optimizer.restore(memory) } catch { preconditionFailure("Adam's memory doesn't fit: \(error)") }
    }
  }

  /// The average over the last steps.
  var picture: Tensor { withoutGradients { weight > 0 ? clamp(sum / weight, min: 0, max: 1) : image.detached() } }

  var saved: [String: Tensor] {
    var tensors = ["image": image.detached(), "sum": sum, "weight": Tensor([weight])]
    for (name, tensor) in optimizer.savedTensors { tensors["optimizer.\(name)"] = tensor }
    for (i, region) in regions.enumerated() {
      for (name, tensor) in region.nearest?.saved ?? [:] { tensors["nearest.\(i).\(name)"] = tensor }
    }
    return tensors
  }

  /// - Parameter done: steps at this size.
  func restore(_ saved: [String: Tensor], done: Int) throws(StateError) {
    guard let image = saved["image"], let sum = saved["sum"], let weight = saved["weight"] else {
      throw .missing("image")
    }
    guard image.shape == self.image.shape, sum.shape == image.shape else {
      throw .shape("image", expected: self.image.shape, found: image.shape)
    }
    var memory: [String: Tensor] = [:]
    for (name, tensor) in saved where name.hasPrefix("optimizer.") {
      memory[String(name.dropFirst("optimizer.".count))] = tensor
    }
    try optimizer.restore(memory)
    for (i, region) in regions.enumerated() where region.share > 0 {
      let prefix = "nearest.\(i)."
      try region.nearest?.restore(
        Dictionary(
          uniqueKeysWithValues: saved.filter { $0.key.hasPrefix(prefix) }.map {
            (String($0.key.dropFirst(prefix.count)), $0.value)
          }))
    }
    withoutGradients {
      self.image.copy(from: image)
      self.sum.copy(from: sum)
    }
    self.weight = weight.item()
    left -= done
  }

  /// Changes the picture once; the loss before.
  func step() -> Tensor {
    let (loss, gradient) = tiles.count == 1 ? slope() : slopeByTiles()
    if work.settings.optimizer == .descent {
      // Down to a half: the last steps settle.
      optimizer.rate = work.settings.rate * (1 - 0.5 * Double(steps - left) / Double(Swift.max(steps - 1, 1)))
    }
    optimizer.step([gradient])
    withoutGradients {
      image.copy(from: clamp(image, min: 0, max: 1))
      // In few steps the first ones are far from the last.
      let kept = Swift.min(work.settings.memory, 1 - 2.5 / Double(Swift.max(steps, 3)))
      sum.multiply(by: kept)
      sum.add(image, scaledBy: 1 - kept)
      weight = weight * kept + 1 - kept
    }
    left -= 1
    return loss
  }

  private var contentWeight: Double { work.settings.contentWeight / work.settings.strength }

  /// The statistics of each layer, of a region.
  private func loss(_ region: Region, _ statistics: [StyleStatistics]) -> Tensor {
    var loss: Tensor?
    for (i, (_, weight)) in work.styleLayers.enumerated() {
      let part = region.losses[i](statistics[i]) * (weight * region.share)
      loss = loss.map { $0 + part } ?? part
    }
    return loss!
  }

  /// The losses without a network.
  private func pixelLoss() -> Tensor {
    let variation = totalVariation(image) * work.settings.smoothness
    guard let anchor, let weight = work.anchor?.weight else { return variation }
    return variation + (square(image - anchor.picture) * anchor.trust).mean() * weight
  }

  func slope() -> (loss: Tensor, gradient: Tensor) {
    let features = work.features(image, work.styleLayers.map(\.layer) + [work.contentLayer])
    var loss = meanSquaredError(features.last!.to(.float32), contentFeatures.to(.float32)) * contentWeight
    loss = loss + pixelLoss()
    for region in regions where region.share > 0 {
      let statistics = work.styleLayers.indices.map { StyleStatistics(features[$0], mask: region.masks?[$0]) }
      loss = loss + self.loss(region, statistics)
      if let nearest = region.nearest {
        loss = loss + nearest(features, mask: region.masks?[2]) * (work.settings.strokes * region.share)
      }
    }
    return (loss.detached(), gradients(of: loss, withRespectTo: [image])[0])
  }

  /// The same in two passes: the picture's statistics first, tile by tile, then each tile's share of the gradient.
  func slopeByTiles() -> (loss: Tensor, gradient: Tensor) {
    let variation = pixelLoss()
    let gradient = gradients(of: variation, withRespectTo: [image])[0]
    var loss = variation.detached()
    let slopes = regions.filter { $0.share > 0 }.map { region in
      let sums = withoutGradients { Self.sums(of: image, tiles, work, masks: region.masks) }
      let leaves = sums.map { sums in
        let found = sums.statistics!
        return StyleStatistics(mean: found.mean.requiringGradient(), moment: found.moment.requiringGradient())
      }
      let value = self.loss(region, leaves)
      loss = loss + value.detached()
      // Gram's loss has no slope with respect to the mean.
      let inputs = leaves.flatMap { [$0.mean, $0.moment] }
      let found = zip(gradientsIfUsed(of: value, withRespectTo: inputs), inputs).map { $0 ?? $1.detached().zerosLike() }
      return leaves.indices.map { (mean: found[2 * $0], moment: found[2 * $0 + 1], weight: sums[$0].weight) }
    }
    let count = Double(contentFeatures.count)
    for tile in tiles {
      let part = image.detached().cut(tile.outer).channelsLast().requiringGradient()
      let features = work.features(part, work.styleLayers.map(\.layer) + [work.contentLayer])
      let goal = contentFeatures.cut(inner(tile, work.contentLayer, contentFeatures))
      let seen = own(features.last!, tile, work.contentLayer)
      let error = square(seen.to(.float32) - goal.to(.float32)).sum() * (contentWeight / count)
      var share = error
      loss = loss + error.detached()
      for (region, slopes) in zip(regions.filter { $0.share > 0 }, slopes) {
        for (i, (layer, _)) in work.styleLayers.enumerated() {
          let mask = region.masks.map { $0[i].cut(inner(tile, layer, $0[i])) }
          share =
            share
            + tilesShare(
              of: (slopes[i].mean, slopes[i].moment), weight: slopes[i].weight, features: own(features[i], tile, layer),
              mask: mask)
        }
      }
      let found = gradients(of: share, withRespectTo: [part])[0]
      withoutGradients { gradient.cut(tile.outer).add(found) }
    }
    return (loss, gradient)
  }

  /// The sums of each style layer's features over a picture.
  private static func sums(
    of picture: Tensor, _ tiles: [StyleTiles.Tile], _ work: StyleOptimization, masks: [Tensor]?
  ) -> [StyleSums] {
    var sums = work.styleLayers.map { _ in StyleSums() }
    for tile in tiles {
      let features = work.features(picture.detached().cut(tile.outer), work.styleLayers.map(\.layer))
      for (i, (layer, _)) in work.styleLayers.enumerated() {
        let mask = masks.map { $0[i].cut(inner(tile, layer, $0[i])) }
        sums[i].add(own(features[i], tile, layer), mask: mask)
      }
    }
    return sums
  }
}

/// The content layer's features of the whole picture.
private func whole(_ work: StyleOptimization, _ picture: Tensor, _ tiles: [StyleTiles.Tile]) -> Tensor {
  if tiles.count == 1 { return work.features(picture, [work.contentLayer])[0] }
  let scale = 1 << (work.contentLayer.block - 1)
  var whole: Tensor?
  for tile in tiles {
    let part = own(work.features(picture.cut(tile.outer), [work.contentLayer])[0], tile, work.contentLayer)
    let all =
      whole
      ?? Tensor.zeros(
        [1, part.size(1), picture.size(2) / scale, picture.size(3) / scale], dtype: part.dtype, on: work.device)
    all.cut(inner(tile, work.contentLayer, all)).copy(from: part)
    whole = all
  }
  return whole!
}

/// Where a tile's own places are in features, or a mask, of the whole picture.
private func inner(_ tile: StyleTiles.Tile, _ layer: VGG.Layer, _ whole: Tensor) -> StyleTiles.Rectangle {
  tile.inner.divided(by: 1 << (layer.block - 1), within: (whole.size(2), whole.size(3)))
}

/// Features of a tile with its margins, without these.
private func own(_ features: Tensor, _ tile: StyleTiles.Tile, _ layer: VGG.Layer) -> Tensor {
  let size = (height: features.size(2), width: features.size(3))
  let inside = tile.inner.relative(to: tile.outer)
  return features.cut(inside.divided(by: 1 << (layer.block - 1), within: size))
}
