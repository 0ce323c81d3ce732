import Foundation
import LargeModels
import Media
import Torch

/// A large model that is ready to draw, and the words about it in what it draws.
struct LargeDrawer {
  let place: LargePlace
  let pipeline: DrawingPipeline
  /// SHA-256 of the weights.
  let hash: String
  let settings: LargeSettings
  private let loraHashes: [String], controlHashes: [String]

  /// - Throws: `LargeModelError`, `LargeError`, `SafetensorsError`, `CheckpointFileError`.
  init(
    _ place: LargePlace, _ settings: LargeSettings, in workspace: Workspace, on device: Device, tell: (Event) -> Void
  ) throws {
    try settings.check()
    // Pictures of a step are as large as those of the last one.
    Memory.keepFreed()
    Memory.mapLargeBlocks()
    for words in place.notes { tell(.note(words)) }
    let model = try LargeModel(place.path, prediction: settings.prediction ?? place.prediction)
    for case .assumed(let words) in model.notes { tell(.note(words)) }
    let precision = settings.precision ?? (device.prefersBFloat16 ? .bfloat16 : .float32)
    var adapters: [(adapter: Adapter, weight: Double)] = []
    for lora in settings.loras { adapters.append((try Adapter(lora.path.absolutePath), lora.weight)) }
    let controls = try settings.controls.map { choice in try ControlModel(choice.path.absolutePath) }
    for control in controls { for note in control.notes { tell(.note("\(control.path.shownName): \(note.sentence)")) } }
    let need = model.facts(precision: precision, controls: controls).memory
    // The budget is of the machine's memory; a GPU's own isn't asked.
    let budget = settings.memory.map { Int($0 * 1e9) } ?? Int(ProcessInfo.processInfo.physicalMemory / 10 * 9)
    let memory = need.kept > budget ? MemoryUse.inTurn : .kept
    if memory == .inTurn {
      tell(
        .note(
          "It would take about \(gigabytes(need.kept)) at once: text encoder, denoiser and autoencoder are loaded in turn "
            + "(about \(gigabytes(need.inTurn))), which is slower."))
    }
    pipeline = try DrawingPipeline(
      model, on: device, precision: precision, memory: memory, adapters: adapters, controls: controls)
    func say(_ words: String) { tell(.note(words)) }
    hash = try hashOfWeights(place.path, in: workspace, say: say)
    loraHashes = try settings.loras.map { try hashOfWeights($0.path.absolutePath, in: workspace, say: say) }
    controlHashes = try settings.controls.map { try hashOfWeights($0.path.absolutePath, in: workspace, say: say) }
    (self.place, self.settings) = (place, settings)
  }

  func request(_ prompt: String, size: PictureSize?) -> DrawingRequest {
    var request = DrawingRequest(prompt: prompt)
    (request.negative, request.steps) = (settings.negative, settings.steps)
    (request.sampler, request.spacing) = (settings.sampler, settings.spacing)
    request.guidance = settings.guidance ?? pipeline.model.guidance ?? request.guidance
    request.guidanceRescale = settings.guidanceRescale
    request.clipSkip = settings.clipSkip
    request.size = size.map { ($0.height, $0.width) }
    return request
  }

  /// Draws a seed's picture and tells each step.
  ///
  /// - Parameter onStep: of the denoising steps, how many are done; false stops.
  /// - Returns: [1, 3, H, W] in -1...1; nil where it was stopped.
  func draw(_ request: DrawingRequest, seed: UInt64, onStep: (Int) -> Bool) throws -> Tensor? {
    var done = 0
    return try pipeline.drawn(request, seed: seed) { _ in
      done += 1
      return onStep(done)
    }
  }

  /// What a picture's file says about its making: Atelier's words, and AUTOMATIC1111's text, which other tools read.
  func words(_ request: DrawingRequest, seed: UInt64, source: String? = nil) -> Provenance.Words {
    let schedule = pipeline.model.schedule
    let sampler = request.sampler ?? schedule.sampler ?? .solver
    let spacing = request.spacing ?? schedule.spacing
    let size = pipeline.size(of: request)
    var text = DrawingParameters()
    (text.prompt, text.negative, text.steps) = (request.prompt, request.negative, request.steps)
    (text.sampler, text.spacing, text.guidance) = (sampler, spacing, request.guidance)
    (text.seed, text.width, text.height) = (seed, size.width, size.height)
    (text.model, text.clipSkip) = (place.shownName, request.clipSkip)
    // Others know a file by the first ten digits; a folder has no such number.
    if !isFolder { text.modelHash = String(hash.prefix(10)) }
    if request.picture != nil { text.strength = strength(of: request) }
    text.adapters = settings.loras.map { .init($0.path.shownName.withoutWeightsEnding, $0.weight) }
    if request.guidanceRescale > 0 { text.others.append(.init("CFG Rescale", "\(request.guidanceRescale)")) }
    for (i, control) in settings.controls.enumerated() {
      text.others.append(.init("ControlNet \(i)", control.setting))
    }
    text.others.append(.init("Version", Product.title))

    var words: Provenance.Words = [("Seed", "\(seed)")]
    if let source { words.append(("Source", source)) }
    words += [("Model", place.shownName), ("Checkpoint", "sha256:\(hash)"), ("Prompt", request.prompt)]
    if !request.negative.isEmpty { words.append(("Negative prompt", request.negative)) }
    for (lora, hash) in zip(settings.loras, loraHashes) {
      words.append(("LoRA", "\(lora.path.shownName):\(lora.weight) sha256:\(hash)"))
    }
    words += zip(settings.controls, controlHashes).map { ("Control", $0.words(hash: $1)) }
    words.append(("Settings", json(request, sampler, spacing, size)))
    return words + [("parameters", text.text), Provenance.software]
  }

  private func json(
    _ request: DrawingRequest, _ sampler: Sampler, _ spacing: Spacing, _ size: (height: Int, width: Int)
  ) -> String {
    struct Written: Encodable {
      let sampler, schedule, prediction, precision: String
      let steps, width, height, clipSkip: Int
      let guidance, guidanceRescale: Double
      let strength: Double?
    }
    let written = Written(
      sampler: sampler.rawValue, schedule: spacing.rawValue, prediction: pipeline.model.schedule.prediction.rawValue,
      precision: "\(pipeline.precision)", steps: request.steps, width: size.width, height: size.height,
      clipSkip: request.clipSkip, guidance: request.guidance, guidanceRescale: request.guidanceRescale,
      strength: request.picture == nil ? nil : strength(of: request))
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    // Strings and numbers always encode.
    return String(decoding: try! encoder.encode(written), as: UTF8.self)
  }

  private func strength(of request: DrawingRequest) -> Double {
    request.strength ?? (request.mask == nil ? 0.75 : 1)
  }

  private var isFolder: Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: place.path, isDirectory: &isFolder) && isFolder.boolValue
  }

  /// The size at which a picture of another one is drawn: its shape, as many pixels as the model was trained on.
  ///
  /// - Parameter longer: the longer side instead; rounded to what the model can make.
  func size(for picture: PictureSize, longer: Int?) -> PictureSize {
    let trained = Double(pipeline.model.trainedSide)
    let scale = longer.map { Double($0) / Double(picture.longer) } ?? trained / picture.meanSide
    let factor = Double(pipeline.factor)
    func side(_ length: Int) -> Int { max(1, Int((Double(length) * scale / factor).rounded())) * pipeline.factor }
    return PictureSize(side(picture.width), side(picture.height))
  }
}

extension LargeSettings {
  /// - Throws: `LargeError`.
  fileprivate func check() throws(LargeError) {
    func expect(_ option: String, _ value: Double, _ isRight: Bool, _ range: String) throws(LargeError) {
      guard isRight, value.isFinite else { throw .badNumber(option: option, value: value, range: range) }
    }
    if let guidance { try expect("guidance", guidance, (0...100).contains(guidance), "from 0 to 100") }
    try expect("guidance-rescale", guidanceRescale, (0...1).contains(guidanceRescale), "from 0 to 1")
    try expect("clip-skip", Double(clipSkip), (0...30).contains(clipSkip), "from 0 to 30")
    if let memory { try expect("memory", memory, memory > 0, "of gigabytes above 0") }
  }
}

/// "2.8 GB".
func gigabytes(_ bytes: Int) -> String { String(format: "%.1f GB", Double(bytes) / 1e9) }
