import Torch

/// What a network sees in clips, for distances between sets of clips: in each the mean of its frames' features, of how much
/// they change from frame to frame, and of how much that changes.
///
/// The same frames in another order change more, so a distance on these tells motion as well as looks (as FVD, Unterthiner
/// et al. 2018, does with a network for films; its figures can't be compared with these).
public struct ClipFeatures {
  /// [N, 3 · D].
  public let values: Tensor

  /// - Parameter frames: features [N, F, D], F ≥ 3, in the order of time.
  public init(_ frames: Tensor) {
    precondition(frames.rank == 3 && frames.size(1) > 2, "clips of three frames or more, not \(frames.shape)")
    let count = frames.size(1)
    let change = frames.narrowed(dim: 1, from: 1, count: count - 1) - frames.narrowed(dim: 1, from: 0, count: count - 1)
    let turn = change.narrowed(dim: 1, from: 1, count: count - 2) - change.narrowed(dim: 1, from: 0, count: count - 2)
    values = Tensor.concatenated(
      [frames.mean(dims: [1]), abs(change).mean(dims: [1]), abs(turn).mean(dims: [1])], dim: 1)
  }
}
