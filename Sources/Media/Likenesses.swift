import Foundation

/// The likenesses of a set of pictures, and which of them are near each other.
///
/// A picture takes some 300 bytes of memory; the small pictures themselves, 3 KB each, go to disk where there are many.
public final class Likenesses {
  /// Of small pictures memory holds so many bytes: 20,000 pictures need no disk.
  public static let budget = 64 << 20

  /// Which likeness each picture has: those with the same pixels at 32 by 32 have one.
  public private(set) var kinds: [Int32] = []
  private var known: [Fingerprint: Int32] = [:]
  /// What isn't blank, in the order of these.
  private var shown: [Int32] = []
  private var contrasts: [Double] = []
  private var coordinates: [Int16] = []
  private let smalls: Records

  /// - Parameters:
  ///   - folder: where what memory doesn't hold is, until this is let go.
  ///   - budget: bytes of small pictures that memory holds.
  public init(folder: String, budget: Int = budget) {
    smalls = Records(of: 3 * Likeness.side * Likeness.side, budget: budget, folder: folder)
  }

  /// Adds the next picture's.
  ///
  /// - Throws: `FileError` when the folder can't be written to, or is full.
  public func append(_ likeness: Likeness) throws(FileError) {
    if let kind = known[likeness.fingerprint] { return kinds.append(kind) }
    let kind = Int32(known.count)
    known[likeness.fingerprint] = kind
    kinds.append(kind)
    // Empty pages are like any faint drawing: they would join what isn't alike.
    guard !likeness.isBlank else { return }
    try smalls.append(likeness.small)
    shown.append(kind)
    contrasts.append(likeness.contrast)
    coordinates += likeness.coordinates
  }

  /// Unites the pictures that are near each other, as `Likeness.isNear` tells, directly or over others.
  ///
  /// - Parameter looks: for each picture, after which the search ends.
  /// - Returns: the sets, and whether all was looked at. Blank pictures stay alone.
  /// - Throws: `FileError`.
  public func near(looks: Int = NearSearch.looks) throws -> (sets: DisjointSets, isWhole: Bool) {
    let reaches = contrasts.map { contrast in
      Float(Double(smalls.size).squareRoot() * Likeness.bound * contrast + Coordinates.slack)
    }
    var search = NearSearch(NearTree(coordinates, reaches: reaches), looks: looks) { [smalls, contrasts] i, j in
      let difference = try smalls.with(i, j, Likeness.squaredDifference)
      return Likeness.areNear(difference, contrasts[i], contrasts[j])
    }
    var (found, isWhole) = try search.run()
    var places = [Int?](repeating: nil, count: known.count)
    for (place, kind) in shown.enumerated() { places[Int(kind)] = place }
    var sets = DisjointSets(count: kinds.count)
    var first = [Int?](repeating: nil, count: shown.count)
    for (picture, kind) in kinds.enumerated() {
      guard let place = places[Int(kind)] else { continue }
      let root = found.root(of: place)
      if let first = first[root] { sets.unite(first, picture) } else { first[root] = picture }
    }
    return (sets, isWhole)
  }
}
