import Foundation
import Media
import Torch

/// Frames that follow one another, as they are in their files.
struct FrameSequence {
  let name: String
  /// Frames a second; nil where nobody says.
  let rate: FrameRate?
  /// All frames; of a clip the first two.
  fileprivate let frames: [Picture]
  /// The others of a clip, which may be too many to be in memory.
  fileprivate var rest: ClipReader?

  /// Gives each frame on the one canvas that holds the largest; those of a clip can be had once.
  ///
  /// - Parameter channels: 3 or 4.
  func forEachFrame(channels: Int, on ground: Ground = .white, _ body: (Picture) throws -> Void) throws {
    for picture in frames.onOneCanvas(ground) { try body(picture.withChannels(channels)) }
    while let rest, let rate, let found = rest.next(at: rate) { try body(found.picture.withChannels(channels)) }
  }
}

/// Where sequences of pictures are: a folder of numbered files or of folders, of clips or of sheets; a zip file of pictures;
/// one clip, or one sheet.
struct SequenceGallery {
  /// Pictures that belong together, in order, by their numbers in the gallery.
  private struct Group {
    let name: String
    var members: [Int]
  }
  private let pictures: Gallery?
  private let groups: [Group]
  private let clips: [(name: String, path: String)]
  /// Pictures that belong to none of the sequences.
  private let alone: [String]
  private let frame: PictureSize?
  let path: String

  /// How many files are looked at.
  var count: Int { groups.reduce(clips.count) { $0 + $1.members.count } }

  /// - Parameter frame: pictures are sheets of frames of this size, a row a sequence.
  /// - Throws: `SequenceError`, `GalleryError`, `ArchiveError`.
  init(_ path: String, frame: PictureSize? = nil) throws {
    (self.path, self.frame) = (path.absolutePath, frame)
    var isFolder: ObjCBool = false
    let isThere = FileManager.default.fileExists(atPath: self.path, isDirectory: &isFolder)
    if isThere, !isFolder.boolValue, Self.isClip(path) {
      (pictures, groups, alone) = (nil, [], [])
      clips = [((self.path as NSString).lastPathComponent, self.path)]
      return
    }
    let found = isThere && isFolder.boolValue ? Self.clips(in: self.path) : []
    // GIFs of one frame each are frames.
    let isOfStills = !found.isEmpty && found.allSatisfy { Self.isStillGIF($0.path) }
    clips = isOfStills ? [] : found
    do {
      pictures = try Gallery(path)
    } catch GalleryError.noPictures where !clips.isEmpty {
      (pictures, groups, alone) = (nil, [], [])
      return
    }
    let isArchive = pictures!.isArchive
    let candidates = pictures!.candidates.enumerated().filter {
      isArchive
        ? !["gif", "apng"].contains(($1.name as NSString).pathExtension.lowercased())
        : isOfStills || !Self.isClip($1.path)
    }
    if frame != nil {
      groups = candidates.map { Group(name: stem($1.name), members: [$0]) }
    } else {
      groups = Self.grouped(candidates.map { ($0, $1.name) })
    }
    let taken = Set(groups.flatMap(\.members))
    alone = groups.isEmpty && clips.isEmpty ? [] : candidates.filter { !taken.contains($0.offset) }.map(\.element.name)
  }

  /// Files of one name but for the number at its end, in the order of these numbers: `mage-attack1.png`,
  /// `mage-attack-2.png`, `walk (3).png`; or but for the letter, from a on without a gap. In a folder where nothing is numbered
  /// alike, all files in the order of their names.
  private static func grouped(_ files: [(number: Int, name: String)]) -> [Group] {
    var order: [String] = [], found: [String: [(place: Int, number: Int)]] = [:]
    var folders: [String: [(Int, String)]] = [:]
    var lettered: [(number: Int, name: String)] = []
    func add(_ number: Int, _ place: Int, to key: String) {
      if found[key] == nil { order.append(key) }
      found[key, default: []].append((place, number))
    }
    for (number, name) in files {
      let folder = name.parentPath
      folders[folder, default: []].append((number, name))
      guard let (prefix, place) = numbered(stem(name)) else {
        lettered.append((number, name))
        continue
      }
      // A folder of "1.png", "2.png" is a sequence, and goes by the folder's name.
      add(number, place, to: prefix.isEmpty || prefix.hasSuffix("/") ? "\(folder)/" : prefix)
    }
    // A Mac and Windows number copies from 2 on: the file without a number comes before them.
    lettered.removeAll { number, name in
      guard let numbers = found[stem(name)], numbers.map(\.place).min() == 2 else { return false }
      add(number, 1, to: stem(name))
      return true
    }
    for (key, members) in Self.lettered(lettered) {
      for (place, number) in members.enumerated() { add(number, place, to: key) }
    }
    var groups = order.compactMap { key -> Group? in
      let members = found[key]!.sorted { ($0.place, $0.number) < ($1.place, $1.number) }.map(\.number)
      return members.count > 1 ? Group(name: key.hasSuffix("/") ? String(key.dropLast()) : key, members: members) : nil
    }
    if groups.isEmpty {
      groups = folders.sorted { $0.key < $1.key }.filter { $0.value.count > 1 && !$0.key.isEmpty }
        .map { Group(name: $0.key, members: $0.value.map(\.0)) }
    }
    return groups
  }

  /// Files of one name but for a letter, where the letters go on from a: `a.png`, `b.png`, `c.png`. A letter alone says less than
  /// a number: two files aren't enough.
  private static func lettered(_ files: [(number: Int, name: String)]) -> [(key: String, members: [Int])] {
    var order: [String] = [], found: [String: [(letter: UInt8, number: Int)]] = [:]
    for (number, name) in files {
      guard let match = stem(name).firstMatch(of: /^(|.*[-_ .\/])\(?([A-Za-z])\)?$/) else { continue }
      let prefix = String(match.1), folder = name.parentPath
      let key = prefix.isEmpty || prefix.hasSuffix("/") ? "\(folder)/" : String(prefix.dropLast())
      if found[key] == nil { order.append(key) }
      found[key, default: []].append((Character(match.2.lowercased()).asciiValue!, number))
    }
    return order.compactMap { key in
      let members = found[key]!.sorted { $0.letter < $1.letter }
      let isRow = members.enumerated().allSatisfy { $1.letter == UInt8(ascii: "a") + UInt8(min(200, $0)) % 128 }
      return members.count > 2 && isRow ? (key, members.map(\.number)) : nil
    }
  }

  private init(_ other: SequenceGallery, groups: [Group], clips: [(name: String, path: String)]) {
    (path, frame, pictures, alone) = (other.path, other.frame, other.pictures, [])
    (self.groups, self.clips) = (groups, clips)
  }

  /// The sequences' names; those of rows of a sheet are the sheet's.
  var names: [String] { groups.map(\.name) + clips.map(\.name) }

  /// With one of the sequences alone.
  func keeping(_ name: String) -> SequenceGallery {
    SequenceGallery(self, groups: groups.filter { $0.name == name }, clips: clips.filter { $0.name == name })
  }

  /// The sequence that a numbered picture is of, with the other files of its folder; nil when it is alone.
  static func around(_ picture: String) throws -> SequenceGallery? {
    let path = picture.absolutePath as NSString
    let folder = try SequenceGallery(path.deletingLastPathComponent)
    let name = path.lastPathComponent
    let group =
      folder.groups.first { $0.members.contains { folder.pictures!.candidates[$0].name == name } }
      ?? folder.numberedInside(like: name)
    return group.map { SequenceGallery(folder, groups: [$0], clips: []) }
  }

  /// Files named alike but for the last number, which others than the end may hold: `walk_1_left.png`, `walk_2_left.png`.
  private func numberedInside(like name: String) -> Group? {
    func parts(_ name: String) -> (key: String, place: Int)? {
      guard let match = stem(name).firstMatch(of: /^(.*?)([0-9]+)([^0-9]*)$/) else { return nil }
      return Int(match.2).map { ("\(match.1)#\(match.3)", $0) }
    }
    guard let pictures, let own = parts(name) else { return nil }
    let members = pictures.candidates.enumerated().compactMap { number, candidate in
      parts(candidate.name).flatMap { $0.key == own.key ? (place: $0.place, number: number) : nil }
    }
    let sorted = members.sorted { ($0.place, $0.number) < ($1.place, $1.number) }.map(\.number)
    return sorted.count > 1 ? Group(name: stem(name), members: sorted) : nil
  }

  /// Whether a file is a clip by what is in it, or by its name alone, which is said then; each GIF is one, however many frames it
  /// has.
  static func isClip(_ path: String) -> Bool {
    let endings = ["mp4", "m4v", "mov", "mkv", "webm", "avi"]
    return ClipSignature.isClip(path.absolutePath) || endings.contains((path as NSString).pathExtension.lowercased())
  }

  /// The one clip that it is, where it is one.
  var onlyClip: String? { groups.isEmpty && clips.count == 1 && frame == nil ? clips[0].path : nil }

  /// All of a folder's pictures as one sequence, in the order of their names.
  var whole: SequenceGallery {
    guard let pictures, pictures.count > 1 else { return self }
    return SequenceGallery(self, groups: [Group(name: "", members: Array(0..<pictures.count))], clips: [])
  }

  private static func isStillGIF(_ path: String) -> Bool {
    guard let start = try? FileBytes.read(path, first: 32), PictureFormat(start: start) == .gif else { return false }
    let reader = try? ClipReader(path)
    return reader?.next() != nil && reader?.next() == nil
  }

  private static func clips(in folder: String) -> [(name: String, path: String)] {
    let names = FileManager.default.enumerator(atPath: folder)?.compactMap { $0 as? String } ?? []
    return names.sorted().filter { name in
      !name.split(separator: "/").contains { $0.hasPrefix(".") } && isClip("\(folder)/\(name)")
    }.map { ($0, "\(folder)/\($0)") }
  }

  /// Reads all sequences, one after the other.
  ///
  /// - Parameters:
  ///   - channels: 3 or 4.
  ///   - each: is given each, with at least two frames.
  ///   - setAside: what can't be used, and why.
  ///   - progress: files done, of how many.
  /// - Throws: `ArchiveError`, and what `each` throws.
  func forEach(
    channels: Int, setAside: (SetAside) -> Void, progress: (Int, Int) -> Void = { _, _ in },
    _ each: (FrameSequence) throws -> Void
  ) throws {
    var done = 0
    for missing in pictures?.unreadable ?? [] { setAside(missing) }
    for name in alone { setAside(SetAside(name: name, reason: "belongs to no sequence")) }
    if let pictures {
      try forEachGroup(
        of: pictures, channels, setAside,
        {
          done += 1; progress(done, count)
        }, each)
    }
    for clip in clips {
      do {
        let reader = try ClipReader(clip.path)
        let frames = (0..<2).compactMap { _ in reader.next(at: reader.facts.rate)?.picture }
        if frames.count > 1 {
          try each(FrameSequence(name: clip.name, rate: reader.facts.rate, frames: frames, rest: reader))
        } else {
          setAside(SetAside(name: clip.name, reason: "has no two frames that can be read"))
        }
      } catch let error as ClipError {
        setAside(SetAside(name: clip.name, reason: "can't be read as a clip (\(error.sentence))"))
      }
      done += 1
      progress(done, count)
    }
  }

  /// All sequences at once, and what couldn't be used.
  func all(channels: Int) throws -> (sequences: [FrameSequence], setAside: [SetAside]) {
    var sequences: [FrameSequence] = [], setAside: [SetAside] = []
    try forEach(channels: channels, setAside: { setAside.append($0) }) { sequences.append($0) }
    return (sequences, setAside)
  }

  /// A group's pictures are held from its first file to its last.
  private func forEachGroup(
    of pictures: Gallery, _ channels: Int, _ setAside: (SetAside) -> Void, _ advance: () -> Void,
    _ each: (FrameSequence) throws -> Void
  ) throws {
    var groupOf: [Int: Int] = [:]
    for (i, group) in groups.enumerated() { for member in group.members { groupOf[member] = i } }
    var held: [Int: [Int: Picture]] = [:], seen: [Int: Int] = [:]
    let wanted = groupOf.keys.sorted()
    try pictures.keeping(wanted).forEach { _, name, bytes in
      Result { () throws(PictureError) in
        try Picture.decode(bytes.get(), named: name, Decoding(channels: channels))
      }.mapError { SetAside(name: name, reason: $0.reason) }
    } collect: { place, result in
      let member = wanted[place], index = groupOf[wanted[place]]!
      switch result {
      case .success(let picture): held[index, default: [:]][member] = picture
      case .failure(let damaged): setAside(damaged)
      }
      advance()
      seen[index, default: 0] += 1
      let group = groups[index]
      guard seen[index] == group.members.count else { return }
      let frames = held.removeValue(forKey: index) ?? [:]
      try finish(group, group.members.compactMap { frames[$0] }, setAside, each)
    }
  }

  private func finish(
    _ group: Group, _ frames: [Picture], _ setAside: (SetAside) -> Void, _ each: (FrameSequence) throws -> Void
  ) throws {
    let name = group.name.isEmpty ? stem((path as NSString).lastPathComponent) : group.name
    guard let frame else {
      if frames.count > 1 { try each(FrameSequence(name: name, rate: nil, frames: frames)) }
      return
    }
    guard let sheet = frames.first else { return }
    let rows = sheet.rows(of: frame)
    if rows.isEmpty { setAside(SetAside(name: name, reason: "isn't a sheet of \(frame) frames")) }
    for (i, row) in rows.enumerated() where row.count > 1 {
      try each(FrameSequence(name: rows.count > 1 ? "\(name)-\(i + 1)" : name, rate: nil, frames: row))
    }
  }

  /// Differs for other contents, or another way of reading them.
  func hash(in workspace: Workspace) throws -> String {
    let clips = try self.clips.map { "\($0.name)\0\(try Digest.sha256(file: $0.path))" }
    let still = try pictures.map { try contentHash(of: $0, in: workspace) } ?? ""
    return Digest.sha256(([still, frame?.description ?? ""] + clips).joined(separator: "\0"))
  }
}

/// A name before its number, and that number: "walk" and 3 of "walk-3", "walk3", "walk (3)" or "walk.0003".
private func numbered(_ stem: String) -> (prefix: String, place: Int)? {
  guard let match = stem.firstMatch(of: /^(.*?)[-_ .#]*[\(\[]?([0-9]+)[\)\]]?$/) else { return nil }
  return Int(match.2).map { (String(match.1), $0) }
}

/// A name without its ending.
private func stem(_ name: String) -> String { (name as NSString).deletingPathExtension }

extension Picture {
  /// Cut into frames, row by row; what is empty at a row's end is left out.
  ///
  /// - Returns: nothing when the frames don't fill the sheet.
  func rows(of frame: PictureSize) -> [[Picture]] {
    guard width % frame.width == 0, height % frame.height == 0 else { return [] }
    return (0..<height / frame.height).map { row in
      var cells = (0..<width / frame.width).map { column in
        cut(x: column * frame.width, y: row * frame.height, width: frame.width, height: frame.height)
      }
      while let last = cells.last, last.isEmpty { cells.removeLast() }
      return cells
    }.filter { !$0.isEmpty }
  }

  func cut(x: Int, y: Int, width: Int, height: Int) -> Picture {
    var part: [UInt8] = []
    part.reserveCapacity(width * height * channels)
    for row in y..<y + height {
      let start = (row * self.width + x) * channels
      part += bytes[start..<start + width * channels]
    }
    return Picture(width: width, height: height, channels: channels, bytes: part)
  }

  /// Whether nothing of it can be seen.
  private var isEmpty: Bool { channels == 4 && stride(from: 3, to: bytes.count, by: 4).allSatisfy { bytes[$0] == 0 } }

  /// Opaque where it had no alpha; on white without it.
  func withChannels(_ wanted: Int) -> Picture {
    if channels == wanted { return self }
    if wanted == 3 && channels == 4 { return flattened(on: .white) }
    let count = width * height
    var out = [UInt8]()
    out.reserveCapacity(count * wanted)
    for i in 0..<count {
      for c in 0..<3 { out.append(bytes[i * channels + (channels == 1 ? 0 : c)]) }
      if wanted == 4 { out.append(channels == 4 ? bytes[i * 4 + 3] : 255) }
    }
    return Picture(width: width, height: height, channels: wanted, bytes: out)
  }

  /// In the middle of a square of that side, without being enlarged: small drawings keep their pixels.
  func inSquare(_ side: Int, _ packing: Packing) -> Picture {
    let isSmall = max(width, height) <= side && packing.channels == 4
    let picture = isSmall ? self : resampled(width: side, height: side, isFilled: packing.crop != .fit)
    return picture.centred(width: side, height: side, on: packing.ground)
  }
}

extension [Picture] {
  /// All in the middle of what holds the largest of them: frames of an animation may be cut differently.
  func onOneCanvas(_ ground: Ground = .white) -> [Picture] {
    let width = map(\.width).max() ?? 0, height = map(\.height).max() ?? 0
    return map { $0.centred(width: width, height: height, on: ground) }
  }
}

/// Why there are no sequences to learn or to move from.
public enum SequenceError: Explained, Equatable {
  /// Pictures, but no two that follow one another.
  case noSequences(path: String)
  /// Not one of the sheets is filled by frames of that size.
  case noSheets(path: String, frame: PictureSize)
  /// `--frame` for a recipe that doesn't learn motion.
  case needlessFrame(recipe: String)

  public var sentence: String {
    switch self {
    case .noSequences(let path):
      "\(path) has no sequences of two frames or more: number files that follow one another (walk1.png, walk2.png), give "
        + "each sequence a folder, or name clips, or sheets with --frame 72x72."
    case .noSheets(let path, let frame):
      "\(path) has no sheet that frames of \(frame) pixels fill: give --frame the width and height of one frame."
    case .needlessFrame(let recipe):
      "The recipe \(recipe) learns from single pictures: leave --frame out, or use a recipe of motion."
    }
  }
  public var exit: Exit {
    switch self {
    case .noSequences, .noSheets: .data
    case .needlessFrame: .usage
    }
  }
}
