import Foundation
import Networks
import Torch

/// Draws by words with a large model: text, denoising in latents, decoding.
///
/// ```swift
/// let pipeline = try DrawingPipeline(LargeModel("v1-5.safetensors"))
/// let picture = try pipeline.draw(DrawingRequest(prompt: "a lighthouse at dusk"), seed: 7)
/// ```
public final class DrawingPipeline {
  public let model: LargeModel
  public let device: Device
  /// What the denoiser computes in.
  public let precision: DType
  let memory: MemoryUse
  let encoders: [LoadedNetwork<TextEncoder>]
  let denoiser: LoadedNetwork<UNet2DCondition>
  /// The autoencoder's two halves.
  let pictureEncoder: LoadedNetwork<LatentEncoder>
  let pictureDecoder: LoadedNetwork<LatentDecoder>
  let controls: [LoadedNetwork<ControlNet>]
  /// Where pictures are cut when they are encoded and decoded; nil never cuts.
  public var tiling: Tiling?

  /// - Parameters:
  ///   - precision: float32 or bfloat16; nil takes what is faster here. float16, whose range SD 2.1's attention and SDXL's autoencoder
  ///     leave, is never computed in.
  ///   - adapters: LoRAs and how much each counts.
  /// - Throws: `LargeModelError` where an adapter or a ControlNet belongs to another model.
  public init(
    _ model: LargeModel, on device: Device = .cpu, precision: DType? = nil, memory: MemoryUse = .kept,
    adapters: [(adapter: Adapter, weight: Double)] = [], controls: [ControlModel] = []
  ) throws(LargeModelError) {
    let precision = precision ?? (device.prefersBFloat16 ? .bfloat16 : .float32)
    precondition(precision == .float32 || precision == .bfloat16, "a denoiser in \(precision)")
    (self.model, self.device, self.precision, self.memory) = (model, device, precision, memory)
    let changes = try AdapterChanges(adapters, for: model)
    encoders = model.texts.enumerated().map { i, text in
      // A text is encoded once: in full precision.
      LoadedNetwork(weights: text.part.weights, as: .float32, on: device, changes: changes.texts[i]) {
        TextEncoder(text.part.configuration)
      }
    }
    denoiser = LoadedNetwork(weights: model.unet.weights, as: precision, on: device, changes: changes.unet) {
      UNet2DCondition(model.unet.configuration)
    }
    pictureEncoder = LoadedNetwork(weights: model.vae.weights, as: precision, on: device) {
      LatentEncoder(model.vae.configuration)
    }
    pictureDecoder = LoadedNetwork(weights: model.vae.weights, as: precision, on: device) {
      LatentDecoder(model.vae.configuration)
    }
    for control in controls { try control.check(fits: model) }
    self.controls = controls.map { control in
      LoadedNetwork(weights: control.part.weights, as: precision, on: device) {
        ControlNet(control.configuration(like: model), widths: control.widths)
      }
    }
    tiling = memory == .inTurn ? Tiling() : nil
  }

  /// Pixels a latent: 8.
  public var factor: Int { model.vae.configuration.factor }

  /// Whether each step asks twice, without and with the prompt. Whole LCM models are told the guidance instead.
  func isGuided(_ request: DrawingRequest) -> Bool {
    request.guidance > 1 && model.unet.configuration.guidance == nil
  }

  /// The picture of a seed: [1, 3, H, W] in -1...1, float32 on the CPU. It depends on nothing else that is drawn.
  ///
  /// Noise is drawn as PyTorch's generator for the CPU does, in the order of diffusers' pipelines, so that their seeds give their pictures.
  ///
  /// - Parameter onStep: is shown each step.
  /// - Throws: `LargeModelError.badSetting`.
  public func draw(
    _ request: DrawingRequest, seed: UInt64, onStep: (LatentStep) -> Void = { _ in }
  ) throws(LargeModelError) -> Tensor {
    try drawn(request, seed: seed) { step in
      onStep(step)
      return true
    }!
  }

  /// The picture of a seed, as `draw` has it; nil where it was stopped.
  ///
  /// - Parameter goesOn: is shown each step; false stops.
  /// - Throws: `LargeModelError.badSetting`.
  public func drawn(
    _ request: DrawingRequest, seed: UInt64, while goesOn: (LatentStep) -> Bool
  ) throws(LargeModelError) -> Tensor? {
    try check(request)
    return try withoutGradients { () throws(LargeModelError) -> Tensor? in
      guard let latents = try self.latents(request, seed: seed, while: goesOn) else { return nil }
      // What a step has freed is in pieces, in which no picture fits.
      if device.isCPU { Memory.giveBackFreed() }
      let picture = clamp(decoded(latents), min: -1, max: 1)
      letGoOfOthers()
      guard let mask = request.mask, let given = request.picture else { return picture }
      // What isn't masked stays as it was, to the bit.
      let isOutside = mask.to(.cpu).to(.float32).equal(to: 0)
      let soft = given.to(.float32) + (picture - given) * mask.to(.float32)
      return whereTrue(isOutside, given.to(.float32), soft)
    }
  }

  /// Text encoders and autoencoder are read again in a part of a step's time, where a processor takes the steps; the denoiser stays, but
  /// for large pictures.
  private func letGoOfOthers() {
    guard device.isCPU else { return }
    for encoder in encoders { encoder.release() }
    pictureEncoder.release()
    pictureDecoder.release()
    Memory.giveBackFreed()
  }

  /// Denoising steps that a request takes: a part of those asked for where it begins with a picture. `drawn` shows each.
  public func stepCount(of request: DrawingRequest) -> Int {
    min(Int(Double(request.steps) * strength(of: request)), request.steps)
  }

  private func strength(of request: DrawingRequest) -> Double {
    request.picture == nil ? 1 : request.strength ?? (request.mask == nil ? 0.75 : 1)
  }

  private func way(of request: DrawingRequest) -> (sampler: Sampler, spacing: Spacing) {
    (request.sampler ?? model.schedule.sampler ?? .solver, request.spacing ?? model.schedule.spacing)
  }

  /// Looks at a request before any work.
  ///
  /// - Throws: `LargeModelError.badSetting`.
  public func check(_ request: DrawingRequest) throws(LargeModelError) {
    let (height, width) = size(of: request)
    let (sampler, spacing) = way(of: request)
    _ = try model.schedule.levels(sampler, spacing, steps: request.steps)
    guard height >= factor, width >= factor, height % factor == 0, width % factor == 0 else {
      throw .badSetting("size \(width)x\(height)", why: "use multiples of \(factor)")
    }
    if let picture = request.picture {
      guard picture.shape == [1, 3, height, width] else {
        throw .badSetting("picture", why: "it is \(picture.size(3))x\(picture.size(2)), not \(width)x\(height)")
      }
    }
    if let mask = request.mask {
      guard request.picture != nil else { throw .badSetting("mask", why: "a picture is needed beside it") }
      guard mask.shape == [1, 1, height, width] else {
        throw .badSetting("mask", why: "it has another size than the picture")
      }
    }
    if model.isForInpainting, request.mask == nil || request.picture == nil {
      throw .badSetting(
        "model", why: "\(model.path) is for inpainting: give a picture and a mask, or use another model")
    }
    if let strength = request.strength, !(0...1).contains(strength) || strength == 0 {
      throw .badSetting("strength \(strength)", why: "use more than 0 and at most 1")
    }
    guard stepCount(of: request) > 0 else {
      throw .badSetting(
        "strength \(strength(of: request))",
        why: "of \(request.steps) steps none is left: use a higher one or more steps")
    }
    if let noise = request.noise {
      guard request.picture == nil else { throw .badSetting("noise", why: "a picture is begun with") }
      guard noise.shape == noiseShape(of: request) else {
        throw .badSetting("noise", why: "it has the shape \(noise.shape), not \(noiseShape(of: request))")
      }
    }
    if let towards = request.towards, !(0...1).contains(towards.part) {
      throw .badSetting("towards \(towards.part)", why: "use a part from 0 to 1")
    }
    for text in model.texts {
      let layers = text.part.configuration.layers
      guard (0..<(layers - text.skipping)).contains(request.clipSkip) else {
        throw .badSetting("clip skip \(request.clipSkip)", why: "the text encoder has \(layers) layers")
      }
    }
    if let tile = request.tile {
      guard tile >= 4 * factor, tile % factor == 0 else {
        throw .badSetting("tile \(tile)", why: "use multiples of \(factor) from \(4 * factor) on")
      }
      guard request.controls.isEmpty else { throw .badSetting("tile", why: "ControlNets see a picture as a whole") }
    }
    for control in request.controls where !controls.indices.contains(control.network) {
      throw .badSetting("control", why: "there is no ControlNet number \(control.network)")
    }
    for control in request.controls where control.picture.shape != [1, 3, height, width] {
      throw .badSetting("control", why: "its picture has another size than what is drawn")
    }
  }

  /// In pixels.
  public func size(of request: DrawingRequest) -> (height: Int, width: Int) {
    if let size = request.size { return size }
    if let picture = request.picture { return (picture.size(2), picture.size(3)) }
    return (model.trainedSide, model.trainedSide)
  }

  /// The noise of a seed, with which its drawing begins: [1, latents, H / 8, W / 8].
  public func noise(of request: DrawingRequest, seed: UInt64) -> Tensor {
    var generator = Noise(seed: seed)
    return generator.normal(noiseShape(of: request))
  }

  private func noiseShape(of request: DrawingRequest) -> [Int] {
    let (height, width) = size(of: request)
    return [1, model.vae.configuration.latents, height / factor, width / factor]
  }

  /// The latents of a seed after all steps: [1, latents, H / 8, W / 8], scaled.
  ///
  /// - Throws: `LargeModelError.badSetting`.
  public func latents(_ request: DrawingRequest, seed: UInt64) throws(LargeModelError) -> Tensor {
    try latents(request, seed: seed) { _ in true }!
  }

  /// The same; nil where `goesOn` stops it.
  private func latents(
    _ request: DrawingRequest, seed: UInt64, while goesOn: (LatentStep) -> Bool
  ) throws(LargeModelError) -> Tensor? {
    let (height, width) = size(of: request)
    let (sampler, spacing) = way(of: request)
    let shape = noiseShape(of: request)
    var (generator, given) = (Noise(seed: seed), request.noise)
    let draw = { [device] in
      let fresh = generator.normal(shape, on: device)
      defer { given = nil }
      return given?.to(device) ?? fresh
    }

    var levels = try model.schedule.levels(sampler, spacing, steps: request.steps)
    let strength = strength(of: request)
    levels.removeFirst(request.steps - stepCount(of: request))

    // What the denoiser sees at once.
    let seen = [height, width].map { min($0, request.tile ?? $0) }
    let conditions = conditions(request, height: seen[0], width: seen[1])
    let start = try start(request, levels[0], strength, sampler, spacing, draw)
    let told = withGuidanceEmbedding(conditions, request)
    letGoOfOthers()
    let count = Double(levels.count - 1)
    var steps = Steps(sampler, start.x, levels: levels, schedule: model.schedule, noise: draw) { x, level in
      // The middle of this step, of all that are taken.
      let number = levels.firstIndex { $0.timestep == level.timestep } ?? levels.count - 1
      return self.answer(x, level, min(1, (Double(number) + 0.5) / count), told, request, start.mask)
    }
    var last = start.x
    while let step = steps.next() {
      guard goesOn(step) else { return nil }
      last = step.x
      if let kept = start.kept {
        // A plain model fills: outside of the mask is the picture, with noise of this level.
        // After the last step without any, where DDIM's level has some left.
        let isLast = step.index + 2 == levels.count
        let original = isLast ? kept.latents : kept.latents * step.level.alpha + kept.noise * step.level.sigma
        last = original + (last - original) * kept.mask
        steps.replace(last)
      }
    }
    // Decoding a large picture takes gigabytes, and the denoiser is read again in a part of one of its steps.
    let isLarge = device.isCPU && height * width > 640 * 640
    if memory == .inTurn || isLarge {
      denoiser.release()
      for control in controls { control.release() }
    }
    return last
  }

  private func withGuidanceEmbedding(_ conditions: Conditions, _ request: DrawingRequest) -> Conditions {
    var told = conditions
    if let width = model.unet.configuration.guidance {
      // Luo et al. 2023, section 4.2: of the guidance beyond none.
      told.guidance = waves(
        Tensor([Float((request.guidance - 1) * 1000)]).to(device), width, cosineFirst: false, shift: 1)
    }
    return told
  }

  /// The denoiser's answer, guided.
  ///
  /// - Parameter part: of the steps, in 0...1, where it is asked.
  private func answer(
    _ x: Tensor, _ level: NoiseLevel, _ part: Double, _ told: Conditions, _ request: DrawingRequest, _ beside: Tensor?
  ) -> Tensor {
    let full = beside.map { Tensor.concatenated([x, $0], dim: 1) } ?? x
    guard let tile = request.tile.map({ $0 / factor }) else { return answer(full, x, level, part, told, request) }
    let count = x.size(1)
    return tiled(full, side: tile, overlap: tile / 4, scale: (1, 1)) { square in
      let cut = square.to(device)
      return answer(cut, cut.narrowed(dim: 1, from: 0, count: count), level, part, told, request)
    }.to(device)
  }

  /// - Parameters:
  ///   - full: what the denoiser reads: `x`, and for inpainting the mask beside it.
  ///   - x: the latents alone, which ControlNets read.
  private func answer(
    _ full: Tensor, _ x: Tensor, _ level: NoiseLevel, _ part: Double, _ told: Conditions, _ request: DrawingRequest
  ) -> Tensor {
    func ask(_ told: Conditions, times: Int) -> Tensor {
      let isShared = model.unet.configuration.addition == nil
      let input = (isShared ? full : full.repeated([times, 1, 1, 1])).channelsLast()
      var residuals: ControlNet.Residuals?
      for control in request.controls where control.span.contains(part) {
        let latents = times > 1 ? x.repeated([times, 1, 1, 1]) : x
        let picture = control.picture.to(device).repeated([times, 1, 1, 1])
        let found = controls[control.network].module(
          latents.channelsLast(), timestep: level.timestep, told, picture: picture.channelsLast(),
          strength: control.strength)
        residuals =
          residuals.map {
            ControlNet.Residuals(down: zip($0.down, found.down).map(+), middle: $0.middle + found.middle)
          } ?? found
      }
      return denoiser.module(input, timestep: level.timestep, told, control: residuals).to(.float32)
    }
    guard isGuided(request) else { return ask(told, times: 1) }
    let both =
      memory == .kept
      ? ask(told, times: 2) : Tensor.concatenated([ask(told.row(0), times: 1), ask(told.row(1), times: 1)])
    let (without, with) = (both[0..<1], both[1..<2])
    let guided = without + (with - without) * request.guidance
    guard request.guidanceRescale > 0 else { return guided }
    let ratio = with.flattened().std(dims: [0]) / guided.flattened().std(dims: [0])
    return lerp(guided, guided * ratio, request.guidanceRescale)
  }
}

extension Conditions {
  /// What one of a batch is told.
  func row(_ i: Int) -> Conditions {
    Conditions(
      text: text[i..<(i + 1)], pooled: pooled.map { $0[i..<(i + 1)] }, sizes: sizes.map { $0[i..<(i + 1)] },
      guidance: guidance)
  }
}
