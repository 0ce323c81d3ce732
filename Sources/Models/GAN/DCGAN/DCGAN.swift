import Networks
import Torch

/// Radford et al. 2015. Latents [N, latent, 1, 1] to pictures [N, channels, size, size] in -1...1.
public final class DCGANGenerator: Module {
  let main: Sequential
  /// The class embedding, added to the latents.
  let classEmbedding: Linear?
  private let isSeamless: Bool

  /// - Parameters:
  ///   - widths: channels at 4, 8, 16, … px, up to half of the pictures' size.
  ///   - classes: how many classes it can be asked for; 0 for none.
  ///   - isSeamless: its pictures go on at the other edge.
  public init(latent: Int, widths: [Int], channels: Int, classes: Int = 0, isSeamless: Bool = false) {
    self.isSeamless = isSeamless
    classEmbedding = classes > 0 ? Linear(classes, latent, bias: false) : nil
    var layers: [any UnaryModule] = [
      ConvTranspose2d(latent, widths[0], kernel: 4, bias: false), BatchNorm2d(widths[0]), ReLU(),
    ]
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      layers += [
        ConvTranspose2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(outputs), ReLU(),
      ]
    }
    layers += [ConvTranspose2d(widths.last!, channels, kernel: 4, stride: 2, padding: 1), Tanh()]
    main = Sequential(layers)
  }

  public var members: [(name: String, value: Any)] { members(saved: ["classEmbedding": "kind"]) }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let classEmbedding { classEmbedding.weight.copy(from: noise.normal(classEmbedding.weight.shape)) }
  }

  /// - Parameter classes: [N, classes], with a 1 where a picture's class is; nil for none.
  public func callAsFunction(_ z: Tensor, classes: Tensor? = nil) -> Tensor {
    var x = z
    if let classEmbedding, let classes { x = x + classEmbedding(classes).unsqueezed(-1).unsqueezed(-1) }
    guard isSeamless else { return main(x) }
    return main.layers.reduce(x) { x, layer in
      guard layer is ConvTranspose2d, x.size(2) > 1 else { return layer(x) }
      // One pixel more on each side is all that an outer pixel depends on; what it becomes is cut off again.
      let wide = layer(pad(x, [1, 1, 1, 1], mode: .circular)), side = 2 * x.size(2)
      return wide.narrowed(dim: 2, from: 2, count: side).narrowed(dim: 3, from: 2, count: side)
    }
  }
}

/// The generator's mirror image: pictures [N, channels, size, size] to logits [N, 1, 1, 1] of being real.
public final class DCGANDiscriminator: Module {
  let main: Sequential
  /// The class embedding of the projection discriminator (Miyato and Koyama 2018).
  let classEmbedding: Linear?

  /// - Parameter classes: how many classes of pictures it is told of; 0 for none.
  public init(width: Int, size: Int, channels: Int, classes: Int = 0) {
    classEmbedding = classes > 0 ? Linear(classes, dcganWidths(width, size)[0], bias: false) : nil
    let widths = Array(dcganWidths(width, size).reversed())
    var layers: [any UnaryModule] = [Conv2d(channels, widths[0], kernel: 4, stride: 2, padding: 1), LeakyReLU(0.2)]
    for (inputs, outputs) in zip(widths, widths.dropFirst()) {
      layers += [
        Conv2d(inputs, outputs, kernel: 4, stride: 2, padding: 1, bias: false), BatchNorm2d(outputs), LeakyReLU(0.2),
      ]
    }
    layers.append(Conv2d(widths.last!, 1, kernel: 4))
    main = Sequential(layers)
  }

  public var members: [(name: String, value: Any)] { members(saved: ["classEmbedding": "kind"]) }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let classEmbedding { Initialization.zero.fill(classEmbedding.weight, nil, &noise) }
  }

  /// - Parameter classes: [N, classes], with a 1 where a picture's class is; nil for none.
  public func callAsFunction(_ x: Tensor, classes: Tensor? = nil) -> Tensor {
    guard let classEmbedding, let classes else { return main(x) }
    let features = main.layers.dropLast().reduce(x) { $1($0) }
    let likeness = (features.mean(dims: [2, 3]) * classEmbedding(classes)).sum(dims: [1]).reshaped([-1, 1, 1, 1])
    return main.layers.last!(features) + likeness
  }
}

/// Channels at 4 px, 8 px, … half the size: they double as the size halves, up to 512 or 8 · width.
func dcganWidths(_ width: Int, _ size: Int) -> [Int] {
  let most = max(512, 8 * width)
  var widths: [Int] = []
  var side = size / 2
  while side >= 4 {
    widths.insert(min(most, width * (size / 2 / side)), at: 0)
    side /= 2
  }
  return widths
}
