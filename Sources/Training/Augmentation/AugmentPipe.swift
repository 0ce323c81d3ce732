import func Foundation.cos
import func Foundation.pow
import func Foundation.sin
import Torch

/// Augmentations of real and generated pictures alike, each with the probability p: what a discriminator sees of few
/// pictures stays new, and below p = 0.8 none of it gets into what is generated (Karras et al. 2020, "Training generative
/// adversarial networks with limited data", appendix B).
///
/// Flips, quarter turns (half turns of pictures that aren't square) and whole pixels ("blitting"); scaling, rotation, stretching and shifts with filters between
/// ("geometric"); brightness, contrast, inverted luma, hue and saturation ("colour").
public struct AugmentPipe: Sendable, Equatable {
  public var blits = true, geometry = true, colours = true
  /// Shifts up to this part of the side, in whole pixels; and the deviation of shifts by parts of pixels.
  public var shift = 0.125
  /// Deviations of the logarithms to the base 2 of scales and of stretching.
  public var scale = 0.2, stretch = 0.2
  /// Deviations of brightness in -1...1, and of the logarithms to the base 2 of contrast and saturation.
  public var brightness = 0.2, contrast = 0.5, saturation = 1.0

  public init(blits: Bool = true, geometry: Bool = true, colours: Bool = true) {
    (self.blits, self.geometry, self.colours) = (blits, geometry, colours)
  }

  /// - Parameters:
  ///   - x: [N, C, H, W] in -1...1, C of 1, 3 or 4.
  ///   - p: in 0...1; each picture draws for itself.
  /// - Returns: pictures of the same shape; can be differentiated once.
  public func callAsFunction(_ x: Tensor, probability p: Double, noise: inout Noise) -> Tensor {
    guard p > 0 else { return x }
    // Places and colours need more than bfloat16's eight bits.
    return withAutocast(false, on: x.device) {
      var seen = x
      if blits { seen = blitted(seen, noise.each(x.size(0)) { blit(p, size: PictureSize(of: x), noise: &$0) }) }
      if geometry {
        seen = placed(seen, noise.each(x.size(0)) { placement(p, size: PictureSize(of: x), noise: &$0) })
      }
      guard colours else { return seen }
      return tinted(seen, noise.each(x.size(0)) { colouring(p, noise: &$0) })
    }
  }

  /// Where pixels are moved to, whole: coordinates in pixels about the middle, x to the right and y down.
  func blit(_ p: Double, size: PictureSize, noise: inout Noise) -> Placement {
    // All numbers are drawn whatever p is, so that a picture's changes come and go with p alone.
    let chance = noise.uniform([3]).doubles, even = noise.uniform([4]).doubles
    var whole = Placement.identity
    if chance[0] < p { whole = whole.then(.scaling(even[0] < 0.5 ? -1 : 1, 1)) }
    if chance[1] < p {
      whole = whole.then(.quarterTurns(size.isSquare ? Int(even[1] * 4) : 2 * Int(even[1] * 2)))
    }
    if chance[2] < p {
      func moved(_ part: Double, _ length: Int) -> Double { ((2 * part - 1) * (Double(length) * shift)).rounded() }
      whole = whole.then(.moving(moved(even[2], size.width), moved(even[3], size.height)))
    }
    return whole
  }

  /// The same between pixels.
  func placement(_ p: Double, size: PictureSize, noise: inout Noise) -> Placement {
    let chance = noise.uniform([5]).doubles, normal = noise.normal([4]).doubles
    let turns = noise.uniform([2], from: -.pi, to: .pi).doubles
    // Before stretching and after it, so that either is as likely as p.
    let once = 1 - (1 - p).squareRoot()
    var whole = Placement.identity
    if chance[0] < p { whole = whole.then(.scaling(pow(2, scale * normal[0]))) }
    if chance[1] < once { whole = whole.then(.rotation(turns[0])) }
    if chance[2] < p {
      let s = pow(2, stretch * normal[1])
      whole = whole.then(.scaling(s, 1 / s))
    }
    if chance[3] < once { whole = whole.then(.rotation(turns[1])) }
    if chance[4] < p {
      whole = whole.then(
        .moving(normal[2] * shift * Double(size.width), normal[3] * shift * Double(size.height)))
    }
    return whole
  }

  func colouring(_ p: Double, noise: inout Noise) -> Colouring {
    let chance = noise.uniform([5]).doubles, even = noise.uniform([2]).doubles, normal = noise.normal([3]).doubles
    var whole = Colouring.identity
    if chance[0] < p { whole = whole.then(.brightness(brightness * normal[0])) }
    if chance[1] < p { whole = whole.then(.contrast(pow(2, contrast * normal[1]))) }
    if chance[2] < p, even[0] < 0.5 { whole = whole.then(.invertedLuma) }
    if chance[3] < p { whole = whole.then(.hue((2 * even[1] - 1) * .pi)) }
    if chance[4] < p { whole = whole.then(.saturation(pow(2, saturation * normal[2]))) }
    return whole
  }
}

/// An affine map of the plane: (x, y) to (a x + b y + c, d x + e y + f).
struct Placement: Sendable, Equatable {
  var a = 1.0, b = 0.0, c = 0.0, d = 0.0, e = 1.0, f = 0.0

  static let identity = Placement()
  static func scaling(_ x: Double, _ y: Double? = nil) -> Placement { Placement(a: x, e: y ?? x) }
  static func moving(_ x: Double, _ y: Double) -> Placement { Placement(c: x, f: y) }
  /// Clockwise, by an angle in radians.
  static func rotation(_ angle: Double) -> Placement {
    Placement(a: cos(angle), b: -sin(angle), d: sin(angle), e: cos(angle))
  }
  /// Clockwise, exactly.
  static func quarterTurns(_ count: Int) -> Placement {
    let (c, s) = [(1.0, 0.0), (0, 1), (-1, 0), (0, -1)][count % 4]
    return Placement(a: c, b: -s, d: s, e: c)
  }

  /// Where a place is moved to.
  func callAsFunction(_ x: Double, _ y: Double) -> (x: Double, y: Double) { (a * x + b * y + c, d * x + e * y + f) }

  /// This, and then the other.
  func then(_ o: Placement) -> Placement {
    Placement(
      a: o.a * a + o.b * d, b: o.a * b + o.b * e, c: o.a * c + o.b * f + o.c,
      d: o.d * a + o.e * d, e: o.d * b + o.e * e, f: o.d * c + o.e * f + o.f)
  }

  var inverted: Placement {
    let n = a * e - b * d
    return Placement(
      a: e / n, b: -b / n, c: (b * f - c * e) / n, d: -d / n, e: a / n, f: (c * d - a * f) / n)
  }
}

/// An affine map of colours: three rows of four, for red, green, blue and 1.
struct Colouring: Sendable, Equatable {
  var rows: [[Double]]

  static let identity = linear { $0 == $1 ? 1 : 0 }
  private static func linear(_ entry: (Int, Int) -> Double) -> Colouring {
    Colouring(rows: (0..<3).map { i in (0..<3).map { entry(i, $0) } + [0] })
  }
  static func brightness(_ amount: Double) -> Colouring {
    Colouring(rows: (0..<3).map { i in (0..<3).map { $0 == i ? 1 : 0 } + [amount] })
  }
  static func contrast(_ factor: Double) -> Colouring { linear { $0 == $1 ? factor : 0 } }
  /// Mirrored along the grey axis v = (1, 1, 1)/√3: I − 2 v vᵀ.
  static let invertedLuma = linear { ($0 == $1 ? 1 : 0) - 2.0 / 3 }
  /// Turned about the grey axis (Rodrigues).
  static func hue(_ angle: Double) -> Colouring {
    let (c, s) = (cos(angle), sin(angle) / 3.0.squareRoot())
    // The cross product with (1, 1, 1).
    let cross = [[0.0, -1, 1], [1, 0, -1], [-1, 1, 0]]
    return linear { ($0 == $1 ? c : 0) + (1 - c) / 3 + s * cross[$0][$1] }
  }
  /// Away from the grey axis or towards it: v vᵀ + s (I − v vᵀ).
  static func saturation(_ factor: Double) -> Colouring {
    linear { 1.0 / 3 + factor * (($0 == $1 ? 1 : 0) - 1.0 / 3) }
  }

  func then(_ o: Colouring) -> Colouring {
    Colouring(
      rows: o.rows.map { row in
        (0..<4).map { k in (0..<3).map { row[$0] * rows[$0][k] }.reduce(k == 3 ? row[3] : 0, +) }
      })
  }
}

/// Pictures [N, C, H, W] in other colours, one colouring each; alpha stays, and grey takes the map's mean.
func tinted(_ x: Tensor, _ colourings: [Colouring]) -> Tensor {
  let channels = x.size(1)
  func tensor(_ entries: [Double], _ shape: [Int]) -> Tensor { Tensor(entries, shape: shape).to(x.dtype).to(x.device) }
  if channels == 1 {
    let gains = colourings.map { c in c.rows.map { $0[0] + $0[1] + $0[2] }.reduce(0, +) / 3 }
    let offsets = colourings.map { c in c.rows.map { $0[3] }.reduce(0, +) / 3 }
    return x * tensor(gains, [gains.count, 1, 1, 1]) + tensor(offsets, [offsets.count, 1, 1, 1])
  }
  let n = x.size(0)
  let matrices = tensor(colourings.flatMap { $0.rows.flatMap { $0.prefix(3) } }, [n, 3, 3])
  let offsets = tensor(colourings.flatMap { $0.rows.map { $0[3] } }, [n, 3, 1])
  let flat = x.narrowed(dim: 1, from: 0, count: 3).contiguous().reshaped([n, 3, -1])
  let colour = (matmul(matrices, flat) + offsets).reshaped([n, 3, x.size(2), x.size(3)])
  guard channels == 4 else { return colour }
  return Tensor.concatenated([colour, x.narrowed(dim: 1, from: 3, count: 1)], dim: 1)
}
