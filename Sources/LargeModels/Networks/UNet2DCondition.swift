import Foundation
import Networks
import Torch

/// The denoiser of Stable Diffusion (Rombach et al. 2022; Podell et al. 2023), with the names of diffusers' `UNet2DConditionModel`.
public final class UNet2DCondition: Module {
  let convIn: Conv2d
  let timeEmbedding: TimestepEmbedding
  let addEmbedding: TimestepEmbedding?
  let downBlocks: [DownBlock]
  let upBlocks: [UpBlock]
  let midBlock: MiddleBlock
  let convNormOut: GroupNorm
  let convOut: Conv2d
  let configuration: UNetConfiguration
  /// Whether blocks compute again what their gradients need, in place of keeping it: less memory to learn with, and more time.
  var recomputes = false {
    didSet {
      for block in downBlocks { block.recomputes = recomputes }
      for block in upBlocks { block.recomputes = recomputes }
      midBlock.recomputes = recomputes
    }
  }

  public init(_ c: UNetConfiguration) {
    configuration = c
    let time = 4 * c.widths[0]
    convIn = Conv2d(c.inputs, c.widths[0], kernel: 3, padding: 1)
    timeEmbedding = TimestepEmbedding(c.widths[0], time, condition: c.guidance)
    addEmbedding = c.addition.map { TimestepEmbedding($0.inputs, time) }
    downBlocks = DownBlock.all(c, time: time)
    midBlock = MiddleBlock(c, time: time)
    var up: [UpBlock] = []
    for level in c.widths.indices.reversed() {
      let before = level + 1 < c.widths.count ? c.widths[level + 1] : c.widths[level]
      up.append(UpBlock(c, level: level, from: before, skipped: c.widths[max(level - 1, 0)], time: time))
    }
    upBlocks = up
    convNormOut = GroupNorm(c.groups, c.widths[0], epsilon: c.epsilon)
    convOut = Conv2d(c.widths[0], c.outputs, kernel: 3, padding: 1)
  }

  /// - Parameters:
  ///   - x: noisy latents [N, inputs, H, W] of any precision; one for all texts, as guidance asks, is looked at once until the first
  ///     text is read. SDXL's time steps differ with the text: it needs N.
  ///   - timestep: in 0...999, the same for all; some samplers' are between whole numbers.
  ///   - conditions: text, and what SDXL and LCM are told beside it.
  ///   - control: what a ControlNet adds.
  /// - Returns: its answer [N, outputs, H, W], in the network's own precision.
  func callAsFunction(_ x: Tensor, timestep: Double, _ conditions: Conditions, control: ControlNet.Residuals? = nil)
    -> Tensor
  {
    self(x, timesteps: Tensor([Float](repeating: Float(timestep), count: x.size(0))), conditions, control: control)
  }

  /// The same with a time step each.
  ///
  /// - Parameter timesteps: [N].
  func callAsFunction(_ x: Tensor, timesteps: Tensor, _ conditions: Conditions, control: ControlNet.Residuals? = nil)
    -> Tensor
  {
    let kind = convIn.weight.dtype
    let time = timeVector(timesteps, conditions, configuration, timeEmbedding, addEmbedding)
    let text = conditions.text.to(kind)
    var h = convIn(x.to(kind))
    var kept = [h]
    for block in downBlocks { h = block(h, time, text, &kept) }
    h = midBlock(h, time, text)
    if let control {
      kept = zip(kept, control.down).map { $0 + $1.to(kind) }
      h = h + control.middle.to(kind)
    }
    for (i, block) in upBlocks.enumerated() {
      let wanted = i + 1 < upBlocks.count ? kept[kept.count - 1 - block.resnets.count] : nil
      h = block(h, time, text, &kept, size: wanted.map { [$0.size(2), $0.size(3)] })
    }
    return convOut(convNormOut(h).silued())
  }
}

/// What a denoiser is told.
public struct Conditions {
  /// The text's features [N, length, context].
  public var text: Tensor
  /// SDXL: the pooled text [N, width].
  public var pooled: Tensor?
  /// SDXL: original height and width, top and left of the crop, wanted height and width: [N, 6].
  public var sizes: Tensor?
  /// LCM: the guidance that the answer should have, as waves [N, width].
  public var guidance: Tensor?

  public init(text: Tensor, pooled: Tensor? = nil, sizes: Tensor? = nil, guidance: Tensor? = nil) {
    (self.text, self.pooled, self.sizes, self.guidance) = (text, pooled, sizes, guidance)
  }
}

/// The time steps [N] and what goes with them, ready for residual blocks: [N, time].
func timeVector(
  _ timesteps: Tensor, _ conditions: Conditions, _ c: UNetConfiguration, _ embedding: TimestepEmbedding,
  _ addition: TimestepEmbedding?
) -> Tensor {
  let weight = embedding.linear1.weight
  let times = waves(timesteps.to(weight.device), c.widths[0], cosineFirst: c.cosineFirst, shift: c.frequencyShift)
  var time = embedding(times.to(weight.dtype), condition: conditions.guidance?.to(weight.dtype))
  if let addition, let kind = c.addition, let pooled = conditions.pooled, let sizes = conditions.sizes {
    let numbers = waves(sizes.flattened(), kind.waves, cosineFirst: c.cosineFirst, shift: c.frequencyShift)
      .reshaped([timesteps.size(0), sizes.size(1) * kind.waves])
    time = time + addition(Tensor.concatenated([pooled.to(.float32), numbers], dim: 1).to(weight.dtype))
  }
  return silu(time)
}

/// Sines and cosines of numbers at falling frequencies (Vaswani et al. 2017, section 3.5): [N] to [N, width], float32.
func waves(_ x: Tensor, _ width: Int, cosineFirst: Bool = true, shift: Double = 0) -> Tensor {
  let half = width / 2
  let exponents = Tensor.arange(half, dtype: .float32) * (-log(10000.0) / (Double(half) - shift))
  let angles = x.to(.float32).unsqueezed(1) * exp(exponents).to(x.device).unsqueezed(0)
  let parts = cosineFirst ? [cos(angles), sin(angles)] : [sin(angles), cos(angles)]
  let both = Tensor.concatenated(parts, dim: 1)
  return width % 2 == 0 ? both : pad(both, [0, 1])
}

final class TimestepEmbedding: Module {
  let linear1: Linear, linear2: Linear
  let condProj: Linear?

  /// - Parameter condition: the width of something that is added to the input first.
  init(_ inputs: Int, _ outputs: Int, condition: Int? = nil) {
    linear1 = Linear(inputs, outputs)
    condProj = condition.map { Linear($0, inputs, bias: false) }
    linear2 = Linear(outputs, outputs)
  }

  var members: [(name: String, value: Any)] { members(saved: ["linear1": "linear_1", "linear2": "linear_2"]) }

  func callAsFunction(_ x: Tensor, condition: Tensor? = nil) -> Tensor {
    var x = x
    if let condition, let condProj { x = x + condProj(condition) }
    return linear2(silu(linear1(x)))
  }
}

/// Computes a part of a network, and once more for its gradients where that is asked for.
private func computed(
  _ module: any Module, again: Bool, _ inputs: [Tensor], _ body: @escaping ([Tensor]) -> Tensor
) -> Tensor {
  guard again else { return body(inputs) }
  return recomputed(inputs, weights: module.parameters.filter(\.requiresGradient), body)
}

/// The residual blocks of one size on the way down.
final class DownBlock: Module {
  var recomputes = false
  let attentions: [SpatialTransformer]?
  let resnets: [ResnetBlock]
  let downsamplers: [Downsampler]?

  init(_ c: UNetConfiguration, level: Int, time: Int) {
    let width = c.widths[level]
    resnets = (0..<c.blocks).map { i in
      ResnetBlock(
        i == 0 ? c.widths[max(level - 1, 0)] : width, width, time: time, groups: c.groups, epsilon: c.epsilon)
    }
    attentions = c.transformers[level] > 0 ? (0..<c.blocks).map { _ in c.transformer(level) } : nil
    downsamplers = level + 1 < c.widths.count ? [Downsampler(width)] : nil
  }

  static func all(_ c: UNetConfiguration, time: Int) -> [DownBlock] {
    c.widths.indices.map { DownBlock(c, level: $0, time: time) }
  }

  func callAsFunction(_ x: Tensor, _ time: Tensor, _ text: Tensor, _ kept: inout [Tensor]) -> Tensor {
    var h = x
    for (i, resnet) in resnets.enumerated() {
      h = computed(resnet, again: recomputes, [h, time]) { resnet($0[0], $0[1]) }
      if let attention = attentions?[i] {
        h = computed(attention, again: recomputes, [h, text]) { attention($0[0], $0[1]) }
      }
      kept.append(h)
    }
    if let downsamplers {
      h = downsamplers[0](h)
      kept.append(h)
    }
    return h
  }
}

final class MiddleBlock: Module {
  var recomputes = false
  let attentions: [SpatialTransformer]
  let resnets: [ResnetBlock]

  init(_ c: UNetConfiguration, time: Int) {
    let width = c.widths.last!
    resnets = (0..<2).map { _ in ResnetBlock(width, width, time: time, groups: c.groups, epsilon: c.epsilon) }
    attentions = c.middleTransformer.map { [c.transformer(c.widths.count - 1, layers: $0)] } ?? []
  }

  func callAsFunction(_ x: Tensor, _ time: Tensor, _ text: Tensor) -> Tensor {
    var h = computed(resnets[0], again: recomputes, [x, time]) { [resnets] in resnets[0]($0[0], $0[1]) }
    for attention in attentions {
      h = computed(attention, again: recomputes, [h, text]) { attention($0[0], $0[1]) }
    }
    return computed(resnets[1], again: recomputes, [h, time]) { [resnets] in resnets[1]($0[0], $0[1]) }
  }
}

/// The residual blocks of one size on the way up, each given what was kept on the way down.
final class UpBlock: Module {
  var recomputes = false
  let attentions: [SpatialTransformer]?
  let resnets: [ResnetBlock]
  let upsamplers: [Upsampler]?

  /// - Parameters:
  ///   - from: the width that comes in.
  ///   - skipped: the width of the last one that was kept at this size.
  init(_ c: UNetConfiguration, level: Int, from: Int, skipped: Int, time: Int) {
    let width = c.widths[level]
    resnets = (0...c.blocks).map { i in
      ResnetBlock(
        (i == 0 ? from : width) + (i == c.blocks ? skipped : width), width, time: time, groups: c.groups,
        epsilon: c.epsilon)
    }
    attentions = c.transformers[level] > 0 ? (0...c.blocks).map { _ in c.transformer(level) } : nil
    upsamplers = level > 0 ? [Upsampler(width)] : nil
  }

  /// - Parameter size: of what was kept at the next size, so that odd sizes meet.
  func callAsFunction(_ x: Tensor, _ time: Tensor, _ text: Tensor, _ kept: inout [Tensor], size: [Int]?) -> Tensor {
    var h = x
    for (i, resnet) in resnets.enumerated() {
      h = computed(resnet, again: recomputes, [h, kept.removeLast(), time]) {
        resnet(Tensor.concatenated([$0[0], $0[1].spread(over: $0[0].size(0))], dim: 1), $0[2])
      }
      if let attention = attentions?[i] {
        h = computed(attention, again: recomputes, [h, text]) { attention($0[0], $0[1]) }
      }
    }
    return upsamplers.map { $0[0](h, size: size) } ?? h
  }
}

extension UNetConfiguration {
  func transformer(_ level: Int, layers: Int? = nil) -> SpatialTransformer {
    SpatialTransformer(
      widths[level], context: context, heads: heads[level], layers: layers ?? transformers[level], groups: groups,
      isLinear: isLinear, isFullPrecision: upcastsAttention)
  }
}
