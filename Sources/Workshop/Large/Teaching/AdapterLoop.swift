import Foundation
import LargeModels
import Media
import Networks
import Torch
import Training

/// The steps of a LoRA's training: each draws its own noise from the seed and the pictures seen, so that a resumed run goes on to the bit.
final class AdapterLoop {
  let checkpoints: String
  private(set) var facts: Checkpoint.Facts
  private let training: AdapterTraining
  private let own: AdapterLessons, prior: AdapterLessons?
  private let record: AdapterRecord
  private let folder: String
  private let sheets: AdapterSheets
  private var clock: Clock
  private var order: EpochOrder, priorOrder: EpochOrder
  /// Parts of the run after which sheets are drawn, if there is time.
  private var looks = [0.25, 0.5, 0.75]
  /// The part of a run's time that sheets before its end may take.
  private static let share = 0.1
  /// The last part of a run, in which rates fall to nothing.
  private static let fall = 0.2

  init(
    _ training: AdapterTraining, _ own: AdapterLessons, _ prior: AdapterLessons?, _ record: AdapterRecord,
    folder: String,
    _ sheets: AdapterSheets
  ) {
    (self.training, self.own, self.prior, self.record) = (training, own, prior, record)
    (self.folder, self.sheets, checkpoints) = (folder, sheets, folder + "/checkpoints")
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    // Strings and numbers always encode.
    let settings = String(decoding: try! encoder.encode(record.choices), as: UTF8.self)
    facts = Checkpoint.Facts(recipe: "lora", settings: settings, seed: record.plan.seed)
    clock = Clock(record.plan, facts)
    order = EpochOrder(count: own.examples.count, seed: record.plan.seed)
    priorOrder = EpochOrder(count: max(1, prior?.examples.count ?? 1), seed: record.plan.seed, salt: 1)
  }

  /// - Throws: `CheckpointError.doesNotFit`.
  func resume(_ checkpoint: Checkpoint) throws(CheckpointError) {
    try checkpoint.restore(into: training.saved)
    let settings = facts.settings
    facts = checkpoint.facts
    facts.settings = settings
    let reached = Clock(record.plan, facts).fraction(facts)
    looks.removeAll { $0 <= reached }
  }

  /// Steps until the plan's length or `shouldStop`.
  ///
  /// - Throws: `CheckpointError`, `LoopError.diverged`, what `tell` throws.
  func run(tell: (Event) throws -> Void, shouldStop: () -> Bool) throws -> (Ending, Report) {
    Memory.keepFreed()
    clock = Clock(record.plan, facts)
    if facts.picturesSeen == 0 {
      try Checkpoint.expectRoom(for: (record.plan.keep + 2) * Checkpoint.byteCount(of: training.saved), in: folder)
      try save(tell)
    }
    var loss = 0.0
    var wasStopped = false
    while clock.fraction(facts) < 1 {
      wasStopped = shouldStop()
      if wasStopped { break }
      loss = step()
      guard loss.isFinite, loss < 1e6 else {
        throw LoopError.diverged(reason: "the loss was \(loss)", picturesSeen: facts.picturesSeen)
      }
      if clock.isDue(.report, every: record.plan.reportSeconds) {
        try tell(.reading(clock.report(facts, [Figure("loss", loss)])))
      }
      if let next = looks.first, clock.fraction(facts) >= next {
        looks.removeFirst()
        if hasTimeForSheet { wasStopped = try !look(tell, shouldStop) }
      }
      if clock.isDue(.save, every: record.plan.saveSeconds) { try save(tell) }
      if wasStopped { break }
    }
    if facts.picturesSeen > 0 { try save(tell) }
    // Who stops a run waits for its state, and not for pictures.
    if !wasStopped { wasStopped = try !look(tell, shouldStop) }
    let isWhole = clock.fraction(facts) >= 1
    return (isWhole ? .completed : .stopped, clock.report(facts, [Figure("loss", loss)]))
  }

  private func step() -> Double {
    let batch = record.choices.batch, seen = facts.picturesSeen
    var noise = Noise(seed: record.plan.seed, at: seen)
    var examples = order.indices(after: seen, batch: batch).map { own.examples[$0] }
    if let prior { examples += priorOrder.indices(after: seen, batch: batch).map { prior.examples[$0] } }
    let left = (1 - clock.fraction(facts)) / Self.fall
    let loss = training.step(examples, rateScale: min(1, max(left, 0.01)), noise: &noise)
    facts.picturesSeen += batch
    facts.seconds = clock.seconds
    return loss
  }

  /// Whether sheets so far and one more take no more than their share: the first one is a guess by the steps that a row takes.
  private var hasTimeForSheet: Bool {
    guard facts.picturesSeen > 0, !sheets.prompts.isEmpty else { return false }
    // A denoising step with guidance is two forward passes; a training step about three.
    let aStep = clock.seconds / Double(facts.picturesSeen)
    let row = sheets.secondsARow ?? aStep * Double(sheets.prompts.count * record.choices.sampleSteps)
    let rows = sheets.secondsARow == nil ? 2.0 : 1
    return clock.aside + row * rows <= clock.whole(facts) * Self.share
  }

  /// - Returns: false where it was stopped.
  private func look(_ tell: (Event) throws -> Void, _ shouldStop: () -> Bool) throws -> Bool {
    guard !sheets.prompts.isEmpty else { return true }
    let began = clock.seconds
    defer { clock.noteAside(since: began) }
    try tell(.note("Drawing \(counted(sheets.prompts.count, "prompt")) to look at, without the LoRA and with it."))
    guard try sheets.draw(while: { !shouldStop() }) else { return false }
    let digits = String(facts.picturesSeen)
    let name = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
    let path = "\(folder)/samples/\(name).png"
    try makeFolder(folder + "/samples")
    try sheets.sheet.write(
      path,
      text: [
        Provenance.sheet, ("atelier", "lora, \(facts.picturesSeen) pictures seen, without it above, with it below"),
        ("Prompts", sheets.prompts.joined(separator: "\n")),
      ], source: .trainedAlgorithmicMedia, isForced: true)
    try tell(.sample(path: path, picturesSeen: facts.picturesSeen))
    return true
  }

  /// A checkpoint to go on from, and the file that other tools read.
  private func save(_ tell: (Event) throws -> Void) throws {
    let began = clock.seconds
    defer { clock.noteAside(since: began) }
    let path = try Checkpoint.save(training.saved, facts: facts, to: checkpoints, keep: record.plan.keep)
    if facts.picturesSeen > 0 { try training.write(to: "\(folder)/lora.safetensors", metadata: metadata) }
    try tell(.saved(path: path, picturesSeen: facts.picturesSeen))
  }

  /// kohya's words about a training.
  private var metadata: [String: String] {
    let choices = record.choices
    var words = [
      "ss_sd_model_name": record.base.shownName, "ss_new_sd_model_hash": record.baseHash,
      "ss_num_train_images": "\(record.count)", "ss_batch_size_per_device": "\(choices.batch)",
      "ss_steps": "\(facts.picturesSeen / choices.batch)", "ss_seed": "\(record.plan.seed)",
      "ss_resolution": "(\(record.side), \(record.side))", "ss_enable_bucket": "True", "ss_optimizer": "AdamW",
      "ss_num_reg_images": "\(prior?.examples.count ?? 0)", "atelier_version": record.version,
    ]
    if !choices.trigger.isEmpty { words["ss_output_name"] = choices.trigger }
    return words
  }
}
