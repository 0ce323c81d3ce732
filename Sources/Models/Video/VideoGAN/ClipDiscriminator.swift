import Foundation
import Networks
import Torch

/// Clips of a few frames to one number each, higher for more real (after Skorokhodov et al. 2022, section 3.3): each frame is
/// looked at alone down to 8 px, with what changes until the next one; then all of them together, and how far they are
/// apart in time.
///
/// R3GAN's layers: a stem at each size, no normalisation.
public final class ClipDiscriminator: Module {
  let stages: [DiscriminatorStage]
  let join: Conv2d
  let instant: Linear
  let hidden: Linear, verdict: Linear
  private let frames: Int, channels: Int

  /// - Parameters:
  ///   - widths: channels at 4, 8, 16, … px.
  ///   - stem: channels at full resolution.
  ///   - channels: of a frame.
  public init(widths: [Int], blocks: [Int], stem: Int, frames: Int, channels: Int) {
    (self.frames, self.channels) = (frames, channels)
    stages = widths.indices.map { i in
      DiscriminatorStage(
        width: widths[i], outputs: i > 0 ? widths[i - 1] : nil, blocks: blocks[i],
        stem: i > 0 ? PictureStem(widths[i], width: stem, channels: 2 * channels) : nil)
    }
    join = Conv2d(frames * widths[1], widths[1], kernel: 3, padding: 1)
    instant = Linear((frames - 1) * Self.wavelengths.count * 2, widths[0])
    hidden = Linear(16 * widths[0], widths[0])
    verdict = Linear(widths[0], 1)
  }

  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.fanIn(gain: 2.0.squareRoot()).fill(join.weight, join.bias, &noise)
    Initialization.fanIn(gain: 2.0.squareRoot()).fill(hidden.weight, hidden.bias, &noise)
    for stage in stages.dropFirst(2) {
      if let shrink = stage.shrink { Initialization.zero.fill(shrink.weight, shrink.bias, &noise) }
    }
  }

  /// Of what distances in time are told by, in seconds.
  private static let wavelengths: [Double] = [0.25, 0.5, 1, 2, 4, 8, 16]

  /// - Parameters:
  ///   - x: [N, frames · channels, H, W].
  ///   - times: [N, frames], in seconds.
  /// - Returns: float32 [N].
  public func callAsFunction(_ x: Tensor, at times: Tensor) -> Tensor {
    let (n, size) = (x.size(0), x.size(2))
    let clip = x.contiguous().reshaped([n, frames, channels, size, size])
    let next = Tensor.concatenated(
      [clip.narrowed(dim: 1, from: 1, count: frames - 1), clip.narrowed(dim: 1, from: 0, count: 1)], dim: 1)
    let seen = Tensor.concatenated([clip, next - clip], dim: 2).reshaped([n * frames, 2 * channels, size, size])
      .channelsLast()
    let h = descended(seen, through: stages) { i, h in
      guard i == 1 else { return h }
      let all = h.contiguous().reshaped([n, frames * h.size(1)] + h.shape.dropFirst(2)).channelsLast()
      return join(leakyRelu(all))
    }
    let features = leakyRelu(hidden(leakyRelu(h).flattened(from: 1)))
    // As for classes (Miyato and Koyama 2018): the same picture may be right for one distance and wrong for another.
    let embedded = instant(waves(of: times).to(x.device))
    let fits = (features * embedded).sum(dims: [1], keepDims: true) / Double(features.size(1)).squareRoot()
    return (verdict(features) + fits).to(.float32).reshaped([-1])
  }

  /// Sines and cosines of the distances from frame to frame.
  private func waves(of times: Tensor) -> Tensor {
    let apart = times.narrowed(dim: 1, from: 1, count: frames - 1) - times.narrowed(dim: 1, from: 0, count: frames - 1)
    let turns = Tensor(Self.wavelengths.map { Float(2 * .pi / $0) })
    let angles = (apart.to(.float32).unsqueezed(-1) * turns).flattened(from: 1)
    return Tensor.concatenated([sin(angles), cos(angles)], dim: 1)
  }
}
