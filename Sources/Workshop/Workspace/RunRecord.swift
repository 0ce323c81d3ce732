import Foundation
import Media
import Models
import Torch
import Training

/// Why a run can't be begun or gone on with.
public enum RunError: Explained, Equatable {
  case noPictures
  case noRun(folder: String)
  /// The folder has files of something else, or of another run.
  case taken(folder: String)
  case noCheckpoint(folder: String)
  case damaged(path: String)
  case cannotChange(String, from: String?, to: String)
  case noTargets(recipe: String)
  case needlessTargets(recipe: String)
  /// No picture has words, for a recipe that learns from them.
  case noCaptions(recipe: String)
  /// A run that another was to begin with is of another recipe.
  case otherRecipe(String, of: String, asked: String)
  case nothingFits(String)
  /// A run that was told what each picture is like can't go on with others.
  case otherPictures
  /// Classes are to be found for a recipe that knows none, or more than there are pictures.
  case noClasses(recipe: String)
  case tooManyClasses(Int, pictures: Int)
  /// Of a group of processes, one has other pictures than the first.
  case othersPictures(String)
  case notShared(batch: Int, processes: Int)
  /// It teaches a large model, and makes no pictures by itself.
  case isLoRA(folder: String)
  /// A run whose rates don't fall can't be finished with falling ones.
  case nothingFalls(recipe: String)

  public var sentence: String {
    switch self {
    case .noPictures: "There is nothing to train on: name a folder or a zip file of pictures."
    case .noRun(let folder):
      "\(folder) is no run: name a folder that 'atelier train' made, or begin one without --resume."
    case .taken(let folder):
      "\(folder) isn't empty: go on with its run by --resume, or name another --run."
    case .noCheckpoint(let folder): "\(folder) has no checkpoint that can be read: begin a new run."
    case .damaged(let path): "\(path) can't be understood: restore it from a copy, or begin a new run."
    case .cannotChange(let name, let from, let to):
      "A run's \(name) can't be changed \(from.map { "from \($0) " } ?? "")to \(to): leave it out, or begin a new run."
    case .noTargets(let recipe):
      "The recipe \(recipe) learns from two sets: name the second one with --towards."
    case .needlessTargets(let recipe):
      "The recipe \(recipe) learns from one set: leave --towards out, or use a recipe for two: \(recipes.filter { $0.material.pairing != nil }.map { $0.name }.joined(separator: ", "))."
    case .noCaptions(let recipe):
      "No picture has words, which the recipe \(recipe) learns: write NAME.txt beside NAME.png, or give files or folders names."
    case .otherRecipe(let name, let recipe, let asked):
      "\(name) was trained by the recipe \(recipe), so \(asked) can't start from it: leave --recipe out."
    case .nothingFalls(let recipe):
      "The recipe \(recipe) has no falling learning rates, so a run can't be finished with them: leave --finish out."
    case .isLoRA(let folder):
      "\(folder) is a LoRA's run: draw with it by `atelier generate MODEL --lora \(folder)/lora.safetensors`."
    case .noClasses(let recipe): "The recipe \(recipe) knows no classes: leave --classes out, or use another recipe."
    case .tooManyClasses(let count, let pictures):
      "\(counted(pictures, "picture")) can't be of \(count) classes: give --classes a smaller number."
    case .otherPictures:
      "The pictures have changed since this run began, and its networks know each of them: put them back, or begin a new run "
        + "with --from this one."
    case .othersPictures(let path):
      "Another process of this training has other pictures at \(path): give all machines the same ones there."
    case .notShared(let batch, let processes):
      "A batch of \(batch) pictures can't be shared by \(processes) processes: give --batch \((batch + processes - 1) / processes * processes), or start another number of them."
    case .nothingFits(let name):
      "None of \(name)'s weights fits these settings: leave out the settings that shape the networks, or --from."
    }
  }
  public var exit: Exit {
    switch self {
    case .noPictures, .cannotChange, .noTargets, .needlessTargets, .otherRecipe, .nothingFits, .nothingFalls,
      .noClasses, .isLoRA, .tooManyClasses, .otherPictures, .othersPictures, .notShared, .noCaptions:
      .usage
    case .noRun, .noCheckpoint: .missingInput
    case .taken: .cannotCreate
    case .damaged: .data
    }
  }
}

/// What a run's settings.json holds: all that is needed to repeat or resume it.
public struct RunRecord: Codable, Sendable, Equatable {
  public var format = "atelier run 1"
  public let version: String
  public let recipe: String
  /// The recipe's settings, as JSON.
  public let settings: String
  public var plan: Plan
  /// Where the pictures were, how many could be used, and the SHA-256 of their contents.
  public let pictures: String
  public let count: Int
  public let hash: String
  public let packing: Packing
  /// The packed set's file in the workspace's cache; runs of before don't say.
  public let set: String?
  /// The second set, of a recipe that learns from two.
  public var towards: Towards?
  /// Of sheets of sprites, for a recipe that learns motion.
  public var frame: PictureSize?
  /// What it began with, when that was another run's weights.
  public var origin: Origin?
  /// What it was expected to come to; not every run says so.
  public internal(set) var estimate: Estimate?

  public struct Origin: Codable, Sendable, Equatable {
    /// As it was named.
    public let name: String
    /// The SHA-256 of its file.
    public let hash: String
    public let picturesSeen: Int
    public internal(set) var beginning = InheritedWeights()
  }

  public struct Towards: Codable, Sendable, Equatable {
    public let pictures: String
    public let count: Int
    public let hash: String
    public let packing: Packing

    init(_ pictures: String, _ packed: Packed, _ packing: Packing) {
      (self.pictures, count, hash, self.packing) = (pictures.absolutePath, packed.count, packed.hash, packing)
    }
  }

  init(
    recipe: String, settings: String, plan: Plan, pictures: String, _ packed: Packed, _ packing: Packing
  ) {
    version = Product.version
    (self.recipe, self.settings, self.plan, self.packing) = (recipe, settings, plan, packing)
    (self.pictures, count, hash) = (pictures.absolutePath, packed.count, packed.hash)
    set = (packed.path as NSString).lastPathComponent
  }

  /// Where what it learned from is packed, if it still is.
  func packedSet(in workspace: Workspace) -> String {
    set.map { "\(workspace.cache)/\($0)" } ?? packedPath(hash: hash, key: packing.key, in: workspace)
  }

  /// Reads a run's settings.json.
  ///
  /// - Throws: `RunError.noRun` or `.damaged`.
  public init(folder: String) throws(RunError) {
    let path = folder + "/settings.json"
    guard FileManager.default.fileExists(atPath: path) else { throw .noRun(folder: folder) }
    if AdapterRecord.isOne(folder) { throw .isLoRA(folder: folder) }
    guard let bytes = FileManager.default.contents(atPath: path),
      let record = try? JSONDecoder().decode(RunRecord.self, from: bytes), record.format == "atelier run 1"
    else { throw .damaged(path: path) }
    self = record
  }

  /// Of the run that a generator is from; nil for a model or a single checkpoint, which have none.
  ///
  /// - Throws: `RunError.damaged`.
  init?(of generator: Generator) throws(RunError) { try self.init(around: generator.path.parentPath.parentPath) }

  /// nil where no folder of a run is.
  init?(around folder: String) throws(RunError) {
    guard FileManager.default.fileExists(atPath: folder + "/settings.json") else { return nil }
    try self.init(folder: folder)
  }

  /// - Throws: `WorkspaceError`.
  func write(to folder: String) throws {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
    try AtomicFile.write(Array(encoder.encode(self)), to: folder + "/settings.json", isForced: true)
  }

  /// What a trained model is for.
  public var use: Use { (try? Models.recipe(named: recipe))?.use ?? .pictures }

  /// A page about the run for people: what it was trained on, how, and how to use it.
  ///
  /// - Parameter best: what the checkpoint that is kept makes.
  func writeCard(to folder: String, _ report: Report, _ ending: Ending, measured best: Quality?) throws {
    let minutes = Int((report.seconds / 60).rounded())
    let figures = report.figures.map { "\($0.name) \(String(format: "%.3g", $0.value))" }.joined(separator: ", ")
    let sources =
      "\(count) pictures from `\(pictures.shownName)`"
      + (towards.map { " and \($0.count) from `\($0.pictures.shownName)`" } ?? "")
    // A card is given away with the run.
    let use = use
    let began = origin.map {
      "\n- Began with the weights of `\($0.name.shownName)` (SHA-256 \($0.hash.prefix(16))…, \($0.picturesSeen) pictures seen): \(percent($0.beginning)) of the networks"
    }
    let measured = best.map {
      "\n- Best after \($0.picturesSeen) pictures: KID × 1000 \(String(format: "%.3g ± %.2g", $0.kid, $0.error)) to the pictures it learned from (EfficientNet-Lite0)"
    }
    let expected = ending == .completed ? estimate : nil
    let truth = expected.map {
      "\n- Of time and size, \($0.compared(seconds: report.seconds, picturesSeen: report.picturesSeen, bytes: folderBytes(folder)))"
    }
    let card = """
      # A \(use.makesPictures ? "generator of" : "network for") \(packing.size) px pictures

      Trained by Atelier \(version) with the recipe `\(recipe)` on \(sources)
      (SHA-256 of the contents \(hash.prefix(16))…), \(minutes) min, \(report.picturesSeen) pictures seen\
      \(ending == .stopped ? "; stopped before its end" : "").

      - Seed: \(plan.seed)\(began ?? "")
      - Settings: `\(settings)`
      - Last readings: \(figures.isEmpty ? "none" : figures)\(measured ?? "")\(truth ?? "")
      - Rights: as those of the pictures it was trained on\(origin == nil ? "" : ", and of those that the weights before it were"); you know where they come from.

      It \(use.words): `\(use.example(for: folder.shownName))`
      Go on training: `atelier train --resume --run \(folder.shownName) --minutes \(minutes + 20)`

      """
    try AtomicFile.write(card, to: folder + "/card.md", isForced: true)
  }
}

/// How much was taken, as "98 %".
func percent(_ beginning: InheritedWeights) -> String {
  "\(Int((100 * Double(beginning.taken) / Double(max(1, beginning.all))).rounded(.down))) %"
}

/// The folder of a run: as named, or a new one in the workspace.
///
/// - Parameter isNew: whether the folder must be empty or absent.
/// - Throws: `RunError.taken`.
func requested(
  _ run: String?, in workspace: Workspace, naming pictures: String = "", isNew: Bool = false
) throws(RunError) -> String {
  if let run {
    // A bare name that isn't here is looked for in the workspace.
    let here = run.absolutePath, there = workspace.runs + "/" + run
    let isHere = FileManager.default.fileExists(atPath: here) && (isNew || !Generator.isOtherFolder(here))
    let isThere = !isHere && FileManager.default.fileExists(atPath: there)
    let folder = isThere && !run.contains("/") ? there : here
    if isNew {
      guard FileManager.default.fileExists(atPath: folder) else { return folder }
      // What can't be looked into isn't empty.
      guard let files = try? FileManager.default.contentsOfDirectory(atPath: folder),
        files.allSatisfy({ $0 == "run.lock" })
      else { throw .taken(folder: folder) }
    }
    return folder
  }
  guard isNew else { throw .noRun(folder: "(none named by --run)") }
  let stem = ((pictures.absolutePath as NSString).lastPathComponent as NSString).deletingPathExtension
  for number in 1... {
    let folder = "\(workspace.runs)/\(stem)-\(number)"
    if !FileManager.default.fileExists(atPath: folder) { return folder }
  }
  return workspace.runs
}

/// A run's log.jsonl: its events, a line each, added to when a run is resumed.
final class RunLog {
  private let file: FileHandle

  /// - Throws: `FileError` or `WorkspaceError`.
  init(folder: String) throws {
    let path = folder + "/log.jsonl"
    if !FileManager.default.fileExists(atPath: path) { try AtomicFile.write("", to: path) }
    do {
      file = try FileHandle(forWritingTo: URL(fileURLWithPath: path))
      try file.seekToEnd()
    } catch { throw WorkspaceError.cannotWrite(path: path, reason: spokenReason(error)) }
  }

  /// - Throws: `WorkspaceError`.
  func write(_ event: Event) throws {
    do { try file.write(contentsOf: Data((event.json + "\n").utf8)) } catch {
      throw WorkspaceError.cannotWrite(path: "log.jsonl", reason: spokenReason(error))
    }
  }
}
