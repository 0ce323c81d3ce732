import Torch

/// How many dimensions a layer slides over.
public protocol Dimensions {
  static var count: Int { get }
}
/// One dimension: sound, sequences.
public enum Line: Dimensions { public static let count = 1 }
/// Two dimensions: pictures.
public enum Plane: Dimensions { public static let count = 2 }
/// Three dimensions: video [N, C, T, H, W].
public enum Space: Dimensions { public static let count = 3 }

public typealias Conv1d = Convolution<Line>
public typealias Conv2d = Convolution<Plane>
public typealias Conv3d = Convolution<Space>

/// Padding outside of the picture.
public enum PaddingMode: Sendable { case zeros, reflect, replicate, circular }

/// A convolution: [N, inputs, size…] to [N, outputs, size…].
public final class Convolution<D: Dimensions>: UnaryModule, Weighted {
  /// [outputs, inputs / groups, kernel…].
  public let weight: Tensor
  /// [outputs].
  public let bias: Tensor?
  public let stride: [Int]
  public let padding: [Int]
  public let dilation: [Int]
  public let groups: Int
  public let paddingMode: PaddingMode

  /// - Parameters:
  ///   - kernel: one number for all dimensions; so are the others. There is a form with one number a dimension.
  ///   - groups: inputs and outputs are cut into so many groups that do not see each other.
  public convenience init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, dilation: Int = 1,
    groups: Int = 1, bias: Bool = true, paddingMode: PaddingMode = .zeros
  ) {
    self.init(
      inputs, outputs, kernel: every(D.self, kernel), stride: every(D.self, stride),
      padding: every(D.self, padding), dilation: every(D.self, dilation), groups: groups, bias: bias,
      paddingMode: paddingMode)
  }

  /// One number a dimension, the last one the width; `nil` is 1 for stride and dilation and 0 for padding.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: [Int], stride: [Int]? = nil, padding: [Int]? = nil,
    dilation: [Int]? = nil, groups: Int = 1, bias: Bool = true, paddingMode: PaddingMode = .zeros
  ) {
    precondition(kernel.count == D.count, "A kernel of \(D.count) dimensions is needed, not \(kernel).")
    precondition(
      inputs % groups == 0 && outputs % groups == 0, "\(groups) groups do not divide \(inputs) and \(outputs) channels."
    )
    weight = unfilled([outputs, inputs / groups] + kernel)
    self.bias = bias ? unfilled([outputs]) : nil
    self.stride = stride ?? every(D.self, 1)
    self.padding = padding ?? every(D.self, 0)
    self.dilation = dilation ?? every(D.self, 1)
    self.groups = groups
    self.paddingMode = paddingMode
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) { scheme.fill(weight, bias, &noise) }

  public func callAsFunction(_ x: Tensor, weight: Tensor) -> Tensor {
    let padded = padded(x, by: padding, mode: paddingMode)
    let padding = paddingMode == .zeros ? padding : every(D.self, 0)
    return switch D.count {
    case 1: conv1d(padded, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
    case 2: conv2d(padded, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
    default: conv3d(padded, weight, bias, stride: stride, padding: padding, dilation: dilation, groups: groups)
    }
  }
}

public typealias ConvTranspose1d = TransposedConvolution<Line>
public typealias ConvTranspose2d = TransposedConvolution<Plane>
public typealias ConvTranspose3d = TransposedConvolution<Space>

/// A convolution's transpose, which enlarges: [N, inputs, size…] to
/// [N, outputs, (size - 1)·stride - 2·padding + dilation·(kernel - 1) + outputPadding + 1…].
public final class TransposedConvolution<D: Dimensions>: UnaryModule, Weighted {
  /// [inputs, outputs / groups, kernel…].
  public let weight: Tensor
  /// [outputs].
  public let bias: Tensor?
  public let stride: [Int]
  public let padding: [Int]
  public let outputPadding: [Int]
  public let dilation: [Int]
  public let groups: Int

  /// - Parameters:
  ///   - kernel: one number for all dimensions; so are the others. There is a form with one number a dimension.
  ///   - outputPadding: extra size at the end, less than the stride.
  public convenience init(
    _ inputs: Int, _ outputs: Int, kernel: Int, stride: Int = 1, padding: Int = 0, outputPadding: Int = 0,
    dilation: Int = 1, groups: Int = 1, bias: Bool = true
  ) {
    self.init(
      inputs, outputs, kernel: every(D.self, kernel), stride: every(D.self, stride),
      padding: every(D.self, padding), outputPadding: every(D.self, outputPadding),
      dilation: every(D.self, dilation), groups: groups, bias: bias)
  }

  /// One number a dimension, the last one the width; `nil` is 1 for stride and dilation and 0 for paddings.
  public init(
    _ inputs: Int, _ outputs: Int, kernel: [Int], stride: [Int]? = nil, padding: [Int]? = nil,
    outputPadding: [Int]? = nil, dilation: [Int]? = nil, groups: Int = 1, bias: Bool = true
  ) {
    precondition(kernel.count == D.count, "A kernel of \(D.count) dimensions is needed, not \(kernel).")
    precondition(
      inputs % groups == 0 && outputs % groups == 0, "\(groups) groups do not divide \(inputs) and \(outputs) channels."
    )
    weight = unfilled([inputs, outputs / groups] + kernel)
    self.bias = bias ? unfilled([outputs]) : nil
    self.stride = stride ?? every(D.self, 1)
    self.padding = padding ?? every(D.self, 0)
    self.outputPadding = outputPadding ?? every(D.self, 0)
    self.dilation = dilation ?? every(D.self, 1)
    self.groups = groups
  }

  public var outputDimension: Int { 1 }

  public func fill(_ noise: inout Noise, as scheme: Initialization) { scheme.fill(weight, bias, &noise) }

  public func callAsFunction(_ x: Tensor, weight: Tensor) -> Tensor {
    switch D.count {
    case 1:
      convTranspose1d(
        x, weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
        dilation: dilation)
    case 2:
      convTranspose2d(
        x, weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
        dilation: dilation)
    default:
      convTranspose3d(
        x, weight, bias, stride: stride, padding: padding, outputPadding: outputPadding, groups: groups,
        dilation: dilation)
    }
  }
}

private func every<D: Dimensions>(_: D.Type, _ value: Int) -> [Int] { [Int](repeating: value, count: D.count) }

/// `x` padded on both sides of its last dimensions; zeros are left to the convolution.
private func padded(_ x: Tensor, by padding: [Int], mode: PaddingMode) -> Tensor {
  let amounts = padding.reversed().flatMap { [$0, $0] }
  return switch mode {
  case .zeros: x
  case .reflect: pad(x, amounts, mode: .reflect)
  case .replicate: pad(x, amounts, mode: .replicate)
  case .circular: pad(x, amounts, mode: .circular)
  }
}

extension Convolution where D == Plane {
  /// TensorFlow's "same" padding in place of the layer's own: ⌈size / stride⌉ outputs a side, the odd pixel below and to
  /// the right.
  public func same(_ x: Tensor) -> Tensor {
    let pads = (2...3).map { dim -> (before: Int, after: Int) in
      let (size, step, kernel) = (x.size(dim), stride[dim - 2], weight.size(dim))
      let extra = max(((size + step - 1) / step - 1) * step + kernel - size, 0)
      return (extra / 2, extra - extra / 2)
    }
    let sides = [pads[1].before, pads[1].after, pads[0].before, pads[0].after]
    return self(sides.allSatisfy { $0 == 0 } ? x : pad(x, sides))
  }
}
