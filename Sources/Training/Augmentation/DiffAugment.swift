import Torch

/// Differentiable augmentation of real and generated pictures alike (Zhao et al. 2020), so that a discriminator can't
/// learn few pictures by heart.
public struct DiffAugment: Sendable {
  /// Brightness ± 0.5, saturation × 0...2, contrast × 0.5...1.5, in -1...1 pictures.
  public var colour = true
  /// Shifts up to this part of the side; 0 for none.
  public var translation = 0.125
  /// Whether a shift moves in what is mirrored at the edge, as ADA does, in place of the paper's grey (0 here): a generator
  /// that learns from few pictures soon makes strips of that.
  public var mirrorsEdges = false
  /// Side of the grey square, as a part of the picture's; 0 for none.
  public var cutout = 0.5

  public init(
    colour: Bool = true, translation: Double = 0.125, cutout: Double = 0.5, mirrorsEdges: Bool = false
  ) {
    (self.colour, self.translation, self.cutout) = (colour, translation, cutout)
    self.mirrorsEdges = mirrorsEdges
  }

  /// - Parameters:
  ///   - x: [N, C, H, W] in -1...1.
  ///   - probability: of each of the three, for each picture on its own.
  /// - Returns: pictures of the same shape; can be differentiated twice.
  public func callAsFunction(_ x: Tensor, probability: Double = 1, noise: inout Noise) -> Tensor {
    guard probability > 0 else { return x }
    var x = x
    if colour { x = coloured(x, probability, &noise) }
    if translation > 0 { x = translated(x, probability, &noise) }
    if cutout > 0 { x = cut(x, probability, &noise) }
    return x
  }

  private func coloured(_ x: Tensor, _ p: Double, _ noise: inout Noise) -> Tensor {
    let n = x.size(0), device = x.device
    /// 1 for the pictures that are changed, else 0: [N, 1, 1, 1].
    func chosen() -> Tensor { noise.bernoulli(p, [n, 1, 1, 1], on: device).to(x.dtype) }
    func amount(_ low: Double, _ high: Double) -> Tensor {
      noise.uniform([n, 1, 1, 1], from: low, to: high, dtype: x.dtype, on: device)
    }
    var x = x + amount(-0.5, 0.5) * chosen()
    if x.size(1) > 1 {
      let grey = x.mean(dims: [1], keepDims: true)
      x = grey + (x - grey) * (1 + amount(-1, 1) * chosen())
    }
    let mean = x.mean(dims: [1, 2, 3], keepDims: true)
    return mean + (x - mean) * (1 + amount(-0.5, 0.5) * chosen())
  }

  private func translated(_ x: Tensor, _ p: Double, _ noise: inout Noise) -> Tensor {
    let n = x.size(0)
    var x = x
    for dim in [2, 3] {
      let side = x.size(dim)
      let most = Int((Double(side) * translation).rounded())
      let isChosen = noise.bernoulli(p, [n, 1]).to(.float32)
      let shifts = (Tensor(noise.integers(below: 2 * most + 1, count: n), shape: [n, 1]) - Double(most)) * isChosen
      /// Where each row (or column) comes from: [N, side].
      var source = Tensor.arange(side).unsqueezed(0) - shifts
      if mirrorsEdges { source = Double(side - 1) - abs(Double(side - 1) - abs(source)) }
      let isInside = source.greaterOrEqual(to: 0).and(source.less(than: Double(side)))
      let shape = dim == 2 ? [n, 1, side, 1] : [n, 1, 1, side]
      let index = clamp(source, min: 0, max: Double(side - 1)).to(.int64).reshaped(shape).to(x.device).expanded(x.shape)
      x = x.gathered(dim: dim, index: index) * isInside.reshaped(shape).to(x.dtype).to(x.device)
    }
    return x
  }

  private func cut(_ x: Tensor, _ p: Double, _ noise: inout Noise) -> Tensor {
    let n = x.size(0)
    /// Whether each row (or column) is in the square: [N, side].
    func span(_ side: Int) -> Tensor {
      let length = Int((Double(side) * cutout).rounded())
      // Centres anywhere in the picture: the square may stick out.
      let start = Tensor(noise.integers(below: side + (1 - length % 2), count: n), shape: [n, 1]) - Double(length / 2)
      let place = Tensor.arange(side).unsqueezed(0)
      return place.greaterOrEqual(to: start).and(place.less(than: start + Double(length)))
    }
    let rows = span(x.size(2)), columns = span(x.size(3))
    let isChosen = noise.bernoulli(p, [n, 1, 1, 1])
    let square = rows.reshaped([n, 1, -1, 1]).and(columns.reshaped([n, 1, 1, -1])).and(isChosen)
    return x * square.not.to(x.dtype).to(x.device)
  }
}
