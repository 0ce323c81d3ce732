import Foundation
import Torch

/// A way through latent space: where it is at which time, given the points that it passes.
public struct LatentPath {
  /// How it goes from one point to the next.
  public enum Shape: String, Codable, Sendable, CaseIterable {
    /// Along the sphere's shortest arc (Shoemake 1985), with a bend at each point.
    case sphere
    /// Through the points without bends (Catmull and Rom 1974), at the points' distance from the middle.
    case spline
    /// By chance, smoothly, through the points (a Gaussian process; Rasmussen and Williams 2006), or by chance alone.
    case process
    /// A point's picture fades into the next one's: pictures are mixed, not latents.
    case fade
  }
  /// How time passes between two points.
  public enum Ease: String, Codable, Sendable, CaseIterable {
    /// Evenly.
    case linear
    /// From rest to rest: 3t² - 2t³.
    case smooth
    /// It stays, and jumps.
    case hold

    /// How far on it is, 0...1, when so much of the time has passed.
    public func callAsFunction(_ t: Double) -> Double {
      switch self {
      case .linear: t
      case .smooth: t * t * (3 - 2 * t)
      case .hold: t < 1 ? 0 : 1
      }
    }
  }
  /// A point: [D], and when it is passed, in seconds.
  public struct Key {
    public let time: Double
    public let latent: Tensor
    /// Until the next one.
    public let ease: Ease
    public init(time: Double, latent: Tensor, ease: Ease = .linear) {
      (self.time, self.latent, self.ease) = (time, latent, ease)
    }
  }

  public let keys: [Key]
  public let shape: Shape
  /// Seconds after which it is where it began; nil when it doesn't go back.
  public let period: Double?
  /// Seconds that a process remembers: the less, the livelier it is.
  public let wave: Double
  private let process: GaussianProcess?

  /// - Parameters:
  ///   - keys: at ascending times in 0..<period; may be empty for a process.
  ///   - dimensions: of a latent.
  ///   - noise: what a process is drawn from.
  public init(
    _ keys: [Key], shape: Shape, period: Double? = nil, wave: Double = 2, length: Double, dimensions: Int,
    noise: inout Noise
  ) {
    precondition(shape == .process || !keys.isEmpty, "a path has points")
    precondition(zip(keys, keys.dropFirst()).allSatisfy { $0.time < $1.time }, "times don't ascend")
    (self.keys, self.shape, self.period, self.wave) = (keys, shape, period, wave)
    guard shape == .process else {
      process = nil
      return
    }
    // A circle of circumference T, seen at a distance: near a point, a periodic kernel of this length is as a squared
    // exponential of `wave` seconds.
    let kernel: Kernel =
      period.map { .periodic(period: $0, length: 2 * .pi * wave / $0) } ?? .rbf(length: wave)
    // Drawn where it may turn, and told exactly between, so that an hour costs no more than it has waves.
    let span = period ?? length
    let count = min(1200, max(4, Int((6 * span / wave).rounded(.up))))
    let places = (0..<count).map { Double($0) * span / Double(count) }
    let spare = places.filter { place in !keys.contains { abs($0.time - place) < 1e-3 * wave } }
    let times = keys.map(\.time) + spare
    let values: Tensor
    if keys.isEmpty {
      values = kernel.path(at: times, dimensions: dimensions, noise: &noise)
    } else {
      let given = Tensor.stacked(keys.map { $0.latent.to(.float64) })
      values = GaussianProcess(kernel, times: keys.map(\.time), values: given).path(at: times, noise: &noise)
    }
    process = GaussianProcess(kernel, times: times, values: values, noiseVariance: 1e-9)
  }

  /// A path that stays at one latent, [D].
  public init(still latent: Tensor) {
    (keys, shape, period, wave, process) = ([Key(time: 0, latent: latent)], .sphere, nil, 1, nil)
  }

  /// [T, D], float32: at a key's own time the key's latent to the bit.
  public func latents(at times: [Double]) -> Tensor {
    if let process {
      let found = process.mean(at: times).to(.float32)
      guard !keys.isEmpty else { return found }
      return Tensor.stacked(times.indices.map { i in key(at: times[i]) ?? found[i] })
    }
    return Tensor.stacked(times.map(latent))
  }

  /// The key of which this is the time, if it is one's.
  private func key(at time: Double) -> Tensor? {
    let place = wrapped(time)
    return keys.first { key in
      // The end of a period is the beginning of the next.
      [0, period ?? 0].contains { abs(key.time + $0 - place) < 1e-9 }
    }?.latent
  }

  private func wrapped(_ time: Double) -> Double {
    guard let period else { return time }
    let rest = time.truncatingRemainder(dividingBy: period)
    return rest < 0 ? rest + period : rest
  }

  /// Between which keys a time is, and how far on, 0...1, eased; for mixing their pictures.
  public func segment(at time: Double) -> (from: Int, to: Int, fraction: Double) {
    let place = wrapped(time)
    guard keys.count > 1 else { return (0, 0, 0) }
    let after = keys.firstIndex { $0.time > place + 1e-9 } ?? keys.count
    let (from, to) = ((after - 1 + keys.count) % keys.count, after % keys.count)
    guard period != nil || after > 0 && after < keys.count else { return after == 0 ? (0, 0, 0) : (from, from, 0) }
    let begin = keys[from].time - (after == 0 ? period! : 0)
    let end = keys[to].time + (after == keys.count ? period! : 0)
    return (from, to, keys[from].ease(min(1, max(0, (place - begin) / (end - begin)))))
  }

  private func latent(at time: Double) -> Tensor {
    let (from, to, t) = segment(at: time)
    if t < 1e-9 || from == to { return keys[from].latent }
    let (a, b) = (keys[from].latent, keys[to].latent)
    if shape == .spline { return spline(from, to, t) }
    return onSphere(a, b, t)
  }

  /// The tangents are those of the neighbours' distance; the length is between the ends' lengths, as on the sphere.
  private func spline(_ from: Int, _ to: Int, _ t: Double) -> Tensor {
    let isLoop = period != nil
    func neighbour(_ i: Int, _ step: Int) -> Tensor {
      let j = i + step
      if isLoop { return keys[(j + keys.count) % keys.count].latent }
      return keys[min(max(j, 0), keys.count - 1)].latent
    }
    let (a, b, c, d) = (neighbour(from, -1), keys[from].latent, keys[to].latent, neighbour(to, 1))
    let (t2, t3) = (t * t, t * t * t)
    let point =
      a * (-0.5 * t3 + t2 - 0.5 * t) + b * (1.5 * t3 - 2.5 * t2 + 1) + c * (-1.5 * t3 + 2 * t2 + 0.5 * t)
      + d * (0.5 * t3 - 0.5 * t2)
    let wanted = b.norm().item() * (1 - t) + c.norm().item() * t
    let length = point.norm().item()
    return length > 1e-6 ? point * (wanted / length) : point
  }
}

/// From one point to another over the sphere (Shoemake 1985), on which normal latents of many dimensions lie; a straight
/// line would leave it, and its middle would look faded.
public func onSphere(_ a: Tensor, _ b: Tensor, _ t: Double) -> Tensor {
  let (lengthA, lengthB) = (a.norm().item(), b.norm().item())
  let cosine = lengthA > 0 && lengthB > 0 ? (a * b).sum().item() / (lengthA * lengthB) : 1
  let angle = acos(min(1, max(-1, cosine)))
  // The ends themselves, to the bit, and no division by the sine of nothing.
  if t <= 0 { return a }
  if t >= 1 { return b }
  if angle < 1e-4 || .pi - angle < 1e-4 { return a * (1 - t) + b * t }
  return a * (Foundation.sin((1 - t) * angle) / Foundation.sin(angle))
    + b * (Foundation.sin(t * angle) / Foundation.sin(angle))
}
