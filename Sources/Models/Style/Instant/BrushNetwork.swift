import Networks
import Torch
import Training

/// A feed-forward painter of a fixed number of styles, told apart by the scales and shifts of its normalisations alone
/// (Johnson et al. 2016 with Dumoulin et al. 2017, "A learned representation for artistic style").
///
/// States carry the names of the published network of 26 styles: `contract.0.w`, `res.0.1.norm.gamma`.
public final class BrushNetwork: Module {
  /// A convolution without bias and its normalisation: pictures are mirrored beyond their edges.
  final class Layer: Module {
    let w: Tensor
    let norm: Norm
    private let step: Int
    final class Norm: Module {
      /// [styles, channels].
      let gamma: Tensor, beta: Tensor
      init(_ styles: Int, _ channels: Int) {
        gamma = Tensor.ones([styles, channels]).requiringGradient()
        beta = Tensor.zeros([styles, channels]).requiringGradient()
      }
    }

    init(_ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, styles: Int) {
      w = Tensor.zeros([outputs, inputs, kernel, kernel]).requiringGradient()
      norm = Norm(styles, outputs)
      step = stride
    }

    var members: [(name: String, value: Any)] { [("w", w), ("norm", norm)] }

    func fill(_ noise: inout Noise, as scheme: Initialization) { scheme.fill(w, nil, &noise) }

    /// - Parameter style: scales and shifts [N, channels].
    func callAsFunction(_ x: Tensor, _ style: Style, _ tileStatistics: TileStatistics?) -> Tensor {
      let beyond = w.size(3) / 2
      let y = conv2d(pad(x, [beyond, beyond, beyond, beyond], mode: .reflect), w, nil, stride: [step, step])
      return normalized(y, style, tileStatistics)
    }

    /// The same of a picture whose pixels are doubled first.
    func callAsFunction(doubled x: Tensor, _ style: Style, _ tileStatistics: TileStatistics?) -> Tensor {
      normalized(conv2d(doubled: x, w, nil, paddingMode: .reflect), style, tileStatistics)
    }
  }

  /// What a normalisation does to a picture, [N, channels] each.
  typealias Style = (scale: Tensor, shift: Tensor)

  let contract: [Layer]
  let res: [[Layer]]
  let expand: [Layer]
  public let styles: Int

  public var members: [(name: String, value: Any)] { [("contract", contract), ("res", res), ("expand", expand)] }

  public init(styles: Int) {
    precondition(styles > 0, "a brush has a style")
    self.styles = styles
    func layer(_ inputs: Int, _ outputs: Int, kernel: Int = 3, stride: Int = 1) -> Layer {
      Layer(inputs, outputs, kernel: kernel, stride: stride, styles: styles)
    }
    contract = [layer(3, 32, kernel: 9), layer(32, 32, stride: 2), layer(32, 32, stride: 2)]
    res = (0..<6).map { _ in [layer(32, 32), layer(32, 32)] }
    expand = [layer(32, 8), layer(8, 4), layer(4, 3, kernel: 9)]
  }

  /// Height and width of pictures are multiples of it.
  public static let multiple = 4
  /// How far a pixel looks: 4 px, two halvings, twelve convolutions at a quarter of the size, and back.
  static let margin = 72
  static let bytesPerPixel = 1200.0

  /// All layers, in the order of computing.
  var layers: [Layer] { contract + res.flatMap { $0 } + expand }

  /// The scales and shifts of a mixture of styles, a pair a layer.
  ///
  /// - Parameter mixture: [N, styles], how much of each; rows sum to 1.
  func steering(_ mixture: Tensor) -> [Style] {
    layers.map { (matmul(mixture, $0.norm.gamma), matmul(mixture, $0.norm.beta)) }
  }

  /// - Parameters:
  ///   - pictures: [N, 3, H, W] in 0...1.
  ///   - styles: a pair a layer.
  ///   - tileStatistics: what depends on the picture as a whole, for tiles of one.
  /// - Returns: [N, 3, H, W] in 0...1, float32.
  func painted(_ pictures: Tensor, _ styles: [Style], tileStatistics: TileStatistics? = nil) -> Tensor {
    tileStatistics?.rewind()
    var rest = styles[...]
    func pass(_ layer: Layer, _ x: Tensor) -> Tensor { layer(x, rest.removeFirst(), tileStatistics) }
    var x = pictures
    for layer in contract { x = relu(pass(layer, x)) }
    for pair in res { x = x + pass(pair[1], relu(pass(pair[0], x))) }
    for layer in expand.prefix(2) { x = relu(layer(doubled: x, rest.removeFirst(), tileStatistics)) }
    x = pass(expand[2], x)
    return sigmoid(x.to(.float32))
  }

  /// - Parameters:
  ///   - pictures: [N, 3, H, W] in 0...1.
  ///   - mixture: [N, styles], how much of each; rows sum to 1.
  /// - Returns: [N, 3, H, W] in 0...1, float32.
  public func callAsFunction(_ pictures: Tensor, _ mixture: Tensor, tileStatistics: TileStatistics? = nil) -> Tensor {
    painted(pictures, steering(mixture), tileStatistics: tileStatistics)
  }
}

/// y normalised over each picture's places, scaled and shifted.
///
/// - Parameter tileStatistics: keeps mean and deviation, for tiles of one picture.
func normalized(_ y: Tensor, _ style: BrushNetwork.Style, _ tileStatistics: TileStatistics?) -> Tensor {
  let (scale, shift) = (style.scale.unsqueezed(2).unsqueezed(3), style.shift.unsqueezed(2).unsqueezed(3))
  guard let tileStatistics else { return instanceNorm(y) * scale + shift }
  let (mean, inverse) = tileStatistics.next {
    let mean = y.mean(dims: [2, 3], keepDims: true)
    return (mean, rsqrt(square(y - mean).mean(dims: [2, 3], keepDims: true) + 1e-5))
  }
  return (y - mean) * inverse * scale + shift
}

/// A `BrushNetwork` with the mixture of styles that it paints in.
public final class BrushPainter: PictureTransfer {
  private let network: BrushNetwork
  private let style: Tensor
  private let usesBFloat16: Bool
  private var tileStatistics: TileStatistics?
  private var shot: TileStatistics?

  /// - Parameter weights: of each style; they needn't sum to 1.
  public init(_ network: BrushNetwork, weights: [Double], on device: Device, precision: String = "auto") {
    precondition(weights.count == network.styles, "\(weights.count) weights for \(network.styles) styles")
    let sum = weights.reduce(0, +)
    self.network = network
    style = Tensor(weights.map { Float($0 / sum) }, shape: [1, weights.count]).to(device)
    usesBFloat16 = precision == "bfloat16" || precision == "auto" && device.prefersBFloat16
  }

  public let channels = 3
  public let multiple = BrushNetwork.multiple
  public let least = 24
  public let margin: Int? = BrushNetwork.margin
  public let bytesPerPixel = BrushNetwork.bytesPerPixel

  public func callAsFunction(_ x: Tensor) -> Tensor {
    withoutGradients {
      let given = ((x + 1) / 2).channelsLast()
      return withAutocast(usesBFloat16, on: x.device) { network(given, style, tileStatistics: tileStatistics ?? shot) }
        * 2 - 1
    }
  }

  /// The pieces side by side, as if they were a picture.
  public func hold(_ pieces: Tensor) {
    tileStatistics = TileStatistics()
    _ = self(Tensor.concatenated(pieces.unbound().map { $0.unsqueezed(0) }, dim: 3))
  }
  public func release() { tileStatistics = nil }

  public func follow() { shot = TileStatistics(following: followedShare) }
  public var followed: [(Tensor, Tensor)] {
    get { shot?.kept ?? [] }
    set { shot?.kept = newValue }
  }
}

/// A network of as many styles as the weights have.
///
/// - Throws: `StateError` when they are another network's.
public func brushNetwork(_ weights: [String: Tensor]) throws(StateError) -> BrushNetwork {
  let network = BrushNetwork(styles: try weights.shape(of: "contract.0.norm.gamma", rank: 2)[0])
  try network.load(weights)
  return network
}

/// Painters of several styles, as the published ONNX network of 26.
var brushImport: Importable {
  Importable("brush", use: "styles of its own, by `atelier restyle --with` its name `--style 0`") { weights in
    .init(weights, words: "\(try brushNetwork(weights).styles) styles")
  }
}
