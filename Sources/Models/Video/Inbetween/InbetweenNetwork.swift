import Networks
import Torch

/// Finds what lies between two pictures: for each pixel of a moment between, where it is seen in both, and how much of
/// each it is made of (Huang et al. 2022, "Real-time intermediate flow estimation for video frame interpolation", section
/// 3.2, without its refinement, so that nothing is painted that neither picture shows).
public final class InbetweenNetwork: Module {
  /// Betters flows and shares at one size: [N, inputs, H, W] to [N, 5, H / 2, W / 2].
  final class Stage: Module {
    let enter: [Conv2d]
    let blocks: [[Conv2d]]
    let leave: ConvTranspose2d

    init(_ inputs: Int, width: Int, depth: Int) {
      enter = [
        Conv2d(inputs, width / 2, kernel: 3, stride: 2, padding: 1),
        Conv2d(width / 2, width, kernel: 3, stride: 2, padding: 1),
      ]
      blocks = (0..<depth).map { _ in (0..<2).map { _ in Conv2d(width, width, kernel: 3, padding: 1) } }
      leave = ConvTranspose2d(width, 5, kernel: 4, stride: 2, padding: 1)
    }

    func callAsFunction(_ x: Tensor) -> Tensor {
      var x = x
      for conv in enter { x = leakyRelu(conv(x)) }
      for pair in blocks { x = leakyRelu(x + pair[1](leakyRelu(pair[0](x)))) }
      return leave(x)
    }
  }

  /// The known motion at the moment between.
  public struct Between {
    /// From it to the first and to the second picture, x and y each: [N, 4, H, W] in pixels.
    public let flows: Tensor
    /// How much the first picture counts: [N, 1, H, W], before the sigmoid.
    public let share: Tensor
    /// Made of both: [N, 3, H, W], float32.
    public let picture: Tensor
  }

  /// How many times smaller each stage looks at the pictures.
  static let scales = [4, 2, 1]
  /// Height and width of pictures are multiples of it.
  public static let multiple = 16

  let stages: [Stage]

  /// - Parameter width: channels of the finest stage; the coarser ones have half as many more, and twice as many.
  public init(width: Int = 64, depth: Int = 3) {
    // Pictures, time; what was found: both warped, flows and share.
    let known = 3 + 3 + 1, found = 3 + 3 + 4 + 1
    stages = [width * 2, width * 3 / 2, width].enumerated().map { i, width in
      Stage(i == 0 ? known : known + found, width: width, depth: depth)
    }
  }

  /// Begins as a cross-fade.
  func begin(_ noise: inout Noise) {
    initialize(&noise, as: .fanIn(gain: 1))
    withoutGradients {
      for stage in stages {
        for (_, tensor) in stage.leave.state { tensor.multiply(by: 0.02) }
      }
    }
  }

  /// - Parameters:
  ///   - first, second: [N, 3, H, W] in 0...1, sides multiples of `multiple`.
  ///   - times: of the moments, 0 at the first picture and 1 at the second: [N, 1, 1, 1], float32.
  /// - Returns: what each stage found, from coarse to fine.
  public func callAsFunction(_ first: Tensor, _ second: Tensor, at times: Tensor) -> [Between] {
    let (n, height, width) = (first.size(0), first.size(2), first.size(3))
    let plane = times.expanded([n, 1, height, width])
    // Without motion, a cross-fade.
    let inner = clamp(times, min: 0.01, max: 0.99)
    let prior = (log(1 - inner) - log(inner)).expanded([n, 1, height, width])
    var found: [Between] = []
    for (stage, scale) in zip(stages, Self.scales) {
      var seen = [first, second, plane]
      if let last = found.last {
        let (a, b) = Self.moved(first, second, last.flows)
        seen += [a, b, last.flows / Double(scale), last.share]
      }
      var x = Tensor.concatenated(seen, dim: 1)
      if scale > 1 { x = averagePool2d(x, kernel: scale) }
      let y = interpolate(stage(x.channelsLast()).to(.float32), size: [height, width], mode: .bilinear)
      let change = y.narrowed(dim: 1, from: 0, count: 4) * Double(scale)
      let share = y.narrowed(dim: 1, from: 4, count: 1)
      let flows = found.last.map { $0.flows + change } ?? change
      found.append(Self.made(first, second, flows, (found.last?.share ?? prior) + share))
    }
    return found
  }

  private static func moved(_ first: Tensor, _ second: Tensor, _ flows: Tensor) -> (Tensor, Tensor) {
    let parts = flows.chunks(2, dim: 1)
    return (warped(first, by: parts[0]), warped(second, by: parts[1]))
  }

  private static func made(_ first: Tensor, _ second: Tensor, _ flows: Tensor, _ share: Tensor) -> Between {
    let (a, b) = moved(first, second, flows)
    let weight = sigmoid(share)
    return Between(flows: flows, share: share, picture: b + (a - b) * weight)
  }
}
