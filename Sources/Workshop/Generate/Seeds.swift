import Foundation
import Media
import Torch

/// The numbers that pictures are made from, as written on a command line: `0-63,80`.
public struct Seeds: Sendable, Equatable {
  public let values: [UInt64]
  /// More in one command is taken for a slip of the finger.
  public static let limit = 100_000

  public init(_ values: [UInt64]) { self.values = values }

  /// - Throws: `SeedsError` when it isn't a list of numbers and rising ranges, or there are too many.
  public init(_ words: String) throws(SeedsError) {
    var values: [UInt64] = []
    for part in words.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64(trimmed($0)) }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends.last!, first <= last else {
        throw .notSeeds(words, part: String(part))
      }
      guard last - first < Seeds.limit, values.count + Int(last - first) < Seeds.limit else { throw .tooMany(words) }
      values += first...last
    }
    var met: Set<UInt64> = []
    self.values = values.filter { met.insert($0).inserted }
  }
}

/// Pairs of seeds between which to walk, as written on a command line: `3-7` or `3-7,7-12`.
public struct SeedPairs: Sendable, Equatable {
  public let pairs: [(from: UInt64, to: UInt64)]

  public init(_ words: String) throws(SeedsError) {
    var pairs: [(from: UInt64, to: UInt64)] = []
    for part in words.split(separator: ",", omittingEmptySubsequences: false) {
      let ends = part.split(separator: "-", omittingEmptySubsequences: false).map { UInt64(trimmed($0)) }
      guard ends.count == 2, let from = ends[0], let to = ends[1] else { throw .notPairs(words, part: String(part)) }
      pairs.append((from, to))
    }
    self.pairs = pairs
  }

  public static func == (a: SeedPairs, b: SeedPairs) -> Bool {
    a.pairs.elementsEqual(b.pairs) { $0.from == $1.from && $0.to == $1.to }
  }
}

extension Seeds {
  /// The file of each seed: `out` itself for a single one, else a PNG in the folder `out`, which is made.
  ///
  /// - Throws: `FileError` when one is there or can't be written, `OutputError`.
  func files(at out: String, quality: Int? = nil, isForced: Bool) throws -> [(path: String, seed: UInt64)] {
    if values.count == 1, !out.hasSuffix("/") {
      try expectPicture(out, quality: quality, isForced: isForced)
      return [(out, values[0])]
    }
    let folder = out.hasSuffix("/") ? String(out.dropLast()) : out
    let files = values.map { (path: "\(folder)/\(fileName(seed: $0))", seed: $0) }
    try OutputFormat.check(files[0].path, quality: quality)
    for (path, _) in files where !isForced && access(path, F_OK) == 0 { throw FileError.exists(path: path) }
    try AtomicFile.makeFolder(out)
    return files
  }
}

private func trimmed(_ words: Substring) -> Substring {
  var words = words
  while words.first == " " { words.removeFirst() }
  while words.last == " " { words.removeLast() }
  return words
}

/// What was wrong with seeds as they were written.
public enum SeedsError: Explained, Equatable {
  case notSeeds(String, part: String)
  case notPairs(String, part: String)
  case tooMany(String)

  public var sentence: String {
    switch self {
    case .notSeeds(let words, let part):
      "'\(part)' in --seeds \(words) isn't a number or a rising range: write for example --seeds 0-63,80."
    case .notPairs(let words, let part):
      "'\(part)' in --interpolate \(words) isn't a pair of seeds: write for example --interpolate 3-7."
    case .tooMany(let words):
      "--seeds \(words) are more than \(Seeds.limit) pictures: ask for fewer at a time."
    }
  }
  public var exit: Exit { .usage }
}
