import Foundation
import LargeModels
import Media
import Torch
import Training

/// A request to `train --recipe lora`.
public struct AdapterRequest {
  /// A folder, a zip or tar file; nil takes those of the resumed run.
  public var pictures: String?
  /// The large model: a path, or a name that `models add` gave; nil takes the resumed run's.
  public var base: String?
  /// The run's folder; nil makes one in the workspace.
  public var run: String?
  public var settings: [(name: String, value: String)] = []
  /// Buckets have as many pixels as a square of this side; nil is what the model was trained on.
  public var side: Int?
  /// Under what is transparent; nil is white.
  public var ground: Ground?
  public var length: Length?
  /// nil is 0.
  public var seed: UInt64?
  public var isResumed = false
  /// Between checkpoints; nil is 120.
  public var saveSeconds: Double?
  public var device = Device.cpu

  public init() {}
}

/// Whether a run is that of a LoRA.
public func isAdapterRun(_ run: String, in workspace: Workspace) -> Bool {
  (try? requested(run, in: workspace)).map(AdapterRecord.isOne) ?? false
}

/// Teaches a large model something by pictures and their words: a LoRA, in a run's folder with settings.json, log.jsonl, samples/,
/// checkpoints/ and lora.safetensors, which other tools read.
///
/// - Parameters:
///   - tell: told about everything but the result.
///   - shouldStop: asked before each step and during sheets; the state is saved before it leaves.
/// - Throws: `LargeError`, `LargeModelError`, `GalleryError`, `RunError`, `CheckpointError`, ….
public func teachAdapter(
  _ request: AdapterRequest, in workspace: Workspace, tell: (Event) -> Void = { _ in },
  shouldStop: () -> Bool = { false }
) throws -> Trained {
  let earlier = try request.isResumed ? AdapterRecord(folder: requested(request.run, in: workspace)) : nil
  let choices = try earlier?.choices ?? AdapterChoices(request.settings)
  if let earlier { try request.check(against: earlier) }
  guard let pictures = request.pictures ?? earlier?.pictures else { throw RunError.noPictures }
  guard let base = request.base ?? earlier?.base else { throw LargeError.noBase }
  guard let place = LargePlace.find(base, in: workspace) else { throw LargeError.baseNotFound(base) }
  if earlier == nil, let run = request.run { _ = try requested(run, in: workspace, isNew: true) }
  Memory.mapLargeBlocks()
  let model = try LargeModel(place.path, prediction: place.prediction)
  for case .assumed(let words) in model.notes { tell(.note(words)) }
  guard !model.isForInpainting else { throw LargeError.baseForInpainting(base) }
  let prompts = try choices.prompts.map { try Workshop.prompts(in: $0.absolutePath) }

  let gallery = try Gallery(pictures)
  let words = try Captions(of: gallery)
  tell(.note(words.sentence))
  if choices.trigger.isEmpty, words.words.allSatisfy(\.isEmpty) { throw LargeError.noWords }
  let captions = words.words.map { Captions.joined(choices.trigger, $0) }
  if let i = words.words.indices.max(by: { words.words[$0].count < words.words[$1].count }) {
    tell(.note("Learned for example: \(gallery.candidates[i].name) as \"\(captions[i])\"."))
  }

  let side = request.side ?? earlier?.side ?? model.trainedSide
  let step = side >= 256 ? 64 : 8
  let ground = request.ground ?? earlier?.ground ?? .white
  func packed(_ path: String) throws -> Packed {
    var pace = Pace(.packing)
    // Small ones, to see what is damaged, to measure and to look for copies.
    return try pack(path, Packing(size: 128, crop: .fit, ground: ground), in: workspace) { tell(pace.at($0, of: $1)) }
  }
  let set = try packed(pictures)
  var told = set
  told.setAside = Array(set.setAside.prefix(20))
  tell(.packed(told, leftOut: set.setAside.count))
  if let earlier, earlier.hash != set.hash { throw RunError.otherPictures }
  let hash = try hashOfWeights(place.path, in: workspace) { tell(.note($0)) }
  if let earlier, earlier.baseHash != hash {
    throw RunError.cannotChange("base", from: earlier.base, to: "\(base), whose weights differ")
  }

  var plan =
    earlier?.plan ?? Plan(request.length ?? .pictures(min(3000, max(600, 40 * set.count))), seed: request.seed ?? 0)
  if let length = request.length { plan.length = length }
  plan.saveSeconds = request.saveSeconds ?? plan.saveSeconds
  let record =
    earlier.map { record in
      var record = record
      record.plan = plan
      return record
    }
    ?? AdapterRecord(
      base: base, baseHash: hash, pictures: pictures, set, side: side, ground: ground, choices, plan)
  let folder = try requested(request.run, in: workspace, naming: pictures, isNew: earlier == nil)
  let lock = try RunLock(folder: folder)
  defer { withExtendedLifetime(lock) {} }
  try record.write(to: folder)
  let log = try RunLog(folder: folder)

  // A LoRA's factors are small numbers: the networks learn in float32.
  let pipeline = try DrawingPipeline(
    model, on: request.device, precision: .float32, memory: .kept)
  var beginning = Noise(seed: plan.seed)
  let training = AdapterTraining(
    pipeline, choices.adapter, memoryIsShort: memoryIsShort(model, side: side), noise: &beginning)
  if training.recomputes {
    tell(.note("The UNet computes again what its gradients need (gradient checkpointing): less memory, more time."))
  }
  func lessons(_ gallery: Gallery, _ captions: [String], _ set: Packed, salt: UInt64, _ name: String) throws
    -> AdapterLessons?
  {
    var pace = Pace(.pictures)
    return try AdapterLessons(
      gallery, captions: captions, except: Set(set.setAside.map(\.name)), for: training, record, salt: salt, step: step,
      cache: "\(folder)/\(name).safetensors"
    ) { done, total in
      tell(pace.at(done, of: total, item: "encoding"))
      return !shouldStop()
    }
  }
  func stopped() -> Trained {
    Trained(
      ending: .stopped, run: folder, picturesSeen: 0, seconds: 0, secondsAside: 0, bytes: folderBytes(folder),
      bestPicturesSeen: nil, next: "atelier train --resume --run \(folder)")
  }
  guard let own = try lessons(gallery, captions, set, salt: 0, "latents") else { return stopped() }
  tell(.note("Pictures are learned at their own shapes: \(own.bucketWords)."))
  var prior: AdapterLessons?
  if let path = choices.prior {
    let gallery = try Gallery(path)
    let words = try Captions(of: gallery)
    tell(.note("Of the pictures beside: \(words.sentence)"))
    guard let found = try lessons(gallery, words.words, packed(path), salt: 1, "prior") else { return stopped() }
    prior = found
  }
  // Captions with words of their own first.
  let spoken = own.captions.filter { $0 != choices.trigger } + [choices.trigger]
  let shown = prompts ?? spoken.filter { !$0.isEmpty }.uniqued
  let sheets = AdapterSheets(shown, pipeline, training, steps: choices.sampleSteps)
  let loop = AdapterLoop(training, own, prior, record, folder: folder, sheets)
  if earlier != nil {
    guard let good = Checkpoint.latest(in: loop.checkpoints, skipped: { tell(.note($0.sentence)) }) else {
      throw RunError.noCheckpoint(folder: folder)
    }
    try loop.resume(good)
  }
  tell(.started(run: folder, recipe: "lora", pictures: set.count, picturesSeen: loop.facts.picturesSeen))
  func keep(_ event: Event) throws {
    try log.write(event)
    tell(event)
  }
  let (ending, report) = try loop.run(tell: keep, shouldStop: shouldStop)
  if ending == .completed, !sheets.after.isEmpty {
    do {
      let look = try sheets.learned(PictureSet(path: set.path), at: set.path, in: workspace, on: request.device)
      try keep(.note(look.sentence))
    } catch {
      tell(.note("What it has learned isn't measured: \((error as? any Explained)?.sentence ?? spokenReason(error))"))
    }
  }
  let example = (shown.first ?? choices.trigger).replacing("\"", with: "'")
  let result = Trained(
    ending: ending, run: folder, picturesSeen: loop.facts.picturesSeen, seconds: report.seconds,
    secondsAside: report.secondsAside, bytes: folderBytes(folder), bestPicturesSeen: nil,
    next: ending == .stopped
      ? "atelier train --resume --run \(folder)"
      : "atelier generate \(base) --prompt \"\(example)\" --lora \(folder)/lora.safetensors --out made")
  try log.write(.finished(.train(result)))
  return result
}

/// Whether what a UNet keeps for its gradients, beside its weights, would take more than four fifths of this machine's memory.
private func memoryIsShort(_ model: LargeModel, side: Int) -> Bool {
  let c = model.unet.configuration
  // Measured of SD 1.5's layout at 512 px: 1.1 GB. It grows with the pixels and the widths.
  let kept = 1.5e9 * pow(Double(side) / 512, 2) * Double(c.widths.reduce(0, +)) / 3520
  let weights = Double(model.facts(precision: .float32).memory.kept)
  return weights + kept > 0.8 * Double(ProcessInfo.processInfo.physicalMemory)
}

extension AdapterRequest {
  /// What was asked for of a run that is resumed, and can't change, is refused.
  fileprivate func check(against record: AdapterRecord) throws(RunError) {
    if let first = settings.first {
      throw .cannotChange(first.name, from: nil, to: first.value)
    }
    if let base, base != record.base { throw .cannotChange("base", from: record.base, to: base) }
    if let side, side != record.side { throw .cannotChange("size", from: "\(record.side)", to: "\(side)") }
    if let ground, ground != record.ground { throw .cannotChange("ground", from: "\(record.ground)", to: "\(ground)") }
    if let seed, seed != record.plan.seed { throw .cannotChange("seed", from: "\(record.plan.seed)", to: "\(seed)") }
  }
}

extension Sequence<String> {
  /// Each once, in the order of their first places.
  fileprivate var uniqued: [String] {
    var seen: Set<String> = []
    return filter { seen.insert($0).inserted }
  }
}
