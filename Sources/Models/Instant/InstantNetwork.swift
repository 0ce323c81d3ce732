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
    func callAsFunction(_ x: Tensor, _ style: Tensor, _ held: Held?) -> Tensor {
      let beyond = weight.size(3) / 2
      let y = conv2d(pad(x, [beyond, beyond, beyond, beyond], mode: .reflect), weight, nil)
      return normalized(y, (scale(style), shift(style)), held)
    }
  }

  let predictor = StylePredictor()
  let contract: [Conv2d]
  let residual: [[Layer]]
  let expand: [Layer]

  public var members: [(name: String, value: Any)] {
    [("predictor", predictor), ("contract", contract), ("residual", residual), ("expand", expand)]
  }

  public init() {
    func narrowing(_ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1) -> Conv2d {
      Conv2d(inputs, outputs, kernel: kernel, stride: stride, padding: kernel / 2, paddingMode: .reflect)
    }
    contract = [narrowing(3, 8, kernel: 9), narrowing(8, 16, stride: 2), narrowing(16, 32, stride: 2)]
    residual = (0..<5).map { _ in [Layer(32, 32), Layer(32, 32)] }
    expand = [Layer(32, 16), Layer(16, 8), Layer(8, 3, kernel: 9)]
  }

  /// Height and width of pictures are multiples of it.
  public static let multiple = 4
  /// How far a pixel looks: 4 px, two halvings, eleven convolutions at a quarter of the size, and back; then `Texture`.
  static let margin = 64 + Texture.margin
  static let bytesPerPixel = 500.0

  /// The style of pictures, [N, StylePredictor.size].
  ///
  /// - Parameter pictures: [N, 3, H, W] in 0...1.
  func style(of pictures: Tensor) -> Tensor { predictor.bottleneck(predictor.pooled(pictures)).to(.float32) }

  /// The network's part, before it is mixed.
  ///
  /// - Parameters:
  ///   - pictures: [N, 3, H, W] in 0...1.
  ///   - style: [N, StylePredictor.size].
  ///   - held: what depends on the picture as a whole, for tiles of one.
  /// - Returns: [N, 3, H, W] in 0...1, float32.
  func raw(_ pictures: Tensor, _ style: Tensor, held: Held? = nil) -> Tensor {
    held?.rewind()
    var x = pictures
    for layer in contract { x = relu(layer(x)) }
    for pair in residual { x = x + pair[1](relu(pair[0](x, style, held)), style, held) }
    for (i, layer) in expand.enumerated() {
      if i < 2 { x = interpolate(x, size: [2 * x.size(2), 2 * x.size(3)], mode: .nearest) }
      x = layer(x, style, held)
      if i < 2 { x = relu(x) }
    }
    return sigmoid(x.to(.float32))
  }

  /// - Returns: [N, 3, H, W], float32, about 0...1.
  func painted(_ pictures: Tensor, _ style: Tensor, texture: Texture, held: Held? = nil) -> Tensor {
    let made = raw(pictures, style, held: held)
    return withAutocast(false, on: made.device) {
      texture.carried(to: texture.mixed(made, with: pictures, held: held), held: held)
    }
  }
}
