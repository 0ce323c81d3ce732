import Foundation
import Media
import Torch

/// A request to `inspect`.
public struct InspectRequest: Sendable {
  /// Of the pictures that would be trained; nil takes what is advised.
  public var size: PictureSize?
  /// Where the contact sheet goes; nil draws none.
  public var sheet: String?
  /// The folder for a small copy of each picture, NAME.png with the first 16 digits of the name's SHA-256; nil makes none. Copies
  /// that are there are kept: a page shows these, never a stranger's file as it came.
  public var thumbnails: String?
  /// Replaces a contact sheet that is there.
  public var force = false
  /// Pictures on the contact sheet, at most; from more, as many are taken at equal distances.
  public var onSheet = 160

  public init(size: PictureSize? = nil, sheet: String? = nil, force: Bool = false) {
    (self.size, self.sheet, self.force) = (size, sheet, force)
  }
}

/// Looks at every picture of a folder or a zip file: decodes it whole, and compares it with all others.
///
/// - Parameters:
///   - path: a folder, a zip file, one picture, or a film or a sound, of which only `Inspection.file` is filled.
///   - workspace: whose cache takes what memory shouldn't hold of a large set, until it is looked through.
///   - advise: what one would train on what was found; nil when nobody knows.
///   - tell: told how many files are done.
/// - Throws: `GalleryError`, `ArchiveError`, `FileError`, `ClipError`, `HandCropError`. Damaged pictures are part of the result.
public func inspect(
  _ path: String, _ request: InspectRequest = InspectRequest(), in workspace: Workspace? = nil,
  advise: (Inspection) -> Advice? = { _ in nil },
  tell: (Event) -> Void = { _ in }
) throws -> Inspection {
  if let sheet = request.sheet {
    try OutputFormat.check(sheet)
    if !request.force, access(sheet, F_OK) == 0 { throw FileError.exists(path: sheet) }
  }
  if let thumbnails = request.thumbnails { try AtomicFile.makeFolder(thumbnails.absolutePath) }
  if isFilmOrSound(path) {
    var found = Inspection(path: path.absolutePath, size: 64)
    found.file = try ClipReport.facts(path.absolutePath)
    return found
  }
  let gallery = try Gallery(path)
  var found = Inspection(path: gallery.path, size: request.size ?? 64)
  (found.hidden, found.others, found.damaged) = (gallery.hidden, gallery.others, gallery.unreadable)
  let step = max(1, (gallery.count + request.onSheet - 1) / request.onSheet)
  var seen: [Look] = []
  let likenesses = Likenesses(folder: workspace?.cache ?? NSTemporaryDirectory())
  var thumbnails: [Picture] = []
  var pace = Pace(.files)
  let crops = try HandCrops(of: gallery)
  found.cropped = crops.count == 0 ? nil : crops.count
  try gallery.forEach { number, name, bytes in
    if let folder = request.thumbnails, let bytes = try? bytes.get() { keepSmall(bytes, name, in: folder.absolutePath) }
    return Look.taken(number, name, bytes, part: crops[name], keepsThumbnail: number % step == 0)
  } collect: { number, look in
    switch look {
    case .success(let (look, likeness, thumbnail)):
      if let thumbnail { thumbnails.append(thumbnail) }
      seen.append(look)
      try likenesses.append(likeness)
    case .failure(let damaged): found.damaged.append(damaged)
    }
    tell(pace.at(number + 1, of: gallery.count))
  }
  if gallery.kind == .file { found.file = try Picture.report(FileBytes.read(gallery.path), named: path) }
  found.labelNotes = try LabelFile(of: gallery).flatMap { $0.notes.isEmpty ? nil : $0.notes }
  found.count(seen)
  try found.compare(seen, likenesses, in: gallery, crops)
  if found.pictures > 0 { found.areDrawn = try PictureSurface.areDrawn(gallery) }
  found.advice = advise(found)
  found.size = request.size ?? found.advice?.size ?? found.size
  found.judge(seen)
  if let sheet = request.sheet, !thumbnails.isEmpty {
    // About three wide for two high, as a screen is.
    let columns = max(1, Int((Double(thumbnails.count) * 1.5).squareRoot().rounded(.up)))
    let drawn = Sheet(columns: columns, for: thumbnails.count, cell: PictureSize(Look.side), margin: 4).drawn(
      thumbnails)
    try AtomicFile.makeFolder(sheet.absolutePath.parentPath)
    try drawn.write(sheet, isForced: request.force)
    found.sheet = sheet
  }
  return found
}

/// Whether a file is a film or a sound, by its first bytes; animations in a picture's format are pictures here.
public func isFilmOrSound(_ path: String) -> Bool {
  guard let start = try? FileBytes.read(path.absolutePath, first: FileKind.signatureBytes) else { return false }
  switch FileKind(start: start) {
  case .picture, .archive: return false
  case .other(let kind) where ["a WAV", "a FLAC", "an MP3", "an Ogg file"].contains(kind): return true
  default: return ClipSignature.isClip(path.absolutePath)
  }
}

/// Writes copies of a picture for pages: a small one, and of a larger picture one that is sharp on a screen. A damaged picture has none.
private func keepSmall(_ bytes: [UInt8], _ name: String, in folder: String) {
  let path = "\(folder)/\(Digest.sha256(name).prefix(16))"
  func isMissing(_ ending: String) -> Bool { access(path + ending, F_OK) != 0 }
  guard isMissing(".png") || isMissing(".webp"), let facts = try? Picture.facts(bytes, named: name) else { return }
  // All of it, in its own shape.
  let size = PictureSize(facts.width, facts.height), small = size.within(256), isLarger = small != size
  guard isMissing(".png") || isLarger,
    let sharp = try? Picture.decode(bytes, named: name, Decoding(size: size.within(1024), channels: nil))
  else { return }
  // Not waited for: a page can do without them.
  if isLarger { try? sharp.write(path + ".webp", quality: 75, isForced: true, isSynced: false) }
  let thumbnail = isLarger ? sharp.resampled(width: small.width, height: small.height) : sharp
  try? thumbnail.write(path + ".png", isForced: true, isSynced: false)
}

extension PictureSize {
  /// The same shape with a longer side of so many pixels at most.
  fileprivate func within(_ most: Int) -> PictureSize {
    guard longer > most else { return self }
    func side(_ length: Int) -> Int { max(1, Int((Double(length * most) / Double(longer)).rounded())) }
    return PictureSize(side(width), side(height))
  }
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
  /// Of the part that is used, in pixels.
  let size: PictureSize
  /// Of the file.
  let digest: Fingerprint
  let isTransparent: Bool
  let isGrey: Bool
  let isBlank: Bool

  /// A picture counts as grey when no point of it at 32 by 32 is more coloured than JPEG's noise on a grey one.
  private static let colourOfGrey = 10

  static func taken(
    _ number: Int, _ name: String, _ bytes: Result<[UInt8], PictureError>, part: PicturePart?, keepsThumbnail: Bool
  ) -> Result<(Look, Likeness, thumbnail: Picture?), SetAside> {
    Result { () throws(PictureError) in
      let bytes = try bytes.get()
      let facts = try Picture.facts(bytes, named: name)
      // Every byte of the picture is decoded for it, so that damage anywhere shows.
      let picture = try Picture.decode(
        bytes, named: name, Decoding(size: PictureSize(side), channels: facts.hasAlpha ? 4 : 3, part: part))
      let flat = picture.flattened(on: .white)
      let likeness = Likeness(flat.resampled(width: Likeness.side, height: Likeness.side))
      let whole = PictureSize(facts.width, facts.height)
      let look = Look(
        number: number, name: name, facts: facts, size: part?.size(of: whole) ?? whole,
        digest: Fingerprint(part.map { bytes + Array("\($0)".utf8) } ?? bytes), isTransparent: picture.isTransparent,
        isGrey: likeness.colourfulness <= colourOfGrey, isBlank: likeness.isBlank)
      return (look, likeness, keepsThumbnail ? flat : nil)
    }.mapError { SetAside(name: name, reason: $0.reason) }
  }
}

extension Inspection {
  /// Fills in all that is known of each picture by itself.
  fileprivate mutating func count(_ seen: [Look]) {
    pictures = seen.count
    for look in seen { formats[look.facts.format.rawValue, default: 0] += 1 }
    func isSmaller(_ a: Look, _ b: Look) -> Bool { (a.size.pixels, a.number) < (b.size.pixels, b.number) }
    func extent(_ look: Look) -> Extent { Extent(name: look.name, width: look.size.width, height: look.size.height) }
    (smallest, largest) = (seen.min(by: isSmaller).map(extent), seen.max(by: isSmaller).map(extent))
    let sides = seen.map(\.size.shorter).sorted()
    typicalSide = sides.isEmpty ? 0 : sides[sides.count / 2]
    shape = UsualShape(of: seen.map(\.size))
    let grey = names(seen) { $0.isGrey }
    isAllGrey = grey.count == seen.count && !seen.isEmpty
    greyAmongColour = isAllGrey ? [] : grey
    blank = names(seen) { $0.isBlank }
    transparent = names(seen) { $0.isTransparent }
    animated = names(seen) { $0.facts.isAnimated }
  }

  /// Fills in what depends on the size that would be trained.
  fileprivate mutating func judge(_ seen: [Look]) {
    tooSmall = names(seen) { $0.size.width < size.width || $0.size.height < size.height }
    longish = names(seen) { look in
      let ratio = look.size.aspect / size.aspect
      return max(ratio, 1 / ratio) > 2
    }
  }

  private func names(_ seen: [Look], where isMeant: (Look) -> Bool) -> [String] { seen.filter(isMeant).map(\.name) }

  /// Fills in the duplicates, exact and near.
  fileprivate mutating func compare(_ seen: [Look], _ likenesses: Likenesses, in gallery: Gallery, _ crops: HandCrops)
    throws
  {
    // Other bytes may hold the same pixels (a PNG saved again, a title added): only then all pixels are compared.
    let pixels = try gallery.pixelDigests(of: suspects(seen, likenesses.kinds), crops)
    // Files of the same bytes go by the same pixels.
    var byFile: [Fingerprint: Fingerprint] = [:]
    for look in seen { if let pixel = pixels[look.number] { byFile[look.digest] = pixel } }

    // Of the same pixels one stands for all, or every group of duplicates would be told twice.
    var first: [Fingerprint: Int] = [:]
    var same = DisjointSets(count: seen.count)
    for (i, look) in seen.enumerated() {
      let key = byFile[look.digest] ?? look.digest
      if let first = first[key] { same.unite(first, i) } else { first[key] = i }
    }
    duplicates = same.groups { _ in true }.map { $0.map { seen[$0].name } }

    var (near, isWhole) = try likenesses.near()
    let ones = seen.indices.map { same.root(of: $0) }
    for (i, one) in ones.enumerated() { near.unite(i, one) }
    nearDuplicates = near.groups { ones[$0] == $0 && !seen[$0].isBlank }.map { $0.map { seen[$0].name } }
    if !isWhole { isUnfinished = true }
  }

  /// The numbers of pictures that look the same at 32 by 32 and are as large, but differ as files.
  private func suspects(_ seen: [Look], _ kinds: [Int32]) -> [Int] {
    struct Key: Hashable {
      let kind: Int32
      let size: PictureSize
    }
    func key(_ i: Int) -> Key { Key(kind: kinds[i], size: seen[i].size) }
    var files: [Key: Fingerprint] = [:]
    var suspected: Set<Key> = []
    for (i, look) in seen.enumerated() {
      if let file = files[key(i)] {
        if file != look.digest { suspected.insert(key(i)) }
      } else {
        files[key(i)] = look.digest
      }
    }
    return seen.indices.filter { suspected.contains(key($0)) }.map { seen[$0].number }
  }
}

extension Gallery {
  /// What tells the decoded pixels of some of the pictures, by their numbers in ascending order.
  fileprivate func pixelDigests(of some: [Int], _ crops: HandCrops) throws -> [Int: Fingerprint] {
    guard !some.isEmpty else { return [:] }
    var digests: [Int: Fingerprint] = [:]
    try keeping(some).forEach { _, name, bytes -> Fingerprint? in
      guard case .success(let bytes) = bytes else { return nil }
      // What is damaged was told of when all were looked at, and is like no other.
      let picture = try? Picture.decode(bytes, named: name, Decoding(channels: nil, part: crops[name]))
      return picture.map {
        Fingerprint(Array("\($0.width) \($0.height) \($0.channels) \(Digest.sha256($0.bytes))".utf8))
      }
    } collect: { i, digest in
      digests[some[i]] = digest
    }
    return digests
  }
}
