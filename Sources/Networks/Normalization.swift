import Torch

public typealias BatchNorm1d = BatchNorm
public typealias BatchNorm2d = BatchNorm
public typealias BatchNorm3d = BatchNorm

/// Batch normalisation over every dimension but 1 (Ioffe and Szegedy 2015): [N, channels, …].
///
/// While it trains it uses the batch's own statistics, which follow into the running ones; else the running ones.
public final class BatchNorm: UnaryModule, ModeDependent {
  public let weight: Tensor?
  public let bias: Tensor?
  public let runningMean: Tensor?
  public let runningVar: Tensor?
  public let numBatchesTracked: Tensor?
  public var isTraining = true
  let momentum: Double
  let epsilon: Double

  /// - Parameters:
  ///   - momentum: the share of a new batch in the running statistics.
  ///   - affine: whether scale and shift are learned.
  ///   - tracksStatistics: whether running statistics are kept; without them the batch's own are always used.
  public init(
    _ channels: Int, epsilon: Double = 1e-5, momentum: Double = 0.1, affine: Bool = true, tracksStatistics: Bool = true
  ) {
    weight = affine ? unfilled([channels]) : nil
    bias = affine ? unfilled([channels]) : nil
    runningMean = tracksStatistics ? Tensor.zeros([channels]) : nil
    runningVar = tracksStatistics ? Tensor.ones([channels]) : nil
    numBatchesTracked = tracksStatistics ? Tensor.zeros([], dtype: .int64) : nil
    (self.epsilon, self.momentum) = (epsilon, momentum)
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let weight { scheme.fill(scale: weight, shift: bias, &noise) }
    runningMean?.fill(0)
    runningVar?.fill(1)
    numBatchesTracked?.fill(0)
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    if isTraining, let numBatchesTracked { kernels.addScalar_.run(.tensor(numBatchesTracked), .int(1)) }
    if isTraining || runningMean == nil, let group = ProcessGroup.current { return normalised(x, by: group) }
    return batchNorm(
      x, weight: weight, bias: bias, runningMean: runningMean, runningVar: runningVar,
      isTraining: isTraining || runningMean == nil, momentum: momentum, epsilon: epsilon)
  }
}

extension BatchNorm {
  /// By the statistics of all processes' batches together, as one process would have them.
  fileprivate func normalised(_ x: Tensor, by group: ProcessGroup) -> Tensor {
    let dims = (0..<x.rank).filter { $0 != 1 }, shape = (0..<x.rank).map { $0 == 1 ? x.size(1) : 1 }
    let values = x.to(.float32), count = Double(x.count / x.size(1) * group.count)
    // The mean first: a mean of squares less the square of the mean would lose digits.
    let mean = group.summed(values.sum(dims: dims)) / count
    let centred = values - mean.reshaped(shape)
    let variance = group.summed(square(centred).sum(dims: dims)) / count
    if isTraining, let runningMean, let runningVar {
      withoutGradients {
        runningMean.copy(from: runningMean * (1 - momentum) + mean.detached() * momentum)
        runningVar.copy(
          from: runningVar * (1 - momentum) + variance.detached() * (momentum * count / max(1, count - 1)))
      }
    }
    var y = centred * rsqrt(variance + epsilon).reshaped(shape)
    if let weight { y = y * weight.reshaped(shape) }
    if let bias { y = y + bias.reshaped(shape) }
    return y.to(x.dtype)
  }
}

/// Instance normalisation of each picture's channels by themselves (Ulyanov et al. 2016): [N, channels, H, W].
public final class InstanceNorm2d: UnaryModule {
  public let weight: Tensor?
  public let bias: Tensor?
  let epsilon: Double

  /// - Parameter affine: whether scale and shift are learned.
  public init(_ channels: Int, epsilon: Double = 1e-5, affine: Bool = false) {
    weight = affine ? unfilled([channels]) : nil
    bias = affine ? unfilled([channels]) : nil
    self.epsilon = epsilon
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let weight { scheme.fill(scale: weight, shift: bias, &noise) }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor { instanceNorm(x, weight: weight, bias: bias, epsilon: epsilon) }
}

/// Group normalisation (Wu and He 2018): each picture's channels in `groups` groups. [N, channels, …].
public final class GroupNorm: UnaryModule {
  public let weight: Tensor?
  public let bias: Tensor?
  let groups: Int
  let epsilon: Double

  public init(_ groups: Int, _ channels: Int, epsilon: Double = 1e-5, affine: Bool = true) {
    precondition(channels % groups == 0, "\(groups) groups do not divide \(channels) channels.")
    weight = affine ? unfilled([channels]) : nil
    bias = affine ? unfilled([channels]) : nil
    (self.groups, self.epsilon) = (groups, epsilon)
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let weight { scheme.fill(scale: weight, shift: bias, &noise) }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    groupNorm(x, groups: groups, weight: weight, bias: bias, epsilon: epsilon)
  }

  /// Normalises a few groups after the others, in the memory of `x` itself, where no gradients are recorded.
  public func normalise(inPlace x: Tensor) {
    precondition(!gradientsAreRecorded, "what is changed in place has no gradients")
    let parts = gcd(groups, 4), width = x.size(1) / parts
    for part in 0..<parts {
      func cut(_ t: Tensor?) -> Tensor? { t?.narrowed(dim: 0, from: part * width, count: width) }
      let place = x.narrowed(dim: 1, from: part * width, count: width)
      place.copy(
        from: groupNorm(place, groups: groups / parts, weight: cut(weight), bias: cut(bias), epsilon: epsilon))
    }
  }
}

private func gcd(_ a: Int, _ b: Int) -> Int { b == 0 ? a : gcd(b, a % b) }

/// Layer normalisation over the last dimensions (Ba et al. 2016): […, shape…].
public final class LayerNorm: UnaryModule {
  public let weight: Tensor?
  public let bias: Tensor?
  let shape: [Int]
  let epsilon: Double

  public init(_ shape: Int..., epsilon: Double = 1e-5, affine: Bool = true, bias: Bool = true) {
    weight = affine ? unfilled(shape) : nil
    self.bias = affine && bias ? unfilled(shape) : nil
    (self.shape, self.epsilon) = (shape, epsilon)
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    if let weight { scheme.fill(scale: weight, shift: bias, &noise) }
  }

  public func callAsFunction(_ x: Tensor) -> Tensor {
    layerNorm(x, shape: shape, weight: weight, bias: bias, epsilon: epsilon)
  }
}

/// Each position's channels at mean square 1 (Karras et al. 2018, section 4.2): [N, C, …].
public final class PixelNorm: UnaryModule {
  let epsilon: Double
  public init(epsilon: Double = 1e-8) { self.epsilon = epsilon }
  public func callAsFunction(_ x: Tensor) -> Tensor {
    x * rsqrt(square(x).mean(dims: [1], keepDims: true) + epsilon)
  }
}
