import Torch

/// All dimensions but the first in one: [N, …] to [N, count].
public final class Flatten: UnaryModule {
  public init() {}
  public func callAsFunction(_ x: Tensor) -> Tensor { x.flattened(from: 1) }
}

/// Another shape after the first dimension: [N, …] to [N, shape…].
public final class Unflatten: UnaryModule {
  let shape: [Int]
  public init(_ shape: Int...) { self.shape = shape }
  public func callAsFunction(_ x: Tensor) -> Tensor { x.reshaped([x.size(0)] + shape) }
}

/// Channels to space: [N, C·factor², H, W] to [N, C, H·factor, W·factor].
public final class PixelShuffle: UnaryModule {
  let factor: Int
  public init(_ factor: Int) { self.factor = factor }
  public func callAsFunction(_ x: Tensor) -> Tensor { pixelShuffle(x, factor) }
}

/// Space to channels, the inverse of `PixelShuffle`.
public final class PixelUnshuffle: UnaryModule {
  let factor: Int
  public init(_ factor: Int) { self.factor = factor }
  public func callAsFunction(_ x: Tensor) -> Tensor { pixelUnshuffle(x, factor) }
}

/// Enlarges pictures by a whole factor: [N, C, H, W] to [N, C, H·factor, W·factor].
public final class Upsample: UnaryModule {
  let factor: Int
  let mode: Resampling
  public init(_ factor: Int, mode: Resampling = .nearest) { (self.factor, self.mode) = (factor, mode) }
  public func callAsFunction(_ x: Tensor) -> Tensor {
    interpolate(x, size: [x.size(2) * factor, x.size(3) * factor], mode: mode)
  }
}

/// The mean of each window: [N, C, H, W].
public final class AvgPool2d: UnaryModule {
  let kernel: Int
  let stride: Int
  /// - Parameter stride: `nil` is the kernel.
  public init(_ kernel: Int, stride: Int? = nil) { (self.kernel, self.stride) = (kernel, stride ?? kernel) }
  public func callAsFunction(_ x: Tensor) -> Tensor {
    averagePool2d(x, kernel: kernel, stride: stride)
  }
}

/// The greatest number of each window: [N, C, H, W].
public final class MaxPool2d: UnaryModule {
  let kernel: Int
  let stride: Int
  /// - Parameter stride: `nil` is the kernel.
  public init(_ kernel: Int, stride: Int? = nil) { (self.kernel, self.stride) = (kernel, stride ?? kernel) }
  public func callAsFunction(_ x: Tensor) -> Tensor { maxPool2d(x, kernel: kernel, stride: stride) }
}

/// The means of windows that make the given size: [N, C, H, W] to [N, C, height, width].
public final class AdaptiveAvgPool2d: UnaryModule {
  let size: [Int]
  public init(_ height: Int, _ width: Int) { size = [height, width] }
  public func callAsFunction(_ x: Tensor) -> Tensor { adaptiveAveragePool2d(x, size: size) }
}

/// Pads both sides of height and width: [N, C, H, W] to [N, C, H + 2·amount, W + 2·amount].
public final class Pad2d: UnaryModule {
  let amount: Int
  let mode: PaddingMode
  public init(_ amount: Int, mode: PaddingMode = .reflect) { (self.amount, self.mode) = (amount, mode) }
  public func callAsFunction(_ x: Tensor) -> Tensor {
    let amounts = [Int](repeating: amount, count: 4)
    return switch mode {
    case .zeros: pad(x, amounts, mode: .constant(0))
    case .reflect: pad(x, amounts, mode: .reflect)
    case .replicate: pad(x, amounts, mode: .replicate)
    case .circular: pad(x, amounts, mode: .circular)
    }
  }
}
