import Foundation
import Networks
import Torch

/// Why a checkpoint can't be written or used.
public enum CheckpointError: Explained {
  case diskFull(folder: String, needed: Int, free: Int)
  case cannotWrite(path: String, reason: String)
  /// What is damaged is data; what the system refuses isn't.
  case cannotRead(path: String, reason: String, exit: Exit = .data)
  /// It holds other networks than the settings say.
  case doesNotFit(path: String, reason: String)

  public var sentence: String {
    switch self {
    case .diskFull(let folder, let needed, let free):
      "Checkpoints need \(spoken(needed)) in \(folder), where \(spoken(free)) are free: free some space, or name another --run."
    case .cannotWrite(let path, let reason):
      "The checkpoint can't be written to \(path) (\(reason)): check that the folder can be written to, or name another --run."
    case .cannotRead(let path, let reason, _):
      "The checkpoint \(path) can't be read, since it \(reason): use another one, or train again."
    case .doesNotFit(let path, let reason):
      "The checkpoint \(path) doesn't fit its settings (\(reason)): it was changed, or made by another version; start a new run."
    }
  }
  public var exit: Exit {
    switch self {
    case .diskFull, .cannotWrite: .cannotCreate
    case .cannotRead(_, _, let exit): exit
    case .doesNotFit: .data
    }
  }

  private func spoken(_ bytes: Int) -> String {
    bytes < 10_000_000_000 ? "\((bytes + 999_999) / 1_000_000) MB" : "\(bytes / 1_000_000_000) GB"
  }
}

/// One saved state of a run: a safetensors file with networks, averages and optimizers, and the counters in its
/// metadata. Noise needs no state: each step draws a fresh one from the seed and the pictures seen.
public struct Checkpoint {
  /// What a checkpoint knows beside its tensors.
  public struct Facts: Codable, Sendable, Equatable {
    public var recipe: String
    /// The recipe's settings as JSON.
    public var settings: String
    public var seed: UInt64
    public var picturesSeen = 0
    /// Training time so far.
    public var seconds = 0.0
    /// 1, halved at each roll back after divergence.
    public var rateScale = 1.0
    /// Roll backs so far.
    public var rollbacks = 0

    public init(recipe: String, settings: String, seed: UInt64) {
      (self.recipe, self.settings, self.seed) = (recipe, settings, seed)
    }
  }

  public let path: String
  public let facts: Facts
  /// Named as "generator/main.0.weight"; mapped, not read, until they are used.
  public let tensors: [String: Tensor]

  /// Opens a file.
  ///
  /// - Throws: `CheckpointError.cannotRead` when it is damaged or no checkpoint.
  public init(path: String) throws(CheckpointError) {
    let content: (tensors: [String: Tensor], metadata: [String: String])
    do { content = try Safetensors.read(path) } catch {
      throw .cannotRead(path: path, reason: error.reason, exit: error.exit)
    }
    guard let facts = Facts(metadata: content.metadata) else {
      throw .cannotRead(path: path, reason: "says nothing about a run")
    }
    (self.path, self.facts, tensors) = (path, facts, content.tensors)
  }

  /// Puts the tensors into `saved`: what is in the checkpoint under each name.
  ///
  /// - Throws: `CheckpointError.doesNotFit` when something is missing or has another shape.
  public func restore(into saved: [String: any Saved]) throws(CheckpointError) {
    for (name, part) in saved.sorted(by: { $0.key < $1.key }) {
      let prefix = name + "/"
      let own = tensors.filter { $0.key.hasPrefix(prefix) }
      do {
        try part.restore(
          Dictionary(uniqueKeysWithValues: own.map { (String($0.key.dropFirst(prefix.count)), $0.value) }))
      } catch {
        throw .doesNotFit(path: path, reason: "\(name): \(error.sentence)")
      }
    }
  }
}

// MARK: Saving

extension Checkpoint {
  /// Bytes that a checkpoint of these takes, but for its header.
  public static func byteCount(of saved: [String: any Saved]) -> Int {
    saved.values.reduce(0) { $0 + $1.savedTensors.values.reduce(0) { $0 + $1.count * $1.dtype.byteCount } }
  }

  /// Writes `folder/<pictures seen>.safetensors` whole or not at all, then deletes all but the newest `keep`.
  ///
  /// - Returns: the path.
  /// - Throws: `CheckpointError.diskFull` before anything is written, or `cannotWrite`.
  @discardableResult
  public static func save(
    _ saved: [String: any Saved], facts: Facts, to folder: String, keep: Int = 3
  ) throws(CheckpointError) -> String {
    let path = "\(folder)/\(fileName(picturesSeen: facts.picturesSeen))"
    try makeFolder(folder)
    // What a killed save left: a run's folder has one writer.
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] where name.hasSuffix(".partial") {
      unlink("\(folder)/\(name)")
    }
    try expectRoom(for: byteCount(of: saved), in: folder)
    try write(saved, facts: facts, to: path)
    for old in files(in: folder).filter({ $0 < path }).dropLast(max(0, keep - 1)) { unlink(old) }
    return path
  }

  /// Writes one file, for example to publish a generator.
  public static func write(_ saved: [String: any Saved], facts: Facts, to path: String) throws(CheckpointError) {
    var tensors: [String: Tensor] = [:]
    for (name, part) in saved {
      for (key, tensor) in part.savedTensors { tensors["\(name)/\(key)"] = tensor }
    }
    do { try Safetensors.write(tensors, metadata: facts.metadata, to: path) } catch {
      throw .cannotWrite(path: path, reason: error.sentence)
    }
  }

  /// Checks that `keep` checkpoints and the one being written find room.
  ///
  /// - Throws: `CheckpointError.diskFull`.
  public static func expectRoom(for bytes: Int, in folder: String) throws(CheckpointError) {
    var system = statvfs()
    guard statvfs(folder, &system) == 0 else { return }
    let free = Int(system.f_bavail) * Int(system.f_frsize)
    // A header, and some for the log and the sheets.
    let needed = bytes + 4_000_000
    guard free > needed else { throw .diskFull(folder: folder, needed: needed, free: free) }
  }

  private static func makeFolder(_ folder: String) throws(CheckpointError) {
    do {
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw .cannotWrite(path: folder, reason: reasonOfLastError())
    }
  }
}

// MARK: Finding

extension Checkpoint {
  /// The checkpoints of a folder by name, the newest last.
  public static func files(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".safetensors") && $0.first?.isNumber == true }.sorted().map {
      "\(folder)/\($0)"
    }
  }

  /// The newest checkpoint that can be read; nil when there is none.
  ///
  /// - Parameter skipped: told about each damaged one.
  public static func latest(in folder: String, skipped: (CheckpointError) -> Void = { _ in }) -> Checkpoint? {
    for path in files(in: folder).reversed() {
      do { return try Checkpoint(path: path) } catch { skipped(error) }
    }
    return nil
  }

  /// Twelve digits, so that order by name is order by pictures seen.
  private static func fileName(picturesSeen: Int) -> String {
    let digits = String(picturesSeen)
    return String(repeating: "0", count: max(0, 12 - digits.count)) + digits + ".safetensors"
  }
}

extension Checkpoint.Facts {
  /// As in a checkpoint's metadata, which holds strings only.
  public var metadata: [String: String] {
    [
      "format": "atelier", "recipe": recipe, "settings": settings, "seed": String(seed),
      "pictures_seen": String(picturesSeen), "seconds": String(seconds), "rate_scale": String(rateScale),
      "rollbacks": String(rollbacks),
    ]
  }

  init?(metadata: [String: String]) {
    guard metadata["format"] == "atelier", let recipe = metadata["recipe"], let settings = metadata["settings"],
      let seed = metadata["seed"].flatMap({ UInt64($0) }),
      let pictures = metadata["pictures_seen"].flatMap({ Int($0) }), pictures >= 0,
      let seconds = metadata["seconds"].flatMap({ Double($0) }), seconds.isFinite, seconds >= 0,
      let scale = metadata["rate_scale"].flatMap({ Double($0) }), scale > 0, scale <= 1,
      let rollbacks = metadata["rollbacks"].flatMap({ Int($0) })
    else { return nil }
    self.init(recipe: recipe, settings: settings, seed: seed)
    (picturesSeen, self.seconds, rateScale, self.rollbacks) = (pictures, seconds, scale, rollbacks)
  }
}
