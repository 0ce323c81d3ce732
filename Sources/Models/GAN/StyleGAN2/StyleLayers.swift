import Networks
import Torch

/// A convolution whose inputs are scaled by a style and whose outputs are brought back to unit variance (Karras et al.
/// 2020, equations 1 and 3).
///
/// The paper scales the weights, picture by picture; here the inputs and outputs are scaled, which is the same number and
/// needs no weights of each picture's own.
///
/// - Parameters:
///   - x: [N, inputs, H, W].
///   - weight: [outputs, inputs, k, k], k odd.
///   - styles: [N, inputs].
///   - demodulates: whether outputs are brought to unit variance.
///   - doubles: enlarges by two: zeros between pixels, the convolution, and [1, 3, 3, 1].
///   - isSeamless: what is beyond an edge is what is at the other one.
/// - Returns: [N, outputs, H, W], or twice that size.
public func modulatedConvolution(
  _ x: Tensor, weight: Tensor, styles: Tensor, demodulates: Bool = true, doubles: Bool = false,
  isSeamless: Bool = false
) -> Tensor {
  let border = weight.size(2) / 2
  let scaled = x * styles.to(x.dtype).unsqueezed(-1).unsqueezed(-1)
  var y: Tensor
  if doubles {
    precondition(weight.size(2) == 3, "enlarging takes kernels of 3")
    // Two pixels more on each side are all that an outer pixel depends on; what they become is cut off again.
    let margin = isSeamless ? 2 : 0
    let seen = isSeamless ? pad(scaled, [Int](repeating: margin, count: 4), mode: .circular) : scaled
    let between = convTranspose2d(seen, weight.transposed(0, 1), stride: [2, 2])
    y = smoothed(between, padding: 1, gain: 4)
    if isSeamless { y = cropped(y, by: 2 * margin) }
  } else if isSeamless && border > 0 {
    y = conv2d(pad(scaled, [Int](repeating: border, count: 4), mode: .circular), weight)
  } else {
    y = conv2d(scaled, weight, padding: [border, border])
  }
  guard demodulates else { return y }
  let gain = withAutocast(false, on: x.device) {
    let dtype = weight.dtype
    let power = square(weight).sum(dims: [2, 3])
    return rsqrt(matmul(square(styles.to(dtype)), power.T) + 1e-8)
  }
  return y * gain.to(y.dtype).unsqueezed(-1).unsqueezed(-1)
}

/// A picture of twice the size, smoothed by [1, 3, 3, 1].
func enlargedSkip(_ x: Tensor, isSeamless: Bool) -> Tensor {
  guard isSeamless else { return upsample2x(x) }
  return cropped(upsample2x(pad(x, [2, 2, 2, 2], mode: .circular)), by: 4)
}

private func cropped(_ x: Tensor, by margin: Int) -> Tensor {
  x.narrowed(dim: 2, from: margin, count: x.size(2) - 2 * margin)
    .narrowed(dim: 3, from: margin, count: x.size(3) - 2 * margin)
}

/// The features with one map more: how much they differ within groups of pictures (Karras et al. 2018, section 3), so that
/// a discriminator notices when all pictures are alike.
///
/// - Parameters:
///   - x: [N, C, H, W].
///   - group: pictures that are compared; the largest number up to it that divides N.
public func withMinibatchDeviation(_ x: Tensor, group: Int = 4) -> Tensor {
  let map = minibatchDeviation(ProcessGroup.current?.gathered(x) ?? x, group: group)
  let own = ProcessGroup.current.map { map.narrowed(dim: 0, from: $0.rank * x.size(0), count: x.size(0)) } ?? map
  return Tensor.concatenated([x, own.to(x.dtype)], dim: 1)
}

/// [N, 1, H, W].
private func minibatchDeviation(_ x: Tensor, group: Int) -> Tensor {
  let (n, c, h, w) = (x.size(0), x.size(1), x.size(2), x.size(3))
  let g = (1...min(group, n)).last { n % $0 == 0 }!
  // Picture i is compared with i + N/g, i + 2·N/g ….
  let y = x.reshaped([g, n / g, c, h, w])
  let centred = y - y.mean(dims: [0], keepDims: true)
  let deviation = sqrt(square(centred).mean(dims: [0]) + 1e-8).mean(dims: [1, 2, 3])
  return deviation.reshaped([1, n / g, 1, 1, 1]).expanded([g, n / g, 1, h, w]).reshaped([n, 1, h, w])
}

/// How far pictures move for a step in w: ‖Jᵀy‖ for each picture, with y standard normal over √(H·W) (Karras et al. 2020,
/// equation 4).
///
/// - Parameters:
///   - pictures: [N, C, H, W], made from `ws`.
///   - ws: [N, layers, D].
///   - direction: like the pictures, standard normal.
/// - Returns: [N]; can be differentiated.
public func pathLengths(_ pictures: Tensor, _ ws: Tensor, along direction: Tensor) -> Tensor {
  let scale = Double(pictures.size(2) * pictures.size(3)).squareRoot()
  let slope = gradients(of: (pictures * direction / scale).sum(), withRespectTo: [ws], createGraph: true)[0]
  return sqrt(square(slope).sum(dims: [2]).mean(dims: [1]))
}

/// A linear layer with weights of unit variance, scaled when they are used (Karras et al. 2018, section 4.1).
final class EqualLinear: Module {
  let weight: Tensor, bias: Tensor
  private let rateFactor: Double, start: Double, isRectified: Bool

  /// - Parameters:
  ///   - start: the bias at the beginning.
  ///   - rateFactor: by which it learns slower than the optimizer says.
  ///   - isRectified: followed by a LeakyReLU times √2.
  init(_ inputs: Int, _ outputs: Int, start: Double = 0, rateFactor: Double = 1, isRectified: Bool = false) {
    weight = Tensor.full([outputs, inputs], .nan).requiringGradient()
    bias = Tensor.full([outputs], .nan).requiringGradient()
    (self.rateFactor, self.start, self.isRectified) = (rateFactor, start, isRectified)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    weight.copy(from: noise.normal(weight.shape) / rateFactor)
    bias.fill(start)
  }

  func callAsFunction(_ x: Tensor) -> Tensor {
    let gain = rateFactor / Double(weight.size(1)).squareRoot()
    let y = linear(x, weight * gain, rateFactor == 1 ? bias : bias * rateFactor)
    return isRectified ? rectified(y) : y
  }
}

/// LeakyReLU times √2, which keeps the mean square.
func rectified(_ x: Tensor, gain: Double = 1) -> Tensor { leakyRelu(x) * (2.0.squareRoot() * gain) }

/// A plain convolution with weights of unit variance, scaled when they are used; may halve the size after [1, 3, 3, 1].
final class EqualConv2d: Module {
  let weight: Tensor
  let bias: Tensor?
  private let halves: Bool, isRectified: Bool

  init(_ inputs: Int, _ outputs: Int, kernel: Int, halves: Bool = false, isRectified: Bool = true, bias: Bool = true) {
    weight = Tensor.full([outputs, inputs, kernel, kernel], .nan).requiringGradient()
    self.bias = bias ? Tensor.full([outputs], .nan).requiringGradient() : nil
    (self.halves, self.isRectified) = (halves, isRectified)
  }

  func fill(_ noise: inout Noise, as scheme: Initialization) {
    weight.copy(from: noise.normal(weight.shape))
    bias?.fill(0)
  }

  func callAsFunction(_ x: Tensor, gain: Double = 1) -> Tensor {
    let kernel = weight.size(2), border = kernel / 2
    let w = weight * (1 / Double(weight.size(1) * kernel * kernel).squareRoot())
    let y: Tensor
    if !halves {
      y = conv2d(x, w, bias, padding: [border, border])
    } else if kernel == 1 {
      y = conv2d(downsample2x(x), w, bias)
    } else {
      y = conv2d(smoothed(x, padding: border + 1), w, bias, stride: [2, 2])
    }
    return isRectified ? rectified(y, gain: gain) : gain == 1 ? y : y * gain
  }
}
