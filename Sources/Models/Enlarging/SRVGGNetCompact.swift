import Networks
import Torch

/// Real-ESRGAN's small network (Wang et al. 2021): convolutions with PReLU at the picture's own size, then channels to
/// space, added to the picture with its pixels repeated.
///
/// State names are the reference implementation's: `body.0.weight` a convolution's, `body.1.weight` its slopes, and so
/// on.
public final class SRVGGNetCompact: EnlargingNetwork {
  public let scale: Int
  let body: Sequential

  /// - Parameters:
  ///   - width: channels inside.
  ///   - depth: convolutions between the first and the last.
  public init(scale: Int = 4, width: Int = 64, depth: Int = 16) {
    self.scale = scale
    var layers: [any UnaryModule] = [Conv2d(3, width, kernel: 3, padding: 1), PReLU(width)]
    for _ in 0..<depth { layers += [Conv2d(width, width, kernel: 3, padding: 1), PReLU(width)] }
    layers.append(Conv2d(width, 3 * scale * scale, kernel: 3, padding: 1))
    body = Sequential(layers)
  }

  /// - Throws: `StateError`.
  convenience init(shapedAs weights: [String: Tensor]) throws(StateError) {
    let width = try weights.shape(of: "body.0.weight", rank: 4)[0]
    var last = 0
    while weights["body.\(last + 2).weight"] != nil { last += 2 }
    let outputs = try weights.shape(of: "body.\(last).weight", rank: 4)[0]
    for layer in stride(from: 2, to: last, by: 2) { try weights.expect("body.\(layer).weight", [width, width, 3, 3]) }
    guard last >= 2, let scale = (1...8).first(where: { 3 * $0 * $0 == outputs }) else {
      throw .missing("body.\(last).weight")
    }
    self.init(scale: scale, width: width, depth: last / 2 - 1)
  }

  public var members: [(name: String, value: Any)] { [("body", body)] }

  /// One pixel a convolution, and one for what is resampled afterwards.
  public var margin: Int { ((body.layers.count + 1) / 2 + 1 + 3) / 4 * 4 }
  public var bytesPerPixel: Double { 2500 }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    let detail = pixelShuffle(body(x), scale)
    return detail + interpolate(x, size: [x.size(2) * scale, x.size(3) * scale], mode: .nearest)
  }
}
