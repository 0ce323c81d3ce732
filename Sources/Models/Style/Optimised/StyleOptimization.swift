import Networks
import Torch

/// A picture that is changed until a network sees the content's things painted as the styles are (Gatys et al. 2016),
/// from small to large.
///
/// A sequence of steps: go through it, and show or stop when you like; `picture` is the result so far.
///
/// ```swift
/// let work = StyleOptimization(
///   content: photo, regions: [.init(styles: [(painting, 1)])], network: vgg, settings: settings)
/// for step in work where step.number % 50 == 0 { print(step.loss()) }
/// let painted = work.picture
/// ```
public final class StyleOptimization: Sequence, IteratorProtocol {
  /// Where styles are painted.
  public struct Region {
    /// [1, 3, H, W] in 0...1, of any size, and how much each counts.
    public let styles: [(picture: Tensor, weight: Double)]
    /// [1, 1, H, W] of the content's size in 0...1, 1 where the styles are painted; nil everywhere.
    public let mask: Tensor?
    public init(styles: [(picture: Tensor, weight: Double)], mask: Tensor? = nil) {
      (self.styles, self.mask) = (styles, mask)
    }
  }

  /// A picture that is to be kept where it is trusted: of a film, the last painted frame as it has moved (Ruder et al.
  /// 2016, equation 7).
  public struct Anchor {
    /// [1, 3, H, W] in 0...1, and [1, 1, H, W] in 0...1.
    public let picture: Tensor, trust: Tensor
    public var weight = 5000.0  // Of the mean square of differences, where trust is 1.
    public init(picture: Tensor, trust: Tensor) { (self.picture, self.trust) = (picture, trust) }
  }

  /// The result of one step.
  public struct Step {
    /// Of all steps, from 1.
    public let number: Int
    /// The picture's width and height now, in pixels.
    public let width: Int, height: Int
    /// Reading it waits for the device.
    public let loss: () -> Double
  }

  public let settings: StyleSettings
  /// Steps in all, and those that are done.
  public let total: Int
  public private(set) var done = 0
  let content: Tensor
  let start: Tensor?
  let anchor: Anchor?
  let regions: [Region]
  private let network: VGG
  let styleLayers: [(layer: VGG.Layer, weight: Double)]
  let contentLayer = VGG.Layer(4, 2)
  let usesBFloat16: Bool
  let device: Device
  private var waiting: [(side: Int, steps: Int)]
  private var scale: StyleScale?

  /// - Parameters:
  ///   - content: [1, 3, H, W] in 0...1.
  ///   - network: moved to the device of the pictures, without gradients of its own.
  ///   - start: what to begin with, [1, 3, H, W] in 0...1 of any size, where the settings say so.
  ///   - depth: blocks of the network whose first layers say what style is, 1 to 5.
  ///   - saved: of an earlier work of the same pictures and settings, which is gone on with.
  /// - Throws: `StateError` when the saved work is another's.
  public init(
    content: Tensor, regions: [Region], network: VGG, settings: StyleSettings, start: Tensor? = nil,
    anchor: Anchor? = nil, depth: Int = 5, resuming saved: [String: Tensor]? = nil
  ) throws(StateError) {
    precondition((settings.start == .picture) == (start != nil), "there is nothing to start from")
    precondition(regions.allSatisfy { !$0.styles.isEmpty } && !regions.isEmpty, "there is no style")
    (self.content, self.regions, self.network, self.settings) = (content, regions, network, settings)
    (self.start, self.anchor) = (start, anchor)
    device = content.device
    usesBFloat16 = settings.precision == "bfloat16" || settings.precision == "auto" && device.prefersBFloat16
    // Deep layers have more to say a number, so they count less (crowsonkb's weights).
    let weights = [256.0, 64, 16, 4, 1]
    styleLayers = weights.prefix(depth).enumerated().map { (VGG.Layer($0 + 1, 1), $1 / weights.reduce(0, +)) }
    waiting = settings.plan
    total = waiting.reduce(0) { $0 + $1.steps }
    if let saved { try resume(saved) }
  }

  /// How much of the work is done, in 0...1: a step counts as much as there are pixels.
  public var fraction: Double {
    var (left, whole, finished) = (done, 0.0, 0.0)
    for (side, steps) in settings.plan {
      let area = Double(side * side)
      whole += Double(steps) * area
      let here = Swift.min(left, steps)
      finished += Double(here) * area
      left -= here
    }
    return finished / whole
  }

  /// [1, 3, H, W] in 0...1: the average over the last steps; the content before the first.
  public var picture: Tensor { scale?.picture ?? content }

  public func next() -> Step? {
    if scale.map({ $0.left == 0 }) ?? true {
      guard !waiting.isEmpty else { return nil }
      let (side, steps) = waiting.removeFirst()
      scale = StyleScale(self, side: side, steps: steps, after: scale)
    }
    let loss = scale!.step()
    done += 1
    let shape = scale!.image.shape
    return Step(number: done, width: shape[3], height: shape[2], loss: { loss.item() })
  }

  /// All that is needed to go on, exactly, in another process.
  public var saved: [String: Tensor] {
    (scale?.saved ?? [:]).merging(["done": Tensor([done])]) { $1 }
  }

  private func resume(_ saved: [String: Tensor]) throws(StateError) {
    guard let steps = saved["done"], steps.count == 1 else { throw .missing("done") }
    done = Int(steps.item())
    var left = done
    while left > 0, !waiting.isEmpty {
      let (side, steps) = waiting.removeFirst()
      guard left <= steps else {
        left -= steps
        continue
      }
      scale = StyleScale(self, side: side, steps: steps, after: nil)
      try scale!.restore(saved, done: left)
      left = 0
    }
  }

  func features(_ picture: Tensor, _ layers: [VGG.Layer]) -> [Tensor] {
    withAutocast(usesBFloat16, on: device) { network(picture, layers: layers) }
  }
}

/// [height, width] of a picture whose longer side is so many pixels.
public func fitted(_ height: Int, _ width: Int, longer: Int) -> [Int] {
  let scale = Double(longer) / Double(max(height, width))
  return [height, width].map { max(1, Int((Double($0) * scale).rounded())) }
}

public func resized(_ x: Tensor, _ size: [Int]) -> Tensor {
  guard [x.size(2), x.size(3)] != size else { return x }
  return clamp(interpolate(x, size: size, mode: .bicubic, antialias: size[0] < x.size(2)), min: 0, max: 1)
}
