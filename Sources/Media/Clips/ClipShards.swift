import Foundation

/// One of several processes that share work, each taking its part: the third of sixteen is written 3/16.
public struct Shard: Sendable, Equatable, CustomStringConvertible {
  /// From 1 on.
  public let number: Int
  public let count: Int

  /// - Returns: nil unless 1 ≤ number ≤ count ≤ 100,000.
  public init?(_ number: Int, of count: Int) {
    guard (1...100_000).contains(count), (1...count).contains(number) else { return nil }
    (self.number, self.count) = (number, count)
  }

  public var description: String { "\(number)/\(count)" }

  /// Which of so many things are its own: those that follow one another, as evenly as can be.
  public func range(of things: Int) -> Range<Int> { things * (number - 1) / count..<things * number / count }
}

/// What one process makes of a film.
public enum ClipWork: Sendable, Equatable {
  /// All of it.
  case whole
  /// Its share of so many frames; they stay beside the film until they are joined.
  case shard(Shard, of: Int)
  /// Puts together so many frames, which shards have made.
  case joining(Int)

  var isJoining: Bool { if case .joining = self { true } else { false } }
}

extension ClipRendering {
  /// The frames of a shard: whole parts, since each is encoded by itself, as in a film of one process.
  func range(of shard: Shard, _ total: Int) -> Range<Int> {
    let parts = shard.range(of: (total + partLength - 1) / partLength)
    return min(total, parts.lowerBound * partLength)..<min(total, parts.upperBound * partLength)
  }

  /// The frames that this process makes; all there are, where it makes them all.
  public func range(of total: Int) -> Range<Int> {
    if case .shard(let shard, let total) = work { range(of: shard, total) } else { 0..<total }
  }

  /// Frames that nobody has made yet, by their numbers from 0 on.
  public func missing(of total: Int) -> [Range<Int>] {
    var found: [Range<Int>] = []
    for number in 0..<(total + partLength - 1) / partLength where !isWhole(number, of: total) {
      let range = number * partLength..<min(total, (number + 1) * partLength)
      if let last = found.last, last.upperBound == range.lowerBound {
        found[found.count - 1] = last.lowerBound..<range.upperBound
      } else {
        found.append(range)
      }
    }
    return found
  }

  /// Whether a folder of PNGs belongs to this work, or will: of shards that begin at once, one makes the folder, and another
  /// may find it without a record.
  func isBegun(_ key: String) -> Bool {
    if let found = FileManager.default.contents(atPath: record) { return found == Data(key.utf8) }
    guard case .shard = work else { return false }
    return (try? FileManager.default.contentsOfDirectory(atPath: folder))?.allSatisfy { $0.hasPrefix(".") } ?? false
  }

  /// The first shard's record counts: those with other settings are sent away.
  ///
  /// - Throws: `FileError`.
  func say(_ key: String, _ plain: String) throws(FileError) {
    guard case .shard = work else { return try AtomicFile.write(key, to: record, isForced: true) }
    do {
      try AtomicFile.write(key, to: record)
    } catch .exists {
      guard FileManager.default.contents(atPath: record) == Data(key.utf8) else { throw .exists(path: plain) }
    }
  }
}
