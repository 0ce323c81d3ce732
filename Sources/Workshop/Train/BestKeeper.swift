import Foundation
import Media
import Evaluation
import Models
import Torch
import Training

/// One measurement of a run while it goes on: KID × 1000 on EfficientNet-Lite0's features.
public struct Quality: Codable, Sendable, Equatable {
  public let picturesSeen: Int
  public let kid: Double
  /// One standard error.
  public let error: Double
}

/// Measures now and then what a run makes, and keeps the checkpoint whose pictures were best: training that goes on for
/// too long, or comes apart, takes nothing away.
///
/// The checkpoint is in RUN/best, which `Generator` prefers, and the measurements beside it in best.json.
final class BestKeeper {
  private let folder: String
  private let model: any PictureModel
  private let set: PictureSet
  private let openNet: () throws -> FeatureNet
  /// The packed set's file.
  private let path: String
  private var net: FeatureNet?
  private var failure: String?
  private(set) var notes: Notes
  /// The last checkpoint that was saved, and whether it was measured.
  private var last: (path: String, picturesSeen: Int, isMeasured: Bool)?
  private let begun = ProcessInfo.processInfo.systemUptime
  /// Seconds of training before the next look, and those that looks have taken so far.
  private var nextLook: Double, spent = 0.0
  /// Seconds that the last look took; nobody knows before the first.
  private var lastTook = Double.infinity
  /// Whether looks wait until there is time for them.
  private let isThrifty: Bool

  struct Notes: Codable, Equatable {
    var looks: [Quality] = []
    /// Pictures seen by the checkpoint that is kept.
    var best: Int?
    var least: Double? { looks.map(\.kid).min() }
  }

  /// The part of the time that looks take at most.
  private static let share = 0.02
  private static let samples = 256, mostReal = 500
  /// So many looks in a row must be worse, by so many standard errors and by this factor, before a run is stopped.
  private static let patience = 5, errors = 3.0, factor = 2.0

  /// - Parameter firstLook: seconds of training before it: nobody asks how good a minute's work is.
  /// - Returns: nil when there is no model that makes pictures by itself, or there are too few real ones to compare with.
  init?(
    _ sampler: (any PictureModel)?, set: PictureSet, at path: String, folder: String, firstLook: Double = 90,
    net: @escaping () throws -> FeatureNet
  ) {
    (nextLook, isThrifty, self.path) = (firstLook, firstLook > 0, path)
    guard let sampler, set.count >= 16 else { return nil }
    (self.model, self.set, self.folder, openNet) = (sampler, set, folder, net)
    let data = FileManager.default.contents(atPath: folder + "/best.json")
    notes = data.flatMap { try? JSONDecoder().decode(Notes.self, from: $0) } ?? Notes()
  }

  /// Told about each checkpoint that is saved; looks when it is time to.
  ///
  /// - Parameter secondsASample: that the recipe takes for a picture; nil where nobody knows yet.
  /// - Returns: what was measured, and whether this is the best so far.
  func saved(_ path: String, picturesSeen: Int, secondsASample: Double? = nil) -> (quality: Quality, isBest: Bool)? {
    // The last checkpoint may have been saved a moment ago.
    if last?.picturesSeen != picturesSeen { last = (path, picturesSeen, false) }
    guard last?.isMeasured == false, picturesSeen > 0, elapsed >= nextLook else { return nil }
    if isThrifty, notes.looks.isEmpty || spent == 0 {
      // What a look is going to take isn't known yet: told from a few pictures.
      guard let secondsASample, let each = secondsAPicture else { return nil }
      let missing = mostReal - SetFeatures.known(of: set, at: self.path, by: net!).size(0)
      let expected = each * Double(max(0, missing) + Self.samples) + secondsASample * Double(Self.samples)
      let due = (spent + expected) / Self.share
      // The next sheet tells better what a picture takes.
      nextLook = min(due, elapsed + 300)
      guard elapsed >= due else { return nil }
    }
    return look()
  }

  private var elapsed: Double { ProcessInfo.processInfo.systemUptime - begun }
  private var mostReal: Int { min(Self.mostReal, set.count) }

  /// What the network takes for a picture; nil where its weights can't be had.
  private lazy var secondsAPicture: Double? = {
    let start = ProcessInfo.processInfo.systemUptime
    defer { spent += ProcessInfo.processInfo.systemUptime - start }
    guard let net = opened() else { return nil }
    let opened = ProcessInfo.processInfo.systemUptime
    let some = set.sample(atMost: 16)
    _ = net.features(of: set.bytes(of: some))
    return (ProcessInfo.processInfo.systemUptime - opened) / Double(some.count)
  }()

  /// Told that training has ended: the last checkpoint is measured where others were.
  ///
  /// - Parameter isStopped: by somebody, who waits: then it is measured only where that takes a moment.
  func finished(isStopped: Bool = false) -> (quality: Quality, isBest: Bool)? {
    guard !notes.looks.isEmpty, let last, !last.isMeasured, !isStopped || lastTook < 2 else { return nil }
    return look()
  }

  /// Whether it has been getting worse for so long that there is nothing to wait for.
  var isOnlyWorse: Bool {
    guard let least = notes.least, notes.looks.count > Self.patience else { return false }
    return notes.looks.suffix(Self.patience).allSatisfy {
      $0.kid > least + Self.errors * $0.error && $0.kid > Self.factor * max(least, 1)
    }
  }

  /// What was measured of the checkpoint that is kept.
  var best: Quality? { notes.best.flatMap { best in notes.looks.last { $0.picturesSeen == best } } }

  private func look() -> (quality: Quality, isBest: Bool)? {
    let start = ProcessInfo.processInfo.systemUptime
    guard let last, let net = opened() else { return nil }
    self.last?.isMeasured = true
    let real = SetFeatures(of: set, at: path, by: net, atMost: mostReal)
    let made = Tensor.concatenated(
      stride(from: 0, to: Self.samples, by: 64).map { from in
        let pictures = withoutGradients { model.sample(seeds: (from..<from + 64).map(UInt64.init)) }
        return net.features(of: pictureBytes(pictures))
      })
    var noise = Noise(seed: 0)
    let distance = KernelDistance(between: made, and: real.values, noise: &noise)
    let taken = ProcessInfo.processInfo.systemUptime - start
    spent += taken
    lastTook = taken
    nextLook = max(elapsed + taken / Self.share, spent / Self.share)
    guard distance.value.isFinite else { return nil }
    let quality = Quality(
      picturesSeen: last.picturesSeen, kid: 1000 * distance.value,
      error: distance.error.isNaN ? 0 : 1000 * distance.error)
    // Of those that can't be told apart, the one that has learned longest.
    let isBest = notes.least.map { quality.kid <= $0 + quality.error } ?? true
    notes.looks.append(quality)
    // What can't be kept isn't said to be.
    let isKept = isBest && keep(last.path)
    if isKept { notes.best = quality.picturesSeen }
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    // What can't be noted is measured again, and the run needn't stop for it.
    if let data = try? encoder.encode(notes) {
      try? AtomicFile.write(Array(data), to: folder + "/best.json", isForced: true)
    }
    return (quality, isKept)
  }

  /// Why nothing is measured, where that is so; told once.
  func takeFailure() -> String? {
    defer { failure = nil }
    return failure
  }

  /// The network; nil where its weights can't be had.
  private func opened() -> FeatureNet? {
    guard net == nil, nextLook < .infinity else { return net }
    do { net = try openNet() } catch {
      nextLook = .infinity
      failure = "The best checkpoint isn't looked for: \((error as? any Explained)?.sentence ?? "\(error)")"
    }
    return net
  }

  /// Puts the checkpoint into RUN/best in place of the one that was there.
  private func keep(_ path: String) -> Bool {
    let home = folder + "/best", files = FileManager.default
    let new = "\(home)/\((path as NSString).lastPathComponent)"
    guard (try? files.createDirectory(atPath: home, withIntermediateDirectories: true)) != nil else { return false }
    let old = Checkpoint.files(in: home).filter { $0 != new }
    if !files.fileExists(atPath: new) {
      // The same bytes under two names take no room; some file systems can't.
      guard link(path, new) == 0 || (try? files.copyItem(atPath: path, toPath: new)) != nil else { return false }
    }
    for path in old { unlink(path) }
    return true
  }
}
