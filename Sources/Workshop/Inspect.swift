import Foundation
import Media
import Torch

/// What `inspect` is asked for.
public struct InspectRequest: Sendable {
  public var size = 64  // Side of the pictures that would be trained, in pixels.
  /// Where the contact sheet goes; nil draws none.
  public var sheet: String?
  /// Replaces a contact sheet that is there.
  public var force = false
  /// Pictures on the contact sheet, at most; from more, as many are taken at equal distances.
  public var onSheet = 160

  public init(size: Int = 64, sheet: String? = nil, force: Bool = false) {
    (self.size, self.sheet, self.force) = (size, sheet, force)
  }
}

/// Looks at every picture of a folder or a zip file: decodes it whole, and compares it with all others.
///
/// - Parameters:
///   - path: a folder, a zip file or one picture.
///   - advise: what one would train on what was found; nil when nobody knows.
///   - progress: called with how many files are done, of how many.
/// - Throws: `GalleryError`, `ArchiveError`, `FileError`. Damaged pictures are part of the result.
public func inspect(
  _ path: String, _ request: InspectRequest = InspectRequest(), advise: (Inspection) -> Advice? = { _ in nil },
  progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
) throws -> Inspection {
  if let sheet = request.sheet, !request.force, access(sheet, F_OK) == 0 { throw FileError.exists(path: sheet) }
  let gallery = try Gallery(path)
  var found = Inspection(path: gallery.path, size: request.size)
  (found.hidden, found.others, found.damaged) = (gallery.hidden, gallery.others, gallery.unreadable)
  let step = max(1, (gallery.count + request.onSheet - 1) / request.onSheet)
  var seen: [Look] = []
  var thumbnails: [Picture] = []
  try gallery.forEach { number, name, bytes in
    Look.taken(number, name, bytes, keepsThumbnail: number % step == 0)
  } collect: { number, look in
    switch look {
    case .success(let look):
      if let thumbnail = look.thumbnail { thumbnails.append(thumbnail) }
      seen.append(look.withoutThumbnail)
    case .failure(let damaged): found.damaged.append(damaged)
    }
    progress(number + 1, gallery.count)
  }
  found.count(seen)
  try found.compare(seen, in: gallery)
  found.advice = advise(found)
  if let sheet = request.sheet, !thumbnails.isEmpty {
    // About three wide for two high, as a screen is.
    let columns = max(1, Int((Double(thumbnails.count) * 1.5).squareRoot().rounded(.up)))
    let drawn = Sheet(columns: columns, for: thumbnails.count, cell: Look.side, margin: 4).drawn(thumbnails)
    try AtomicFile.makeFolder(sheet.absolutePath.parentPath)
    try drawn.write(sheet, isForced: request.force)
    found.sheet = sheet
  }
  return found
}

extension PictureFacts {
  fileprivate var pixels: Int { width * height }
}

extension Picture {
  /// Whether something can be seen through it; the very last levels are a resampler's rounding.
  fileprivate var isTransparent: Bool {
    channels == 4 && stride(from: 3, to: bytes.count, by: 4).contains { bytes[$0] < 250 }
  }
}

/// What is kept of one picture while the others are looked at.
private struct Look: Sendable {
  /// Of a thumbnail, in pixels.
  static let side = 96

  /// The file's number in the gallery.
  let number: Int
  let name: String
  let facts: PictureFacts
  let digest: String
  let isTransparent: Bool
  let likeness: Likeness
  var thumbnail: Picture?

  var withoutThumbnail: Look {
    var look = self
    look.thumbnail = nil
    return look
  }

  static func taken(
    _ number: Int, _ name: String, _ bytes: Result<[UInt8], PictureError>, keepsThumbnail: Bool
  ) -> Result<Look, SetAside> {
    Result { () throws(PictureError) in
      let bytes = try bytes.get()
      let facts = try Picture.facts(bytes, named: name)
      // Every byte of the picture is decoded for it, so that damage anywhere shows.
      let picture = try Picture.decode(bytes, named: name, Decoding(size: side, channels: facts.hasAlpha ? 4 : 3))
      let flat = picture.flattened(on: .white)
      return Look(
        number: number, name: name, facts: facts, digest: Digest.sha256(bytes),
        isTransparent: picture.isTransparent,
        likeness: Likeness(flat.resampled(width: Likeness.side, height: Likeness.side)),
        thumbnail: keepsThumbnail ? flat : nil)
    }.mapError { SetAside(name: name, reason: $0.reason) }
  }
}

extension Inspection {
  /// A picture counts as grey when no point of it at 32 by 32 is more coloured than JPEG's noise on a grey one.
  private static let colourOfGrey = 10

  /// Fills in all that is known of each picture by itself.
  fileprivate mutating func count(_ seen: [Look]) {
    pictures = seen.count
    for look in seen { formats[look.facts.format.rawValue, default: 0] += 1 }
    let bySize = seen.sorted { ($0.facts.pixels, $0.number) < ($1.facts.pixels, $1.number) }
    smallest = bySize.first.map { Extent(name: $0.name, width: $0.facts.width, height: $0.facts.height) }
    largest = bySize.last.map { Extent(name: $0.name, width: $0.facts.width, height: $0.facts.height) }
    let sides = seen.map { min($0.facts.width, $0.facts.height) }.sorted()
    typicalSide = sides.isEmpty ? 0 : sides[sides.count / 2]
    tooSmall = names(seen) { min($0.facts.width, $0.facts.height) < size }
    longish = names(seen) { max($0.facts.width, $0.facts.height) > 2 * min($0.facts.width, $0.facts.height) }
    let grey = names(seen) { $0.likeness.colourfulness <= Self.colourOfGrey }
    isAllGrey = grey.count == seen.count && !seen.isEmpty
    greyAmongColour = isAllGrey ? [] : grey
    blank = names(seen) { $0.likeness.isBlank }
    transparent = names(seen) { $0.isTransparent }
    animated = names(seen) { $0.facts.isAnimated }
  }

  private func names(_ seen: [Look], where isMeant: (Look) -> Bool) -> [String] { seen.filter(isMeant).map(\.name) }

  /// Fills in the duplicates, exact and near.
  fileprivate mutating func compare(_ seen: [Look], in gallery: Gallery) throws {
    let pairs = Likeness.nearPairs(seen.map(\.likeness))
    // Other bytes may hold the same pixels (a PNG saved again, a title added): only then all pixels are compared.
    let suspects = Set(
      pairs.filter { i, j in
        seen[i].digest != seen[j].digest && seen[i].facts.width == seen[j].facts.width
          && seen[i].facts.height == seen[j].facts.height && seen[i].likeness.small == seen[j].likeness.small
      }.flatMap { [seen[$0].number, seen[$1].number] })
    let pixels = try suspects.isEmpty ? [:] : gallery.pixelDigests(of: suspects)
    // Files of the same bytes go by the same pixels.
    var byFile: [String: String] = [:]
    for look in seen { if let pixel = pixels[look.number] { byFile[look.digest] = pixel } }
    let identity = seen.map { byFile[$0.digest] ?? $0.digest }

    var groups: [String: [String]] = [:]
    var order: [String] = []
    for (look, key) in zip(seen, identity) {
      if groups[key] == nil { order.append(key) }
      groups[key, default: []].append(look.name)
    }
    duplicates = order.compactMap { groups[$0]!.count > 1 ? groups[$0]! : nil }

    // Of the same pixels one stands for all, or every group of duplicates would be told twice.
    var first: [String: Int] = [:]
    for (i, key) in identity.enumerated() where first[key] == nil { first[key] = i }
    let representative = identity.map { first[$0]! }
    let near = pairs.map { (representative[$0], representative[$1]) }.filter { $0 != $1 && !seen[$0].likeness.isBlank }
    nearDuplicates = joined(near, count: seen.count).map { $0.map { seen[$0].name } }
  }
}

extension Gallery {
  /// SHA-256 of the decoded pixels of some of the pictures, by their numbers.
  fileprivate func pixelDigests(of numbers: Set<Int>) throws -> [Int: String] {
    let some = numbers.sorted()
    var digests: [Int: String] = [:]
    try keeping(some).forEach { _, name, bytes -> String? in
      guard case .success(let bytes) = bytes else { return nil }
      let picture = try? Picture.decode(bytes, named: name, Decoding(channels: nil))
      return picture.map { Digest.sha256("\($0.width) \($0.height) \($0.channels) \(Digest.sha256($0.bytes))") }
    } collect: { i, digest in
      digests[some[i]] = digest
    }
    return digests
  }
}

/// Groups of two and more that the pairs join, each in ascending order, by their first.
func joined(_ pairs: [(Int, Int)], count: Int) -> [[Int]] {
  var parent = Array(0..<count)
  func root(_ i: Int) -> Int {
    var i = i
    while parent[i] != i { i = parent[i] }
    return i
  }
  for (a, b) in pairs {
    let (x, y) = (root(a), root(b))
    parent[max(x, y)] = min(x, y)
  }
  let groups = Dictionary(grouping: 0..<count, by: root).values.filter { $0.count > 1 }
  return groups.map { $0.sorted() }.sorted { $0[0] < $1[0] }
}
