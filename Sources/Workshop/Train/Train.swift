import Foundation
import Media
import Models
import Torch
import Training

/// Trains a generator on pictures, in a run's folder: settings.json, log.jsonl, samples/, checkpoints/, card.md.
///
/// - Parameters:
///   - tell: told about everything but the result, on the caller's thread.
///   - shouldStop: asked before each step; the state is saved before it leaves.
/// - Throws: errors that explain themselves: `GalleryError`, `RunError`, `RecipeError`, `LoopError`, `RunLockError` ….
@discardableResult
public func train(
  _ request: TrainRequest, in workspace: Workspace, tell: (Event) -> Void = { _ in },
  shouldStop: () -> Bool = { false }
) throws -> Trained {
  var request = request
  let earlier = try request.isResumed ? RunRecord(folder: requested(request.run, in: workspace)) : nil
  if let earlier { try request.fill(from: earlier) }
  guard let pictures = request.pictures else { throw RunError.noPictures }
  let source = try request.from.map {
    try beginning(named: $0, &request, in: workspace) { tell(.note($0.sentence)) }
  }
  let type =
    try request.recipe.map { try recipe(named: $0) } ?? chosenRecipe(for: request, in: workspace) { tell(.note($0)) }
  // Before pictures are packed for minutes, what can't be trained anyway is refused.
  let gigaflops = earlier == nil ? measuredGigaflops(on: request.device) : 0
  let size = try request.size ?? type.usualSize(for: request, gigaflops) { tell(.note($0)) }
  let channels = request.channels ?? type.defaultChannels
  let draft = Situation(pictures: 1, size: size, channels: channels, device: request.device)
  _ = try type.prepared(draft, request)
  if earlier == nil, let run = request.run { _ = try requested(run, in: workspace, isNew: true) }

  let isOfTwo = type.material.pairing != nil
  if isOfTwo, request.towards == nil { throw RunError.noTargets(recipe: type.name) }
  if !isOfTwo, request.towards != nil { throw RunError.needlessTargets(recipe: type.name) }
  if request.frame != nil, type.material != .sequences {
    throw SequenceError.needlessFrame(recipe: type.name)
  }
  func prepare(_ path: String, _ packing: Packing) throws -> Packed {
    var pace = Pace(.packing)
    let packed =
      type.material == .sequences
      ? try packSequences(path, frame: request.frame, packing, in: workspace) { tell(pace.at($0, of: $1)) }
      : try pack(path, packing, in: workspace) { tell(pace.at($0, of: $1)) }
    var told = packed
    told.setAside = Array(packed.setAside.prefix(20))
    tell(.packed(told, leftOut: packed.setAside.count))
    for note in packed.labelNotes ?? [] { tell(.note(note)) }
    if let cropped = packed.cropped { tell(.note("Cropped by hand: \(counted(cropped, "picture")).")) }
    return packed
  }
  let (crop, ground) = (request.crop ?? .centre, request.ground ?? .white)
  let packing = Packing(size: size, crop: crop, channels: channels, ground: ground)
  let packed = try prepare(pictures, packing)
  let set = try PictureSet(path: packed.path)

  let captions = type.readsCaptions ? try captions(of: set, at: pictures, for: type.name) { tell(.note($0)) } : []

  var second: (set: PictureSet, packed: Packed, packing: Packing)?
  if isOfTwo, let towards = request.towards {
    let packing = Packing(
      size: try type.targetSize(draft, request, earlier), crop: crop, channels: channels, ground: ground)
    let packed = try prepare(towards, packing)
    second = (try PictureSet(path: packed.path), packed, packing)
  }

  let knowsTraits = earlier == nil && canSeeTraits(request, type, in: workspace, tell)
  let found =
    try earlier == nil ? foundClasses(request, type, set, packed, knowsTraits: knowsTraits, in: workspace, tell) : nil
  let classes =
    try earlier == nil ? found?.classes : FoundClasses.read(from: requested(request.run, in: workspace), for: set)
  let isOfSamePictures = request.from.flatMap { hashOfPictures(of: $0, in: workspace) } == packed.hash
  func situation(learned: PictureSize? = nil) -> Situation {
    var situation = Situation(
      pictures: set.count, targets: second?.set.count ?? 0, size: size, channels: channels, device: request.device,
      minutes: request.length?.minutes, picturesSeen: request.length?.pictures, gigaflops: gigaflops)
    (situation.classes, situation.learnedSize) = (classes ?? PictureClasses(of: set.names), learned)
    (situation.knowsTraits, situation.captions) = (knowsTraits, captions)
    return situation
  }

  func run<R: Recipe>(_ type: R.Type) throws -> Trained {
    var record: RunRecord
    if let earlier {
      record = earlier
      if earlier.hash != packed.hash || earlier.towards?.hash != second?.packed.hash {
        guard number("traits", in: earlier.settings) ?? 0 == 0 else { throw RunError.otherPictures }
        tell(.note("The pictures have changed since this run began; it goes on with those that are there now."))
      }
      if let length = request.length, length != record.plan.length {
        (record.plan.length, record.plan.end, record.estimate) = (length, nil, nil)
      }
    } else {
      var chosen = try type.settings(for: situation(), preset: request.preset)
      if let source {
        let before = try R.Settings(json: source.facts.settings, recipe: R.name)
        chosen = try type.settings(for: situation(learned: before.size), preset: request.preset)
          .shaped(like: before, recipe: R.name)
      }
      var settings = try chosen.changed(by: request.settings, recipe: R.name)
      if request.classes == ClassChoice.none {
        settings = try settings.changed(by: [("conditional", "false")], recipe: R.name)
      }
      let plan = Plan(request.length ?? type.length(for: situation()), seed: request.seed ?? 0)
      record = RunRecord(recipe: R.name, settings: settings.json, plan: plan, pictures: pictures, packed, packing)
      record.frame = request.frame
      record.origin = try source.map {
        RunRecord.Origin(
          name: request.from!, hash: try Digest.sha256(file: $0.path), picturesSeen: $0.facts.picturesSeen)
      }
      record.towards = second.map { RunRecord.Towards(request.towards!, $0.packed, $0.packing) }
    }
    record.plan.saveSeconds = request.saveSeconds ?? record.plan.saveSeconds
    // Before a folder is made: settings that can't work leave nothing behind.
    let settings = try R.Settings(json: record.settings, recipe: R.name)
    let targets = try R.material.pairing.map {
      try Targets(second!.set, for: set, pairing: $0, seed: record.plan.seed)
    }
    func new() throws -> R {
      var noise = Noise(seed: record.plan.seed)
      return try R(settings, noise: &noise, on: request.device)
    }
    if let group = request.group, settings.batch % group.count > 0 {
      throw RunError.notShared(batch: settings.batch, processes: group.count)
    }
    let recipe = try new()
    let teachers = try Teachers(R.needs(settings), isNew: earlier == nil, in: workspace) { tell(.note($0)) }
    func prepare(_ recipe: R) throws -> InheritedWeights? {
      try teachers.teach(recipe)
      let begun = earlier == nil ? source?.begin(recipe.inherited) : nil
      // With the vocabulary that a run before had.
      if R.readsCaptions { recipe.take(captions: captions) }
      guard earlier == nil else { return nil }
      // Of the same pictures, the networks know what the traits of the run before mean.
      if recipe.traitCount > 0, !isOfSamePictures || begun?.anew.contains(where: { $0.hasPrefix("traits/") }) == true {
        let traits = try pictureTraits(
          of: set, at: packed.path, count: recipe.traitCount, in: workspace, on: request.device, tell: tell)
        recipe.take(traits: traits, labels: (classes ?? PictureClasses(of: set.names)).labels(in: recipe.classes))
      }
      return begun
    }
    let beginning = try prepare(recipe)
    if earlier == nil {
      if let beginning {
        guard beginning.taken > 0 else { throw RunError.nothingFits(request.from!) }
        record.origin?.beginning = beginning
        tell(.note(spoken(beginning, of: request.from!)))
      }
      // What it takes is measured by steps of a recipe that is thrown away.
      let spare = try new()
      _ = try prepare(spare)
      let trial = Loop(
        spare, on: set, towards: targets, classes: classes, plan: record.plan, folder: "", device: request.device
      ).trial()
      var estimate =
        trial.map { Estimate(record.plan.length, measured: $0) }
        ?? Estimate(
          record.plan.length, gigaflopsAPicture: R.gigaflopsAPicture(in: situation()), in: situation())
      if let seconds = estimate.seconds {
        estimate.bytes = Estimate.bytes(
          record.plan, checkpoint: Checkpoint.byteCount(of: recipe.saved), size: size, channels: channels,
          seconds: seconds)
      }
      record.estimate = estimate
      tell(
        .chosen(
          recipe: record.recipe, settings: record.settings,
          words: words(for: situation(), R.self, record.plan.length, estimate, settings)))
    }
    let folder = try requested(request.run, in: workspace, naming: pictures, isNew: earlier == nil)
    let lock = try RunLock(folder: folder)
    defer { withExtendedLifetime(lock) {} }

    let checkpoints = folder + "/checkpoints"
    let good = earlier == nil ? nil : Checkpoint.latest(in: checkpoints) { tell(.note($0.sentence)) }
    if earlier != nil, good == nil { throw RunError.noCheckpoint(folder: folder) }
    if request.isFinishing, let facts = good?.facts {
      guard let hold = recipe.rateHold else { throw RunError.nothingFalls(recipe: R.name) }
      record.plan = earlier!.plan.ending(after: facts, hold: hold, in: request.length)
    }
    let loop = Loop(
      recipe, on: set, towards: targets, classes: classes, plan: record.plan, folder: checkpoints,
      device: request.device, group: request.group)
    if let good { try loop.resume(good) }
    try record.write(to: folder)
    try found?.write(to: folder, of: set)
    let pilot = Autopilot(
      record, settings: settings, set: set, labelled: classes == nil && R.Settings.keys.contains("classes"))
    let troubles = try pilot.lookAtPictures(in: workspace, on: request.device, at: packed.path) { tell(.note($0)) }
    for trouble in troubles { tell(.trouble(trouble)) }
    if let estimate = record.estimate { tell(.estimate(estimate)) }
    tell(
      .started(
        run: folder, recipe: record.recipe, pictures: record.count, picturesSeen: loop.facts.picturesSeen))
    let keeper =
      request.keepsBest
      ? BestKeeper(recipe.sampler, set: set, at: packed.path, folder: folder) {
        try featureNet(isQuick: true, in: workspace, on: request.device)
      } : nil
    guard let group = request.group else { return try follow(loop, record, folder, pilot, keeper, tell, shouldStop) }
    tell(
      .note("\(group.count) processes train together, each on \(settings.batch / group.count) pictures of every batch.")
    )
    try SharedRun(record, classes).spread(in: group)
    return try loop.trainTogether { try follow($0, record, folder, pilot, keeper, tell, shouldStop) }
  }
  return try run(type)
}

/// Runs the loop, and keeps what it tells in the run's folder.
private func follow<R: Recipe>(
  _ loop: Loop<R>, _ record: RunRecord, _ folder: String, _ pilot: Autopilot, _ keeper: BestKeeper?,
  _ tell: (Event) -> Void, _ shouldStop: () -> Bool
) throws -> Trained {
  let log = try RunLog(folder: folder)
  var isHopeless = false
  var last: Report?
  var failure: (any Error)?
  /// The loop doesn't wait for files; what goes wrong with them stops it.
  func attempt(_ body: () throws -> Void) {
    do { try body() } catch { failure = failure ?? error }
  }
  /// Told, and kept in the log.
  func keep(_ event: Event) {
    attempt { try log.write(event) }
    tell(event)
  }
  let ending = try loop.run { event in
    switch event {
    case .reading(let reading): keep(.reading(reading))
    case .rolledBack(let reason, let to):
      keep(.rolledBack(reason: reason, picturesSeen: to))
      if let trouble = pilot.lookAtRollBack(reason) { keep(.trouble(trouble)) }
    case .saved(let path, let seen):
      keep(.saved(path: path, picturesSeen: seen))
      let looked =
        loop.recipe.sampler == nil ? nil : keeper?.saved(path, picturesSeen: seen, secondsASample: loop.secondsASample)
      if let why = keeper?.takeFailure() { keep(.note(why)) }
      if let (look, isBest) = looked {
        keep(.measured(look, isBest: isBest))
        if let trouble = keeper.flatMap({ pilot.look(at: $0) }) {
          isHopeless = true
          keep(.trouble(trouble))
        }
      }
    case .sample(let pictures, let columns, let seen):
      attempt {
        if let trouble = pilot.look(at: pictures, isSheet: columns != nil, picturesSeen: seen) {
          keep(.trouble(trouble))
        }
        let path = try writeSample(pictures, columns, seen, record, to: folder)
        keep(.sample(path: path, picturesSeen: seen))
      }
    case .finished(let ending, let reading):
      if loop.recipe.sampler != nil, let (look, isBest) = keeper?.finished(isStopped: ending == .stopped) {
        keep(.measured(look, isBest: isBest))
      }
      attempt { try record.writeCard(to: folder, reading, ending, measured: keeper?.best) }
      last = reading
    }
  } shouldStop: {
    failure != nil || isHopeless || shouldStop()
  }
  let trained = Trained(
    ending: ending, run: folder, picturesSeen: loop.facts.picturesSeen, seconds: last?.seconds ?? 0,
    secondsAside: last?.secondsAside ?? 0, bytes: folderBytes(folder), bestPicturesSeen: keeper?.best?.picturesSeen,
    next: ending == .completed ? record.use.example(for: folder) : "atelier train --resume --run \(folder)")
  attempt { try log.write(.finished(.train(trained))) }
  if ending == .stopped, !isHopeless, failure == nil, let hold = loop.recipe.rateHold, last?.fraction ?? 1 < hold {
    tell(
      .note(
        "Rates haven't fallen yet, which makes pictures much better. To end the run now, in a third of the time that it "
          + "took: \(trained.next) --finish"))
  }
  if let failure { throw failure }
  return trained
}

/// A sheet of samples, named by the pictures seen.
private func writeSample(
  _ pictures: Tensor, _ columns: Int?, _ seen: Int, _ record: RunRecord, to folder: String
) throws -> String {
  let digits = String(seen)
  let name = String(repeating: "0", count: max(0, 12 - digits.count)) + digits
  let path = "\(folder)/samples/\(name).png"
  try makeFolder(folder + "/samples")
  let sheet = Sheet(columns: columns, for: pictures.size(0)).drawn(pictures.unbound().map { Picture($0) })
  try sheet.write(
    path, text: [Provenance.sheet, ("atelier", "\(record.recipe), \(seen) pictures seen")],
    source: .trainedAlgorithmicMedia, isForced: true)
  return path
}

extension Length {
  var minutes: Double? { if case .minutes(let minutes) = self { minutes } else { nil } }
  var pictures: Int? { if case .pictures(let pictures) = self { pictures } else { nil } }
}

extension Recipe {
  /// Checks that these pictures can be trained with what was asked for.
  fileprivate static func prepared(_ situation: Situation, _ request: TrainRequest) throws -> Settings {
    try Settings.expectShape(situation.size, recipe: name)
    return try settings(for: situation, preset: request.preset).changed(by: request.settings, recipe: name)
  }
  /// Size and channels of a run's pictures, by its settings.
  static func sizes(in json: String) throws(RecipeError) -> (size: PictureSize, channels: Int) {
    let settings = try Settings(json: json, recipe: name)
    return (settings.size, settings.channels)
  }
  /// A size of so many pixels as a square of a side, in the shape of most pictures where it can make that.
  static func size(_ side: Int, like shape: UsualShape?) -> PictureSize {
    guard let shape, let grids = Settings.grids else { return PictureSize(side) }
    return grids.size(aspect: shape.aspect, like: PictureSize(side))
  }
  /// The size of a run's pictures that nobody named.
  ///
  /// - Parameter say: told why they aren't square.
  /// - Throws: `GalleryError`, `ArchiveError`.
  fileprivate static func usualSize(
    for request: TrainRequest, _ gigaflops: Double, say: (String) -> Void
  ) throws -> PictureSize {
    let own = Settings().size
    guard Settings.grids != nil, let pictures = request.pictures else { return own }
    let typical = try TypicalSize(ofPicturesIn: pictures)
    let situation = Situation(
      pictures: typical.pictures, size: own, channels: request.channels ?? defaultChannels, device: request.device,
      minutes: request.length?.minutes, picturesSeen: request.length?.pictures, gigaflops: gigaflops)
    let side = usualSide(of: typical.side, in: situation)
    // Pieces have whatever shape is asked for.
    guard request.crop != .pieces, let shape = typical.shape else { return PictureSize(side) }
    let size = size(side, like: shape)
    say(
      "Most of the pictures are about \(shape.words), so it makes pictures of \(size) px; --size \(side) makes squares."
    )
    return size
  }
  fileprivate static var defaultChannels: Int { Settings().channels }
}

extension Recipe {
  /// Size of the second set's pictures.
  fileprivate static func targetSize(
    _ situation: Situation, _ request: TrainRequest, _ earlier: RunRecord?
  ) throws -> PictureSize {
    try targetSize(earlier.map { try Settings(json: $0.settings, recipe: name) } ?? prepared(situation, request))
  }
}
