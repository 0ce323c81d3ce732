import Networks
import Torch

/// Paints a picture in any style in one pass: a small network whose normalisations' scales and shifts are predicted from
/// the style (Ghiasi et al. 2017, "Exploring the structure of a real-time, arbitrary neural artistic stylization network"),
/// and mixed with the photograph; colours and grain are carried to the style's (`Texture`).
public final class InstantNetwork: Module {
  typealias Style = BrushNetwork.Style

  /// A convolution and its normalisation: pictures are mirrored beyond their edges.
  final class Layer: Module {
    let weight: Tensor
    let scale: Linear, shift: Linear

    init(_ inputs: Int, _ outputs: Int, kernel: Int = 3) {
      weight = Tensor.zeros([outputs, inputs, kernel, kernel]).requiringGradient()
      scale = Linear(StylePredictor.size, outputs)
      shift = Linear(StylePredictor.size, outputs)
    }

    var members: [(name: String, value: Any)] { [("weight", weight), ("scale", scale), ("shift", shift)] }

    func fill(_ noise: inout Noise, as scheme: Initialization) { scheme.fill(weight, nil, &noise) }

    /// - Parameter style: [N, StylePredictor.size], float32.
    func callAsFunction(_ x: Tensor, _ style: Tensor, _ tileStatistics: TileStatistics?) -> Tensor {
      let beyond = weight.size(3) / 2
      let y = conv2d(pad(x, [beyond, beyond, beyond, beyond], mode: .reflect), weight, nil)
      return normalized(y, (scale(style), shift(style)), tileStatistics)
    }

    /// The same of a picture whose pixels are doubled first.
    func callAsFunction(doubled x: Tensor, _ style: Tensor, _ tileStatistics: TileStatistics?) -> Tensor {
      normalized(conv2d(doubled: x, weight, nil, paddingMode: .reflect), (scale(style), shift(style)), tileStatistics)
    }
  }

  let predictor = StylePredictor()
  let contract: [Conv2d]
  let residual: [[Layer]]
  let expand: [Layer]

  public var members: [(name: String, value: Any)] {
    [("predictor", predictor), ("contract", contract), ("residual", residual), ("expand", expand)]
  }

  /// Channels of its middle.
  public let width: Int

  /// - Parameter width: a multiple of 4.
  public init(width: Int = 32) {
    precondition(width > 0 && width % 4 == 0, "a width of \(width)")
    self.width = width
    func narrowing(_ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1) -> Conv2d {
      Conv2d(inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, paddingMode: .reflect)
    }
    let (half, quarter) = (width / 2, width / 4)
    contract = [
      narrowing(3, quarter, kernel: 9), narrowing(quarter, half, stride: 2), narrowing(half, width, stride: 2),
    ]
    residual = (0..<5).map { _ in [Layer(width, width), Layer(width, width)] }
    expand = [Layer(width, half), Layer(half, quarter), Layer(quarter, 3, kernel: 9)]
  }

  /// Weights of a network that is as wide or some times narrower, made as wide as this: each channel is there several times,
  /// nearly alike, so that it paints as the other until it learns (Chen et al. 2016, "Net2Net", section 2.2).
  ///
  /// - Throws: `StateError` when they are another network's.
  func widen(_ weights: [String: Tensor]) throws(StateError) {
    var noise = Noise(seed: 0)
    var wide = weights
    for (name, own) in state {
      guard let given = weights[name], given.rank == own.rank, given.shape != own.shape else { continue }
      let copies = zip(own.shape, given.shape).map { $0 / max(1, $1) }
      guard zip(own.shape, zip(given.shape, copies)).allSatisfy({ $0 == $1.0 * $1.1 }) else { continue }
      var copied = given.to(.float32).repeated(copies)
      if own.rank == 4 {
        // What comes in several times counts less each time; what is alike to the bit would stay so.
        copied = copied / Double(copies[1])
        let fan = Double(own.count / own.size(0))
        copied = copied + noise.normal(own.shape) * (0.05 / fan.squareRoot())
      }
      wide[name] = copied
    }
    try load(wide)
  }

  /// Height and width of pictures are multiples of it.
  public static let multiple = 4
  /// How far a pixel looks: 4 px, two halvings, eleven convolutions at a quarter of the size, and back; then `Texture`.
  static let margin = 64 + Texture.margin
  var bytesPerPixel: Double { 250 + 8 * Double(width) }

  /// The style of pictures, [N, StylePredictor.size].
  ///
  /// - Parameter pictures: [N, 3, H, W] in 0...1.
  func style(of pictures: Tensor) -> Tensor { predictor.bottleneck(predictor.pooled(pictures)).to(.float32) }

  /// The network's part, before it is mixed.
  ///
  /// - Parameters:
  ///   - pictures: [N, 3, H, W] in 0...1.
  ///   - style: [N, StylePredictor.size].
  ///   - tileStatistics: what depends on the picture as a whole, for tiles of one.
  /// - Returns: [N, 3, H, W] in 0...1, float32.
  func raw(_ pictures: Tensor, _ style: Tensor, tileStatistics: TileStatistics? = nil) -> Tensor {
    tileStatistics?.rewind()
    var x = pictures
    for layer in contract { x = relu(layer(x)) }
    for pair in residual { x = x + pair[1](relu(pair[0](x, style, tileStatistics)), style, tileStatistics) }
    for layer in expand.prefix(2) { x = relu(layer(doubled: x, style, tileStatistics)) }
    x = expand[2](x, style, tileStatistics)
    return sigmoid(x.to(.float32))
  }

  /// - Returns: [N, 3, H, W], float32, about 0...1.
  func painted(_ pictures: Tensor, _ style: Tensor, texture: Texture, tileStatistics: TileStatistics? = nil) -> Tensor {
    let made = raw(pictures, style, tileStatistics: tileStatistics)
    return withAutocast(false, on: made.device) {
      texture.carried(
        to: texture.mixed(made, with: pictures, tileStatistics: tileStatistics), tileStatistics: tileStatistics)
    }
  }
}
