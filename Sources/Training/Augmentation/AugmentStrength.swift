import Networks
import Torch

/// How strongly pictures are augmented, steered by how sure the discriminator is of real ones (ADA, Karras et al. 2020,
/// section 3.2): the mean sign of what it says of them is near 0 while it learns, and 1 when it knows them by heart.
public final class AugmentStrength: Saved {
  /// The mean sign that is aimed at.
  public let target: Double
  /// Beyond it, augmentations get into what is generated (the paper's figure 4); published runs without a bound reached 20.
  public static let most = 0.8
  /// Updates between two moves.
  private static let every = 4

  /// p, the sum of signs and their number since the last move, and updates since then: [4], float64.
  private let state: Tensor

  public init(target: Double = 0.6, start: Double = 0) {
    self.target = target
    state = Tensor([start, 0, 0, 0])
  }

  /// Now, in 0...0.8.
  public var probability: Double { state.doubles[0] }

  /// - Parameters:
  ///   - verdicts: [N], what the discriminator says of real pictures; above 0 it takes them for real.
  ///   - span: pictures over which p would go from 0 to 1.
  public func follow(_ verdicts: Tensor, span: Double) {
    var now = state.doubles
    now[1] += withoutGradients { sign(verdicts.detached().to(.float64)).sum().item() }
    now[2] += Double(verdicts.count)
    now[3] += 1
    if Int(now[3]) >= Self.every {
      let side = now[1] / now[2] - target
      let step = now[2] / max(1, span) * (side > 0 ? 1 : side < 0 ? -1 : 0)
      now = [min(Self.most, max(0, now[0] + step)), 0, 0, 0]
    }
    withoutGradients { state.copy(from: Tensor(now)) }
  }

  public var savedTensors: [String: Tensor] { ["state": state] }
  public func restore(_ tensors: [String: Tensor]) throws(StateError) {
    guard let theirs = tensors["state"] else { throw .missing("state") }
    guard theirs.shape == [4] else { throw .shape("state", expected: [4], found: theirs.shape) }
    withoutGradients { state.copy(from: theirs) }
  }
}
