import Torch

/// How much the pictures of each group of a batch differ: the standard deviation over the group, the mean of all features
/// (Karras et al. 2018, section 3). A discriminator that is told sees that a generator makes one picture of a class.
///
/// - Parameters:
///   - x: [N, C, h, w]; pictures of a group follow each other.
///   - group: how many are in a group; the last one may have fewer.
/// - Returns: float32 [N, 1, 1, 1].
func batchSpread(_ x: Tensor, group: Int) -> Tensor {
  let n = x.size(0)
  let parts = stride(from: 0, to: n, by: group).map { start -> Tensor in
    let some = x[start..<min(start + group, n)].to(.float32)
    let mean = some.mean(dims: [0], keepDims: true)
    let spread = sqrt(square(some - mean).mean(dims: [0]) + 1e-8).mean()
    return spread.reshaped([1, 1, 1, 1]).expanded([some.size(0), 1, 1, 1])
  }
  return Tensor.concatenated(parts)
}
