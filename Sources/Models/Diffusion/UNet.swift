import Foundation
import Networks
import Torch

/// A U-Net with residual blocks and self-attention at small sizes (Ronneberger et al. 2015; Ho et al. 2020; Dhariwal and
/// Nichol 2021): noisy pictures and their noise level to an answer of their shape.
///
/// Pictures enter and leave as Haar coefficients at half of their size, which costs a quarter of the time.
public final class UNet: Module {
  let levelIn: Linear, levelOut: Linear
  let conditionIn: Linear?
  let stem: Conv2d
  let down: [UNetBlock]
  let middle: [UNetBlock]
  let up: [UNetBlock]
  let norm: GroupNorm
  let head: Conv2d
  private let frequencies: Constant
  private let halvings: Int, blocks: Int

  /// - Parameters:
  ///   - channels: of the pictures.
  ///   - size: of the pictures.
  ///   - widths: channels at each size, the largest first; sizes halve.
  ///   - blocks: residual blocks a size on the way down; one more on the way up.
  ///   - attention: the largest shorter side at which blocks attend.
  ///   - halvings: Haar transforms before the first block.
  ///   - conditions: numbers that say what is wanted, all 0 for nothing particular.
  init(
    channels: Int, size: PictureSize, widths: [Int], blocks: Int, attention: Int, halvings: Int, conditions: Int,
    dropout: Double
  ) {
    let inside = size >> halvings, embedded = 4 * widths[0]
    let inner = channels << (2 * halvings)
    levelIn = Linear(2 * UNet.waves, embedded)
    levelOut = Linear(embedded, embedded)
    conditionIn = conditions > 0 ? Linear(conditions, embedded, bias: false) : nil
    stem = Conv2d(inner, widths[0], kernel: 3, padding: 1)
    func block(_ from: Int, _ to: Int, _ level: Int) -> UNetBlock {
      UNetBlock(from, to, embedded: embedded, attends: (inside >> level).shorter <= attention, dropout: dropout)
    }
    var (path, kept, width) = ([UNetBlock](), [widths[0]], widths[0])
    for (level, wide) in widths.enumerated() {
      if level > 0 { kept.append(width) }
      for _ in 0..<blocks {
        path.append(block(width, wide, level))
        width = wide
        kept.append(width)
      }
    }
    down = path
    let last = widths.count - 1
    middle = [block(width, width, last), block(width, width, last)]
    var back: [UNetBlock] = []
    for (level, wide) in widths.enumerated().reversed() {
      for _ in 0...blocks {
        back.append(block(width + kept.removeLast(), wide, level))
        width = wide
      }
    }
    up = back
    norm = GroupNorm(groups(of: width), width)
    head = Conv2d(width, inner, kernel: 3, padding: 1)
    (self.halvings, self.blocks) = (halvings, blocks)
    // Of ln σ / 4, which is in -1.6...1.1: from a wave over all of it to one over a hundredth.
    frequencies = Constant(
      Tensor((0..<UNet.waves).map { Float(pow(100, Double($0) / Double(UNet.waves - 1))) }))
  }

  private static let waves = 32

  /// The answer is 0 at first: the denoiser begins as its skip.
  public func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.zero.fill(head.weight, head.bias, &noise)
    if let conditionIn { Initialization.zero.fill(conditionIn.weight, nil, &noise) }
  }

  /// - Parameters:
  ///   - x: [N, channels, H, W], channels-last.
  ///   - level: ln σ / 4, [N].
  ///   - conditions: [N, conditions].
  func callAsFunction(_ x: Tensor, _ level: Tensor, _ conditions: Tensor) -> Tensor {
    let angles = level.unsqueezed(1) * frequencies.tensor
    var embedding = levelOut(silu(levelIn(Tensor.concatenated([cos(angles), sin(angles)], dim: 1))))
    if let conditionIn { embedding = embedding + conditionIn(conditions) }
    embedding = silu(embedding)

    var h = stem((0..<halvings).reduce(x) { h, _ in haarWavelet(h) })
    var kept = [h]
    for (i, block) in down.enumerated() {
      // Means of four, and each four times again, cost nothing beside convolutions.
      if i > 0, i % blocks == 0 {
        h = averagePool2d(h, kernel: 2)
        kept.append(h)
      }
      h = block(h, embedding)
      kept.append(h)
    }
    for block in middle { h = block(h, embedding) }
    for (i, block) in up.enumerated() {
      if i > 0, i % (blocks + 1) == 0 { h = interpolate(h, size: [2 * h.size(2), 2 * h.size(3)], mode: .nearest) }
      h = block(Tensor.concatenated([h, kept.removeLast()], dim: 1), embedding)
    }
    let answer = head(silu(norm(h)))
    return (0..<halvings).reduce(answer) { h, _ in inverseHaarWavelet(h) }
  }
}

/// A residual block (BigGAN's order): normalised, two 3×3 convolutions, scaled and shifted by the noise level between
/// them; then, where it attends, self-attention over all places.
final class UNetBlock: Module {
  let norm1: GroupNorm, conv1: Conv2d
  let style: Linear
  let norm2: GroupNorm, dropout: Dropout, conv2: Conv2d
  let skip: Conv2d?
  let attentionNorm: GroupNorm?, attention: MultiheadAttention?

  init(
    _ inputs: Int, _ outputs: Int, embedded: Int, attends: Bool, dropout probability: Double
  ) {
    norm1 = GroupNorm(groups(of: inputs), inputs)
    conv1 = Conv2d(inputs, outputs, kernel: 3, padding: 1)
    style = Linear(embedded, 2 * outputs)
    norm2 = GroupNorm(groups(of: outputs), outputs)
    dropout = Dropout(probability)
    conv2 = Conv2d(outputs, outputs, kernel: 3, padding: 1)
    skip = inputs == outputs ? nil : Conv2d(inputs, outputs, kernel: 1)
    attentionNorm = attends ? GroupNorm(groups(of: outputs), outputs) : nil
    attention = attends ? MultiheadAttention(outputs, heads: max(1, outputs / 64)) : nil
  }

  /// Branches are 0 at first, so a deep network begins as a shallow one.
  func fill(_ noise: inout Noise, as scheme: Initialization) {
    Initialization.zero.fill(conv2.weight, conv2.bias, &noise)
    if let attention { Initialization.zero.fill(attention.outProj.weight, attention.outProj.bias, &noise) }
  }

  /// `x` [N, inputs, H, W], `embedding` [N, embedded].
  func callAsFunction(_ x: Tensor, _ embedding: Tensor) -> Tensor {
    var h = conv1(silu(norm1(x)))
    let parts = style(embedding).unsqueezed(-1).unsqueezed(-1).chunks(2, dim: 1)
    h = conv2(dropout(silu(norm2(h) * (parts[0] + 1) + parts[1])))
    h = (skip?(x) ?? x) + h
    guard let attention, let attentionNorm else { return h }
    let tokens = attentionNorm(h).flattened(from: 2).transposed(1, 2)
    return h + attention(tokens).transposed(1, 2).reshaped(h.shape).channelsLast()
  }
}

/// Some 16 channels a group, 32 groups at most.
private func groups(of channels: Int) -> Int {
  var count = min(32, max(1, channels / 16))
  while channels % count > 0 { count -= 1 }
  return count
}
