import Foundation
import Models
import Torch
import Training

/// The expected time, pictures and disk space of a run.
public struct Estimate: Codable, Sendable, Equatable {
  /// Pictures seen in all, and seconds of training: one is what was asked for, the other follows from this machine's
  /// speed; nil where nobody measured.
  public let picturesSeen: Int?, seconds: Double?
  /// The most disk space of the run's folder.
  public internal(set) var bytes: Int?

  /// By steps that were measured.
  init(_ length: Length, measured trial: Trial) {
    // Sheets, checkpoints and measurements take their share.
    let share = 0.97
    switch length {
    case .minutes(let minutes):
      (picturesSeen, seconds) = (trial.pictures(in: minutes * 60 * share), minutes * 60)
    case .pictures(let count): (picturesSeen, seconds) = (count, trial.seconds(for: count) / share)
    }
  }

  /// By what the recipe says that a picture costs, where nothing was measured.
  init(_ length: Length, gigaflopsAPicture: Double?, in situation: Situation) {
    let rate = gigaflopsAPicture.map { situation.gigaflops / $0 }
    switch length {
    case .minutes(let minutes): (picturesSeen, seconds) = (rate.map { Int($0 * minutes * 60) }, minutes * 60)
    case .pictures(let count): (picturesSeen, seconds) = (count, rate.map { Double(count) / max($0, 1e-6) })
    }
  }

  /// "33 minutes, 170,000 pictures seen, at most 190 MB".
  var words: String {
    [
      seconds.map(spoken), picturesSeen.map { "\(grouped(rounded(Double($0)))) pictures seen" },
      bytes.map { "at most \(spoken(bytes: $0))" },
    ].compactMap { $0 }.joined(separator: ", ")
  }

  /// What it was, and what the run came to: a sentence without its end.
  public func compared(seconds time: Double, picturesSeen: Int, bytes: Int) -> String {
    "expected were \(words); it came to \(spoken(time)), \(grouped(picturesSeen)) pictures, \(spoken(bytes: bytes))"
  }

  /// The checkpoints that are kept, the best one, a sheet a minute, and the log.
  ///
  /// - Parameters:
  ///   - checkpoint: bytes of one.
  ///   - size: of a picture on the sheets.
  static func bytes(_ plan: Plan, checkpoint: Int, size: PictureSize, channels: Int, seconds: Double) -> Int {
    // PNG makes them smaller by a third or more; a reading takes some 300 bytes.
    let sheet = plan.samples * size.pixels * channels * 2 / 3
    let sheets = Int(seconds / plan.sampleSeconds) + 8, readings = Int(seconds / plan.reportSeconds) + 8
    return (plan.keep + 1) * checkpoint + sheets * sheet + 300 * readings
  }
}

private func spoken(bytes: Int) -> String {
  String(format: bytes < 10_000_000 ? "%.1f MB" : "%.0f MB", Double(bytes) / 1e6)
}

/// Bytes of a folder's files; of a file with two names there, once.
public func folderBytes(_ folder: String) -> Int {
  var seen: Set<UInt64> = []
  var sum = 0
  for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
    var facts = stat()
    guard lstat("\(folder)/\(name)", &facts) == 0, facts.st_mode & S_IFMT == S_IFREG,
      seen.insert(UInt64(facts.st_ino)).inserted
    else { continue }
    sum += Int(facts.st_size)
  }
  return sum
}
