import Foundation
import Torch

/// Settings of `OpticalFlow`.
public struct OpticalFlowSettings: Codable, Sendable, Equatable {
  public var warps = 6  // Times that the other picture is warped at each size.
  public var iterations = 10  // Of the primal-dual method after each.
  public var coarsest = 24  // Pixels of the shorter side, at least, where the search begins.
  public var radius = 8  // Of the search, in pixels of that size: about a quarter of the shorter side.
  public var smoothness = 0.03  // λ, the weight of the flow's variation over that of the pictures' difference.
  public var gradients = 2.0  // γ, the weight of the gradients' difference over that of brightness.
  public var followsLight = true  // Fits a gain and an offset of brightness between the pictures.
  public init() {}
}

/// Dense optical flow: where each pixel of one picture is found in another.
///
/// Minimises ∫ ψ(I₁(x + w) − I₀) + γ ψ(∇I₁(x + w) − ∇I₀) + λ g |∇w|_Huber from coarse to fine: brightness and its
/// gradients are constant (Brox et al. 2004, section 2), the flow varies least where the picture has no edges (Werlberger
/// et al. 2009, equations 3 and 7), data terms are linearised by warping and averaged with the first picture's
/// derivatives, with a median filter after each warp (Wedel et al. 2009, section 3). ψ is handled by weights that are
/// held for each warp, the rest by the primal-dual method of Chambolle and Pock 2011, algorithm 1. An exhaustive search at
/// the coarsest size finds far movements.
///
///     let forward = OpticalFlow().flow(from: first, to: second)
///     let likeFirst = warped(second, by: forward)
public struct OpticalFlow: Sendable {
  public let settings: OpticalFlowSettings

  public init(_ settings: OpticalFlowSettings = OpticalFlowSettings()) { self.settings = settings }

  /// - Parameters:
  ///   - first: [N, 3, H, W] in 0...1; [N, 1, H, W] is grey.
  ///   - second: of the same shape.
  /// - Returns: [N, 2, H, W], x (right) and y (down) in pixels: pixel p of `first` shows what `second` shows at p + flow.
  public func flow(from first: Tensor, to second: Tensor) -> Tensor {
    precondition(
      first.rank == 4 && first.shape == second.shape && (first.size(1) == 3 || first.size(1) == 1),
      "pictures of shapes \(first.shape) and \(second.shape)")
    precondition(min(first.size(2), first.size(3)) > 1, "a picture of shape \(first.shape) has no direction")
    return withoutGradients {
      let (a, b) = (brightness(first), brightness(second))
      var sizes = [[a.size(2), a.size(3)]]
      while sizes.last!.min()! >= 2 * settings.coarsest {
        let power = Double(1 << sizes.count)
        sizes.append([a.size(2), a.size(3)].map { Int((Double($0) / power).rounded()) })
      }
      var flow: Tensor?
      var light = Light.unchanged(like: a)
      for size in sizes.reversed() {
        let (small, other) = (scaled(a, size), scaled(b, size))
        let start: Tensor
        if let flow {
          let growth = [Float(size[1]) / Float(flow.size(3)), Float(size[0]) / Float(flow.size(2))]
          start = interpolate(flow, size: size) * Tensor(growth, shape: [1, 2, 1, 1]).to(a.device)
        } else {
          if settings.followsLight { light = Light(matching: other, to: small) }
          start = searched(small, light.applied(to: other))
        }
        flow = refined(start, small, other, &light)
      }
      return flow!
    }
  }

  /// Rec. 601 luma, [N, 1, H, W], float32.
  private func brightness(_ x: Tensor) -> Tensor {
    let x = x.to(.float32)
    if x.size(1) == 1 { return x }
    return (x * Tensor([0.299, 0.587, 0.114] as [Float], shape: [1, 3, 1, 1]).to(x.device)).sum(
      dims: [1], keepDims: true)
  }

  private func scaled(_ x: Tensor, _ size: [Int]) -> Tensor {
    size == [x.size(2), x.size(3)] ? x : interpolate(x, size: size, antialias: true)
  }

  // MARK: The search

  /// The whole displacement up to `radius` whose neighbourhood fits best, [N, 2, H, W].
  private func searched(_ a: Tensor, _ b: Tensor) -> Tensor {
    let radius = settings.radius, side = 2 * radius + 1, limit = 0.15
    let (height, width) = (a.size(2), a.size(3))
    let first = outline(a), second = pad(outline(b), [radius, radius, radius, radius], mode: .replicate)
    let within = pad(Tensor.ones([1, 1, height, width], on: a.device), [radius, radius, radius, radius])
    let costs = (0..<side).map { row -> Tensor in
      // All columns of displacements together: [N, C, H, side, W].
      func windows(_ x: Tensor) -> Tensor {
        x.narrowed(dim: 2, from: row, count: height).windows(dim: 3, size: width, step: 1)
      }
      let difference = abs(windows(second) - first.unsqueezed(3)).sum(dims: [1]).transposed(1, 2)
      let isIn = windows(within).selected(dim: 1, index: 0).transposed(1, 2)
      // What is out of the picture fits anything a little.
      return clamp(difference, max: limit) * isIn + (1 - isIn) * (0.7 * limit)
    }
    let steps = Tensor((-radius...radius).map(Float.init)).to(a.device)
    let (x, y) = (steps.repeated([side]), steps.repeatedEach(side, dim: 0))
    // Without anything to see, it stays.
    let length = sqrt(square(x) + square(y)).reshaped([1, -1, 1, 1])
    let total = blurred(Tensor.concatenated(costs, dim: 1), sigma: 1.5) + length * 0.002
    let best = total.argmin(dim: 1).flattened()
    let flow = Tensor.stacked([x[best], y[best]]).reshaped([2, a.size(0), height, width]).transposed(0, 1)
    return median3x3(median3x3(flow))
  }

  /// Brightness without its local mean, and its derivatives: [N, 3, H, W].
  private func outline(_ x: Tensor) -> Tensor {
    let (dx, dy) = fivePointDerivatives(x)
    return Tensor.concatenated([x - blurred(x, sigma: 2), dx * 0.5, dy * 0.5], dim: 1)
  }

  // MARK: The refinement

  /// The flow at one size, from a start.
  private func refined(_ start: Tensor, _ a: Tensor, _ b: Tensor, _ light: inout Light) -> Tensor {
    let fixed = Constancy(blurred(a, sigma: 0.5)), moving = Constancy(blurred(b, sigma: 0.5)).all
    let edges = edgeWeights(blurred(a, sigma: 0.5))
    var flow = start
    var dual = Tensor.zeros([a.size(0), 4, a.size(2), a.size(3)], on: a.device)
    for _ in 0..<settings.warps {
      flow = median3x3(flow)
      let seen = Constancy(all: warped(moving, by: flow, mode: .bicubic))
      let isIn = insidePicture(flow).to(.float32)
      if settings.followsLight { light.fit(seen.brightness, to: fixed.brightness, where: isIn) }
      let data = linearised(seen.relit(light), fixed, at: flow, where: isIn)
      flow = minimised(data, from: flow, dual: &dual, edges: edges)
    }
    return median3x3(flow)
  }

  /// g of Werlberger et al. 2009, equation 7, [N, 1, H, W]: little where the picture has an edge.
  private func edgeWeights(_ a: Tensor) -> Tensor {
    let (dx, dy) = fivePointDerivatives(blurred(a, sigma: 0.5))
    return clamp(exp(pow(square(dx) + square(dy), 0.4) * -8), min: 0.02)
  }

  /// ½ wᵀ A w + bᵀ w at each pixel, [N, 1, H, W] each.
  private struct Quadratic { let a11, a12, a22, b1, b2: Tensor }

  /// The data terms around a flow, with the weights 1/√(r² + ε²) that make their squares ψ(r) = √(r² + ε²).
  private func linearised(_ seen: Constancy, _ fixed: Constancy, at flow: Tensor, where isIn: Tensor) -> Quadratic {
    let gx = (seen.dx + fixed.dx) * 0.5, gy = (seen.dy + fixed.dy) * 0.5
    let rest = seen.values - fixed.values
    let errors = square(rest)
    func weight(_ squared: Tensor) -> Tensor { isIn * rsqrt(squared + 9e-6) }
    let ofGradients = weight(errors.narrowed(dim: 1, from: 1, count: 2).sum(dims: [1], keepDims: true))
    let weights = Tensor.concatenated(
      [
        weight(errors.narrowed(dim: 1, from: 0, count: 1)),
        (ofGradients * settings.gradients).expanded([-1, 2, -1, -1]),
      ],
      dim: 1)
    func summed(_ x: Tensor) -> Tensor { x.sum(dims: [1], keepDims: true) }
    let (wx, wy) = (weights * gx, weights * gy)
    let a11 = summed(wx * gx), a12 = summed(wx * gy), a22 = summed(wy * gy)
    let parts = flow.chunks(2, dim: 1)
    return Quadratic(
      a11: a11, a12: a12, a22: a22, b1: summed(wx * rest) - a11 * parts[0] - a12 * parts[1],
      b2: summed(wy * rest) - a12 * parts[0] - a22 * parts[1])
  }

  /// Some iterations of Chambolle and Pock 2011, algorithm 1, on g |∇w|_Huber + data / λ.
  ///
  /// - Parameter dual: [N, 4, H, W], kept from warp to warp.
  private func minimised(_ data: Quadratic, from start: Tensor, dual: inout Tensor, edges: Tensor) -> Tensor {
    // τ σ ‖∇‖² ≤ 1, with ‖∇‖² ≤ 8. Flows are of pixels and duals below 1: large steps for the first.
    let τ = 3.0, σ = 1 / (8 * τ), huber = 0.01
    let scale = τ / settings.smoothness
    // (I + scale A)⁻¹, for the proximal step.
    let d11 = data.a11 * scale + 1, d22 = data.a22 * scale + 1, d12 = data.a12 * scale
    let determinant = d11 * d22 - d12 * d12
    let diagonal = Tensor.concatenated([d22 / determinant, d11 / determinant], dim: 1)
    let across = -d12 / determinant
    let pull = Tensor.concatenated([data.b1, data.b2], dim: 1) * scale
    let room = 1 / edges
    var (flow, ahead) = (start, start)
    for _ in 0..<settings.iterations {
      dual = (dual + forwardGradient(ahead) * σ) * (1 / (1 + σ * huber))
      let halves = dual.chunks(2, dim: 1)
      let excess = clamp(sqrt(square(halves[0]) + square(halves[1])) * room, min: 1)
      dual = dual / Tensor.concatenated([excess, excess], dim: 1)
      let moved = flow + divergence(dual) * τ - pull
      let next = diagonal * moved + across * moved.flipped([1])
      ahead = next * 2 - flow
      flow = next
    }
    return flow
  }
}

/// What stays the same along a flow, with derivatives: [N, 9, H, W], of three kinds of three channels.
private struct Constancy {
  let all: Tensor

  init(all: Tensor) { self.all = all }

  /// - Parameter brightness: [N, 1, H, W].
  init(_ brightness: Tensor) {
    let (dx, dy) = fivePointDerivatives(brightness)
    let values = Tensor.concatenated([brightness, dx, dy], dim: 1)
    let (vx, vy) = fivePointDerivatives(values)
    all = Tensor.concatenated([values, vx, vy], dim: 1)
  }

  /// Brightness and its derivatives across and down.
  var values: Tensor { all.narrowed(dim: 1, from: 0, count: 3) }
  /// Derivatives of the values.
  var dx: Tensor { all.narrowed(dim: 1, from: 3, count: 3) }
  var dy: Tensor { all.narrowed(dim: 1, from: 6, count: 3) }
  var brightness: Tensor { all.narrowed(dim: 1, from: 0, count: 1) }

  func relit(_ light: Light) -> Constancy {
    let scaled = all * light.gain
    return Constancy(
      all: Tensor.concatenated(
        [scaled.narrowed(dim: 1, from: 0, count: 1) + light.offset, scaled.narrowed(dim: 1, from: 1, count: 8)], dim: 1)
    )
  }
}

/// How one picture's brightness becomes another's: gain · brightness + offset, [N, 1, 1, 1] each.
private struct Light {
  private(set) var gain: Tensor, offset: Tensor

  static func unchanged(like x: Tensor) -> Light {
    let shape = [x.size(0), 1, 1, 1]
    return Light(gain: Tensor.ones(shape, on: x.device), offset: Tensor.zeros(shape, on: x.device))
  }

  private init(gain: Tensor, offset: Tensor) { (self.gain, self.offset) = (gain, offset) }

  /// By mean and deviation, before anything is known about the flow.
  init(matching seen: Tensor, to fixed: Tensor) {
    func deviation(_ x: Tensor) -> Tensor { x.std(dims: [2, 3], unbiased: false, keepDims: true) + 1e-4 }
    func mean(_ x: Tensor) -> Tensor { x.mean(dims: [2, 3], keepDims: true) }
    gain = clamp(deviation(fixed) / deviation(seen), min: 0.5, max: 2)
    offset = mean(fixed) - gain * mean(seen)
  }

  func applied(to x: Tensor) -> Tensor { gain * x + offset }

  /// One step of reweighted least squares, so that what isn't seen in both counts little.
  mutating func fit(_ seen: Tensor, to fixed: Tensor, where isIn: Tensor) {
    let weights = isIn / (abs(applied(to: seen) - fixed) + 0.02)
    let sum = clamp(weights.sum(dims: [2, 3], keepDims: true), min: 1e-6)
    func mean(_ x: Tensor) -> Tensor { (weights * x).sum(dims: [2, 3], keepDims: true) / sum }
    let (m, n) = (mean(seen), mean(fixed))
    let covariance = mean((seen - m) * (fixed - n)), variance = mean(square(seen - m))
    // The 1e-6 leaves a picture of one brightness as it is.
    gain = clamp((covariance + 1e-6) / (variance + 1e-6), min: 0.5, max: 2)
    offset = n - gain * m
  }
}
