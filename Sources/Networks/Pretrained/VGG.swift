import Torch

/// The convolutions of VGG16 or VGG19 (Simonyan and Zisserman 2015, table 1, D and E), whose features say what a
/// picture shows and how it is painted.
///
/// State names are torchvision's, `features.0.weight` and so on. Pictures are [N, 3, H, W] in 0...1.
public final class VGG: Module {
  /// A rectified convolution, by its block and its number there: relu4_2 is the second of the fourth block.
  public struct Layer: Hashable, Sendable, Comparable, CustomStringConvertible {
    public let block: Int, number: Int
    public init(_ block: Int, _ number: Int) { (self.block, self.number) = (block, number) }
    public static func < (a: Layer, b: Layer) -> Bool { (a.block, a.number) < (b.block, b.number) }
    public var description: String { "relu\(block)_\(number)" }
  }

  /// Convolutions of each block.
  public static let vgg16 = [2, 2, 3, 3, 3], vgg19 = [2, 2, 4, 4, 4]
  public static let widths = [64, 128, 256, 512, 512]

  private let blocks: [[Conv2d]]
  private let mean: Constant, deviation: Constant

  /// - Parameter depths: convolutions of each block, `vgg16` or `vgg19`; fewer blocks are fewer weights.
  /// A trained one of the depth that its weights have, without gradients.
  ///
  /// - Throws: `StateError` when they are another network's.
  public convenience init(features weights: [String: Tensor], on device: Device) throws(StateError) {
    self.init(weights["features.34.weight"] != nil ? VGG.vgg19 : VGG.vgg16)
    try load(weights.filter { $0.key.hasPrefix("features.") })
    setRequiresGradient(false)
    placed(on: device)
  }

  public init(_ depths: [Int] = VGG.vgg16) {
    precondition(depths.count <= Self.widths.count, "VGG has five blocks, not \(depths.count)")
    var inputs = 3
    blocks = depths.enumerated().map { block, count in
      (0..<count).map { number in
        defer { inputs = Self.widths[block] }
        // What is beyond the edge mustn't look black, or borders are painted as edges.
        let isFirst = block == 0 && number == 0
        return Conv2d(inputs, Self.widths[block], kernel: 3, padding: 1, paddingMode: isFirst ? .replicate : .zeros)
      }
    }
    // ImageNet's, as torchvision's weights were trained.
    mean = Constant(Tensor([0.485, 0.456, 0.406] as [Float], shape: [3, 1, 1]))
    deviation = Constant(Tensor([0.229, 0.224, 0.225] as [Float], shape: [3, 1, 1]))
  }

  public var members: [(name: String, value: Any)] {
    var (position, features): (Int, [String: Any]) = (0, [:])
    for block in blocks {
      for conv in block {
        features["\(position)"] = conv
        position += 2  // A rectifier follows each convolution.
      }
      position += 1  // And a pool each block.
    }
    return [("features", features), ("mean", mean), ("deviation", deviation)]
  }

  /// The features of some layers, in their order: [N, C, H / 2^(block - 1), W / 2^(block - 1)].
  public func callAsFunction(_ pictures: Tensor, layers: [Layer]) -> [Tensor] {
    guard let last = layers.max() else { return [] }
    var found: [Layer: Tensor] = [:]
    var x = ((pictures - mean.tensor) / deviation.tensor).channelsLast()
    for (b, block) in blocks.enumerated() where b < last.block {
      if b > 0 { x = maxPool2d(x, kernel: 2) }
      for (n, conv) in block.enumerated() where b + 1 < last.block || n < last.number {
        x = relu(conv(x))
        let layer = Layer(b + 1, n + 1)
        if layers.contains(layer) { found[layer] = x }
      }
    }
    return layers.map { layer in
      guard let features = found[layer] else { preconditionFailure("this VGG has no \(layer)") }
      return features
    }
  }
}
